/**
 * Who a sentence is about: `금융위원회는 …`, `… 경우 금융회사 또는 전자금융업자는 …`. Only a plain name that can be
 * exchanged for another counts; `허가를 받으려는 자는` describes, and is left alone.
 *
 * Names are exchanged only for names of which neither can be an instance of the other: one authority for another,
 * one organ of a company for another, those who provide a service for those who use it. A card company is a finance
 * company, so what binds the one may bind the other, and 금융회사 → 신용카드업자 would prove nothing.
 */

export interface Actor {
  start: number;
  end: number;
  text: string;
}

export type ActorClass = 'authority' | 'organ' | 'provider' | 'customer';

const suffix =
  '(?:위원회|위원장|장관|원장|처장|청장|국장|의 장|회사|업자|기관|처리자|책임자|이용자|소비자|투자자|협회|법원|은행|공사|공단|조합|거래소|예탁결제원|감독원|진흥원|주체|대표자|이사회|감사|주주|주주총회|임원|발기인|수탁자|위탁자|차입자|계약자|예금자|가입자|모집인|신청인|대통령|총재|센터|경영자|제공자|준법감시인|(?:기관|회사|업자|사업자|처리자|제공자)등)';
const name = '[가-힣A-Za-z0-9ㆍ·]+(?:(?:,\\s|\\s(?:또는|및)\\s|\\s)[가-힣A-Za-z0-9ㆍ·]+){0,5}?';
/** Where a clause may begin that names who it is about; a comma after a noun only goes on with a list. */
const clauseStart =
  /^|(?<=[고며면여나서데때우니]),\s|(?:경우|때|날|이내|후|전|위하여)(?:에는|에|부터)?,?\s/gu;
const topicEnd = /(?<!또)(?:은|는)\s/gu;
const whole = new RegExp(`${suffix}$`, 'u');
const describing =
  /(?:(?:하는|되는|있는|없는|받은|하려는|한|된|할|려는|던|인|에|에서|에게|을|를|으로|로|하여|하고|하거나|때|경우|이|가|의|따라|대한|관한|위한|따른|절차|등|면|까지|부터|내에|후|전|고|며|록|게|서|여|에는|는|은)|(?:^|\s)(?:미리|각각|매년|다시|직접|해당|그|이|사전에|즉시|관계|서면|모든|다른|당해|소속|각|본인|새로))\s/u;

/** The actor a sentence is about, or undefined. */
export function topicOf(sentence: string): Actor | undefined {
  for (const opening of sentence.matchAll(clauseStart)) {
    const start = opening.index + opening[0].length;
    topicEnd.lastIndex = start;
    const end = topicEnd.exec(sentence)?.index;
    if (end === undefined) return undefined;
    const text = sentence.slice(start, end);
    if (isName(text)) return { start, end, text };
  }
  return undefined;
}

export function isName(text: string): boolean {
  return (
    text.length >= 2 &&
    text.length <= 30 &&
    /^[가-힣A-Za-z0-9ㆍ·, ]+$/u.test(text) &&
    whole.test(text) &&
    !describing.test(
      text.replace(/\s또는(?=\s)/gu, ',').replace(/(?<=[가-힣])의\s(?=장$|대표자$|이사회$|주주$)/gu, ''),
    )
  );
}

const authority =
  /(?:장관|감독원장|금융위원회|보호위원회|통신위원회|공정거래위원회|조정위원회|심사위원회|통화위원회|처장|청장|감독원|진흥원|한국은행|예금보험공사|대통령|법원|거래소|협회|예탁결제원|정보원장|분석원장|국세청장|총재)$/u;
const organ = /(?:이사회|주주총회|감사|감사위원회|대표자|경영자|책임자|준법감시인|발기인|임원|감시인)$/u;
const customer =
  /(?:(?<!제공ㆍ)이용자|소비자|투자자|주체|차입자|계약자|예금자|가입자|위탁자|신청인|주주|수익자|고객)$/u;
/** Kinds of authority: any of those named might be one. */
const generic = /행정기관|국가기관|공공기관|지방자치단체|관계 ?기관|수사기관|기관의 장$|기관등/u;

export function classOf(actor: string): ActorClass | undefined {
  const last = actor.split(/,\s|\s(?:또는|및)\s|[와과]\s/u).at(-1) as string;
  if (generic.test(actor) || wide.test(actor)) return undefined;
  if (authority.test(last)) return 'authority';
  if (customer.test(last)) return 'customer';
  if (organ.test(last)) return 'organ';
  return /(?:회사|업자|은행|처리자|제공자|등|조합)$/u.test(last) ? 'provider' : undefined;
}

/** Whose names may stand in the place of a name. */
export const exchangeable: Readonly<Record<ActorClass, readonly ActorClass[]>> = {
  authority: ['authority'],
  organ: ['organ'],
  provider: ['customer'],
  customer: ['provider'],
};

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

/** Organs that any company of finance has. */
export const knownOrgans: readonly string[] = [
  '이사회',
  '주주총회',
  '감사위원회',
  '정보보호최고책임자',
  '준법감시인',
  '대표자',
];

/** One name may take the other in: 금융회사 and 금융회사 또는 전자금융업자, 공공기관 and 공공기관등의 장. */
export function overlap(one: string, other: string): boolean {
  const names = (text: string): string[] =>
    text
      .split(/,\s|\s(?:또는|및)\s|ㆍ|[와과]\s/u)
      .map((part) => part.replace(/등(?=$|의\s)|의 장$|장$|\s/gu, ''));
  return names(one).some((a) => names(other).some((b) => a.includes(b) || b.includes(a)));
}

/** Names so wide that a statement about another actor also holds for some of them. */
const wide =
  /^(?:누구든지|기관|회사|사업자|법인|금융기관|당사자|이해관계인|국가|정부|등|임원|임원등|위원회|위원장|원장|위원|감사|수탁자|제공자|센터|협회|공사|조합|책임자|대표자)$/u;

/** Whom something is given to or got from: `금융위원회에 제출`, `정보주체에게 통지`, `금융위원회의 승인을 받아`. */
export interface Counterparty extends Actor {
  /** What follows the name. */
  particle: '에' | '에게' | '의';
}

const given = new RegExp(
  `(?<=[\\s,])(${name})(에게|에)\\s(?!관하여|대하여|대한|관한|따라|따른|의하여|의한|위하여|있어|한하여)(?=(?:[^,.]{0,14}\\s)?(?:제출|보고|신고|통지|통보|신청|등록|요청|협의|알[려리]|제공|고지|공시|송부|이관))`,
  'gu',
);
const granted = new RegExp(
  `(?<=[\\s,])(${name})의\\s(?=(?:승인|허가|인가|지정|동의|인증|확인|추천|결의|의결|심의)(?:을|를)\\s(?:받|얻|거))`,
  'gu',
);

export function counterpartyOf(sentence: string): Counterparty | undefined {
  for (const pattern of [given, granted])
    for (const match of sentence.matchAll(pattern)) {
      const text = lastName(match[1] as string);
      if (text === null) continue;
      const end = match.index + (match[1] as string).length;
      const particle = pattern === granted ? '의' : (match[2] as '에' | '에게');
      return { start: end - text.length, end, text, particle };
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
