/**
 * Statute citations as tokens.
 *
 * `제21조의2제3항제1호가목` gives itself and every prefix, so that a query that names only the article meets a
 * passage that names the item: `제21조의2`, `제21조의2제3항`, … 제21조 is another article and is not among them.
 * Spaces (제21조의2 제3항) and a missing 제 (21조의2) do not matter. 제3자, 제1장, 별표 2, 별지 제3호서식 are
 * kept whole too. Input is text as `normalize.ts` leaves it.
 */

/** 의2 of 제21조의2; after a space only where no word follows (제2조의 2가지 요건). */
const BRANCH = '(?:의\\d+|의 \\d+(?!\\d|(?!제)[가-힣]))?';
const ARTICLE = `(?:제 ?)?\\d+ ?조${BRANCH}(?!원)`;
const PARAGRAPH = ` ?제 ?\\d+ ?항${BRANCH}`;
const ITEM = ` ?제 ?\\d+ ?호${BRANCH}`;
const SUBITEM = ' ?[가나다라마바사아자차카타파하거너더러머버서어저처커터퍼허]목';
/** Source of an expression that matches one whole citation. */
export const CITATION_SOURCE = [
  `${ARTICLE}(?:${PARAGRAPH})?(?:${ITEM})?(?:${SUBITEM})?`,
  `제 ?\\d+ ?항${BRANCH}(?:${ITEM})?(?:${SUBITEM})?`,
  `제 ?\\d+ ?호${BRANCH}(?:${SUBITEM})?(?!서식)`,
  '제 ?\\d+ ?(?:자|편|장|절|관|차|급|종|회|단계)',
  `별표 ?\\d+${BRANCH}`,
  `별지 ?제? ?\\d+ ?호${BRANCH}(?: ?서식)?`,
].join('|');

const UNIT = /제?\d+(?:조|항|호)(?:의\d+)?|[가-허]목/g;

/** The tokens of one citation: every prefix, shortest first. */
export function citationTokens(citation: string): string[] {
  const compact = citation.replaceAll(' ', '');
  if (compact.startsWith('별지')) return [`별지${compact.replace(/^별지제?/, '').replace(/서식$/, '')}`];
  if (compact.startsWith('별표')) return [compact];
  const units = compact.match(UNIT);
  if (units === null) return [compact];
  const tokens: string[] = [];
  let prefix = '';
  for (const unit of units) {
    prefix += /^\d/.test(unit) ? `제${unit}` : unit;
    tokens.push(prefix);
  }
  return tokens;
}
