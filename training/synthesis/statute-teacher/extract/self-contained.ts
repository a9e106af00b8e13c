/**
 * A piece of an article that can stand alone: references to its own statute are dropped where the text says the
 * same without them (`제1항에 따른 인가에 조건을 붙일 수 있다`), and a piece that then still leans on another
 * provision (`제1항에도 불구하고`, `전항의 기간`) is given up.
 *
 * Brackets: what only names (`이하 “법”이라 한다`) goes; what narrows or widens stays, unless it refers away.
 */

const article = '제\\s?\\d+\\s?조(?:의\\s?\\d+)?';
const paragraph = '제\\s?\\d+\\s?항(?:의\\d+)?';
const item = '제\\s?\\d+\\s?호(?:의\\d+)?';
const sub = '[가-하]목';
const unit = `(?:${article}(?:\\s?${paragraph})?(?:\\s?${item})?(?:\\s?${sub})?|${paragraph}(?:\\s?${item})?(?:\\s?${sub})?|${item}(?:\\s?${sub})?)`;
const suffix = '(?:\\s?(?:본문|단서|전단|후단|각\\s?호\\s?외의\\s?부분|각\\s?호|각\\s?목|각각))*';
const list = `${unit}${suffix}(?:\\s?(?:부터|까지|및|또는|ㆍ|·|,|와|과|내지|이나)\\s?(?:같은\\s?(?:조|항)\\s?)?${unit}${suffix})*(?:\\s?까지)?(?:의\\s?규정)?${suffix}`;
/** `법 제28조제1항의 규정에 따라`, `제66조제2항에서 정한`, `제1항의 `: says where, not what. */
const droppable = new RegExp(
  `(?<!」\\s?)(?:(?<![가-힣])(?:이\\s)?(?:법|영|시행령|규정|규칙)\\s?)?${list}(?:에서?|의)?\\s?(?:따른|따라|따라서|의한|의하여|의하면|의거하여|의거|정한|정하는|규정한|규정하는|규정된)\\s`,
  'gu',
);
/** What still leans on another place; a reference into another statute named in brackets does not. */
const leaning = new RegExp(
  `(?<!」\\s?(?:${article})?(?:\\s?${paragraph})?)(?:${unit})|각\\s?[호목]|같은\\s(?:조|항|호|법|영|규정)|전항|전조|본문|단서|전단|후단|별표|별지|외의\\s?부분|이\\s(?:조|항|절|장|편)[^가-힣]|이\\s(?:조|항|절|장)(?:에서|의)|그러하지|전문(?:은|을)`,
  'u',
);
const naming = /(?:^|[.,]?\s*)이하\s[^()]*?(?:한다|같다)\.?/gu;
const longestBracket = 60;

/** The piece by itself, or null where it cannot stand alone. */
export function selfContained(text: string): string | null {
  const bare = withoutAsides(text);
  if (bare === null) return null;
  const alone = bare
    .replace(droppable, '')
    .replace(/\s+/gu, ' ')
    .replace(/\s([,.])/gu, '$1')
    .trim();
  if (leaning.test(alone)) return null;
  if (/^(?:에|의|을|를|은|는|이|가|및|또는|와|과|,|까지|부터)\s/u.test(alone)) return null;
  if (alone !== bare.trim() && /^\S{1,4}(?:은|는|이|가|의|에는|에|을|를)\s/u.test(alone) && vague.test(alone))
    return null;
  return balanced(alone) ? alone : null;
}

/** A general noun that a dropped reference made particular. */
const vague =
  /^(?:기간|기준|방법|절차|금액|비율|사항|경우|요건|자료|서류|신청|신청서|통지|보고|조치|명령|업무|계획|기한|한도|자|사람|규정|처분|정보|행위|위원|결정|승인|공고|사유|때|날)(?:은|는|이|가|의|에는|에|을|를)\s/u;

/** Drops bracketed asides; null where one that narrows what is said refers away or is long. */
function withoutAsides(text: string): string | null {
  let rest = text;
  for (let round = 0; round < 4; round++) {
    let lost = false;
    const next = rest.replace(/\(([^()]*)\)/gu, (group: string, inside: string) => {
      const kept = inside.replace(naming, '').trim();
      if (kept === '' || /^科|^課/u.test(kept)) return kept === '' ? '' : group;
      const narrows = /제외|한정|한한다|한하여|경우만|해당한다/u.test(kept);
      if (leaning.test(kept) || kept.length > longestBracket) {
        if (narrows) lost = true;
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
