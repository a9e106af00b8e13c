/**
 * Who a sentence is about: `금융위원회는 …`, `… 경우 금융회사 또는 전자금융업자는 …`. Only a plain name that can be
 * exchanged for another counts; `허가를 받으려는 자는` describes, and is left alone.
 */

export interface Actor {
  start: number;
  end: number;
  text: string;
}

export type ActorClass = 'authority' | 'party';

const suffix =
  '(?:위원회|위원장|장관|원장|처장|청장|국장|의 장|회사|업자|기관|처리자|책임자|이용자|소비자|투자자|협회|법원|은행|공사|공단|조합|거래소|예탁결제원|감독원|진흥원|정보주체|대표자|이사회|감사|주주|임원|발기인|수탁자|위탁자|차입자|계약자|모집인|신청인|대통령|총재|센터|정부|국가|지방자치단체|경영자|제공자|등)';
const name = `[가-힣A-Za-z0-9ㆍ·]+(?:(?:,\\s|\\s(?:또는|및)\\s|\\s)[가-힣A-Za-z0-9ㆍ·]+){0,5}?`;
const topic = new RegExp(
  `(?:^|[,]\\s|(?:경우|때|날|이내|후|전|위하여)(?:에는|에|부터)?,?\\s)(${name})(?=(?:은|는)\\s)`,
  'gu',
);
const whole = new RegExp(`${suffix}$`, 'u');
const describing =
  /(?:하는|되는|있는|없는|받은|하려는|한|된|할|려는|던|인|에|에서|에게|을|를|으로|로|하여|하고|하거나|때|경우|이|가|의|따라|대한|관한|위한|따른)\s/u;
const authority =
  /(?:위원회|위원장|장관|원장|처장|청장|감독원|진흥원|한국은행|공사|공단|대통령|총재|법원|거래소|협회|정부|예탁결제원|행정기관의 장|지방자치단체의 장|시ㆍ도지사)$/u;

/** The actor a sentence is about, or undefined. */
export function topicOf(sentence: string): Actor | undefined {
  for (const match of sentence.matchAll(topic)) {
    const text = match[1] as string;
    const start = match.index + match[0].length - text.length;
    if (isName(text)) return { start, end: start + text.length, text };
  }
  return undefined;
}

export function isName(text: string): boolean {
  return (
    text.length >= 2 &&
    text.length <= 30 &&
    whole.test(text) &&
    !describing.test(
      text.replace(/\s의 장/gu, '').replace(/[가-힣]+의\s(?=장$|대표자|임원|이사회|주주)/gu, ''),
    )
  );
}

export function classOf(actor: string): ActorClass {
  return authority.test(actor) ? 'authority' : 'party';
}

/** Authorities that any Korean statute of finance or information may name: they fill up where it names few. */
export const knownAuthorities: readonly string[] = [
  '금융위원회',
  '금융감독원장',
  '과학기술정보통신부장관',
  '방송통신위원회',
  '개인정보 보호위원회',
  '공정거래위원회',
  '한국은행',
  '기획재정부장관',
  '행정안전부장관',
  '국가정보원장',
  '한국인터넷진흥원',
  '예금보험공사',
];

/** One name may take the other in: 금융회사 and 금융회사 또는 전자금융업자, 보호위원회 and 개인정보 보호위원회. */
export function overlap(one: string, other: string): boolean {
  const names = (text: string): string[] =>
    text
      .split(/,\s|\s(?:또는|및)\s|ㆍ|[와과]\s/u)
      .map((part) => part.replaceAll(' ', '').replace(/등$/u, ''));
  return names(one).some((a) => names(other).some((b) => a.includes(b) || b.includes(a)));
}

/** Names so wide that a statement about another actor also holds for some of them. */
export const wide =
  /^(?:누구든지|기관|회사|사업자|법인|금융기관|금융회사등|당사자|이해관계인|국가|정부|등|임원|위원회|위원장|원장|관계 기관|해당 기관)$/u;

/** Whom something is given to or got from: `금융위원회에 제출`, `정보주체에게 통지`, `금융위원회의 승인을 받아`. */
export interface Counterparty extends Actor {
  act: string;
  /** What follows the name: 에, 에게, 의. */
  particle: '에' | '에게' | '의';
}

const given = new RegExp(
  `(?<=[\\s,])(${name})(에게|에)\\s(?=(?:[^,.]{0,14}\\s)?(제출|보고|신고|통지|통보|신청|등록|요청|협의|알|제공|고지|공시|송부|이관))`,
  'gu',
);
const granted = new RegExp(
  `(?<=[\\s,])(${name})의\\s(?=(승인|허가|인가|지정|동의|인증|확인|추천|결의|의결|심의)(?:을|를)\\s(?:받|얻|거))`,
  'gu',
);

export function counterpartyOf(sentence: string): Counterparty | undefined {
  for (const pattern of [given, granted])
    for (const match of sentence.matchAll(pattern)) {
      const text = match[1] as string;
      const last = lastName(text);
      if (last === null) continue;
      const start = match.index + text.length - last.length;
      const particle = pattern === granted ? '의' : (match[2] as '에' | '에게');
      return { start, end: start + last.length, text: last, act: match[3] ?? match[2] ?? '', particle };
    }
  return undefined;
}

/** The longest run of words at the end that is a plain name. */
function lastName(words: string): string | null {
  const parts = words.split(' ');
  for (let from = 0; from < parts.length; from++) {
    const tail = parts.slice(from).join(' ');
    if (isName(tail) && !/^(?:또는|및)\s/u.test(tail)) return tail;
  }
  return null;
}
