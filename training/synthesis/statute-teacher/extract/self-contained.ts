/**
 * A piece of an article that can stand alone: references to its own statute are dropped where the text says the
 * same without them (`제1항에 따른 인가에 조건을 붙일 수 있다`), and a piece that then still leans on another
 * provision (`제1항에도 불구하고`, `전항의 기간`), or has lost what it is about (`제1항에 따른 사유로`), is given up.
 *
 * Brackets: what only names (`이하 “법”이라 한다`) goes; what narrows or widens stays, unless it refers away.
 * Citations of other statutes (`「형법」 제38조`) are part of what is said.
 */

export interface Standing {
  text: string;
  /** A reference was dropped: who does not know the article may ask `which one?`. */
  referred: boolean;
}

const article = '제\\s?\\d+\\s?조(?:의\\s?\\d+)?';
const paragraph = '제\\s?\\d+\\s?항(?:의\\d+)?';
const item = '제\\s?\\d+\\s?호(?:의\\d+)?';
const sub = '[가-하]목';
const unit = `(?:${article}(?:\\s?${paragraph})?(?:\\s?${item})?(?:\\s?${sub})?|${paragraph}(?:\\s?${item})?(?:\\s?${sub})?|${item}(?:\\s?${sub})?|${sub}(?![가-힣]))`;
const suffix = '(?:\\s?(?:본문|단서|전단|후단|각\\s?호\\s?외의\\s?부분|각\\s?호|각\\s?목|각각))*';
const list = `${unit}${suffix}(?:,?\\s?(?:부터|까지|및|또는|ㆍ|·|,|와|과|내지|이나)\\s?(?:같은\\s?(?:조|항)\\s?)?${unit}${suffix})*(?:\\s?까지)?(?:의\\s?규정)?${suffix}`;
const foreign = new RegExp(`」\\s?${list}`, 'gu');
/** `법 제28조제1항의 규정에 따라`, `제66조제2항에서 정한`: says where, not what. */
const droppable = new RegExp(
  `(?:(?<![가-힣])(?:이\\s)?(?:법|영|시행령|규정|규칙)\\s?)?${list}(?:에서?|의)?\\s?(?:따른|따라|따라서|의한|의하여|의하면|의거하여|의거|정한|정하는|규정한|규정하는|규정된)\\s(?<what>\\S+)`,
  'gu',
);
const leaning = new RegExp(
  `${unit}|제\\s?\\d+\\s?[편장절]|(?<![가-힣])(?<!(?:이|다른|관계|관련)\\s)[법영]\\s|각\\s?[호목]|같은\\s(?:조|항|호|법|영|규정)|전항|전조|본문|단서|전단|후단|별표|별지|외의\\s?부분|이\\s(?:조|항|절|장|편)(?:[^가-힣]|에서|의)|그러하지|전문(?:은|을)`,
  'u',
);
const naming = /(?:^|[.,]?\s*)이하\s[^()]*?(?:한다|같다)\.?/gu;
const longestBracket = 60;

/** Nouns that say nothing once the reference before them is gone. */
const vague =
  /^(?:기간|기준|방법|절차|금액|비율|사항|경우|요건|자료|서류|조치|업무|기한|한도|자|사람|규정|법령|죄|처분|정보|행위|위원|사유|때|날|구분|기관|권한|의무|책임|목적|범위|내용|해당|각각|것|협정|거래|증권|자산|법인|회사|단체|비용|수|시설|설비|상품|사업|계약|직무|수수료|보험|자금|계좌|재산|주식|주식등|바|데)(?:은|는|이|가|의|에는|에|을|를|로|으로|와|과|에서|에게|등|마다|별로|,|\(|$)/u;

export function selfContained(text: string): string | null {
  return standAlone(text)?.text ?? null;
}

/** The piece by itself, or null where it cannot stand alone. */
export function standAlone(text: string): Standing | null {
  const masked: string[] = [];
  const bare = withoutAsides(
    text.replace(foreign, (citation) => {
      masked.push(citation.slice(1));
      return `」⟪${masked.length - 1}⟫`;
    }),
  );
  if (bare === null || /같은\s(?:법|영|조|항|호)/u.test(bare)) return null;
  let lost = false;
  const dropped = bare.replace(droppable, (...groups) => {
    const { what = '' } = groups.at(-1) as { what?: string };
    if (vague.test(what)) lost = true;
    return what;
  });
  if (lost || leaning.test(dropped)) return null;
  const alone = dropped
    .replace(/⟪(\d+)⟫/gu, (_all, index: string) => masked[Number(index)] ?? '')
    .replace(/\s+/gu, ' ')
    .replace(/\s([,.])/gu, '$1')
    .trim();
  if (/^(?:에|의|을|를|은|는|이|가|및|또는|와|과|,|까지|부터)\s/u.test(alone)) return null;
  const referred = dropped !== bare;
  if ((referred && repeats(alone)) || !balanced(alone)) return null;
  return { text: alone, referred };
}

const longestRepeat = 10;

/** `제39조에 따른 협정은 제41조에 따른 협정에 …`: without the references both are the same. */
function repeats(text: string): boolean {
  const seen = new Map<string, number>();
  for (let at = 0; at + longestRepeat <= text.length; at++) {
    const stretch = text.slice(at, at + longestRepeat);
    const before = seen.get(stretch);
    if (before !== undefined && at - before >= longestRepeat) return true;
    if (before === undefined) seen.set(stretch, at);
  }
  return /(?:^|\s)([가-힣]{2,})(?:은|는|이|가|을|를)\s(?:\S+\s)?\1(?:에|을|를|의|로|으로|와|과)/u.test(text);
}

/** Drops bracketed asides; null where one that narrows what is said refers away or is long. */
function withoutAsides(text: string): string | null {
  let rest = text.replace(/\[이하[^[\]]*\]/gu, '');
  for (let round = 0; round < 4; round++) {
    let lost = false;
    const next = rest.replace(/\(([^()]*)\)/gu, (_group, inside: string) => {
      const kept = inside.replace(naming, '').trim();
      if (kept === '' || /^[\u4e00-\u9fff]+$/u.test(kept)) return '';
      if (leaning.test(kept) || kept.length > longestBracket) {
        if (/제외|한정|한한다|한하여|경우만|해당한다/u.test(kept)) lost = true;
        return '';
      }
      return `⟨${kept}⟩`;
    });
    if (lost) return null;
    if (next === rest) break;
    rest = next;
  }
  return rest.replaceAll('⟨', '(').replaceAll('⟩', ')');
}

function balanced(text: string): boolean {
  const count = (sign: string): number => text.split(sign).length;
  return (
    count('(') === count(')') &&
    count('「') === count('」') &&
    count('“') === count('”') &&
    count('"') % 2 === 1
  );
}
