/**
 * Numbers, amounts, shares and dates in one written form, so that a question and a statute that mean the same
 * quantity share a token:
 *
 *     1천만원 = 1,000만 원 = 10,000,000원   → 10000000원
 *     백분의 5 = 100분의 5 = 5퍼센트        → 5%            3분의 2 → 2/3
 *     2013. 5. 22. = 2013년 5월 22일        → 2013-05-22
 *
 * For matching only: the original text is kept elsewhere. Rules are narrow on purpose. A numeral written in
 * Hangul counts only before 원 or 분의 and only with a unit (사원, 구원, 일원 are words); `N조` without a money
 * unit is an article, not a trillion; after 제 nothing is a quantity (제3자, 제5조).
 */
const DIGITS = new Map([...'일이삼사오육칠팔구'].map((char, i) => [char, i + 1]));
const SMALL = new Map([
  ['십', 10],
  ['백', 100],
  ['천', 1000],
]);
const LARGE = new Map([
  ['만', 1e4],
  ['억', 1e8],
  ['조', 1e12],
]);

/** The value of a mixed numeral such as `3억 5천만`, `일천만`, `1.5억`, `10000`. */
export function parseNumeral(text: string): number {
  let total = 0;
  let section = 0;
  let pending: number | null = null;
  for (const [part] of text.matchAll(/\d+(?:\.\d+)?|[일이삼사오육칠팔구십백천만억조]/g)) {
    const small = SMALL.get(part);
    const large = LARGE.get(part);
    if (small !== undefined) {
      section += (pending ?? 1) * small;
      pending = null;
    } else if (large !== undefined) {
      section += pending ?? 0;
      total += (section === 0 ? 1 : section) * large;
      section = 0;
      pending = null;
    } else {
      pending = DIGITS.get(part) ?? Number(part);
    }
  }
  const value = total + section + (pending ?? 0);
  return Number.isInteger(value) ? value : Math.round(value * 1e6) / 1e6;
}

/** Decimal notation without an exponent, or null where a number cannot hold the value exactly. */
function plain(value: number): string | null {
  return value <= Number.MAX_SAFE_INTEGER && value >= 1e-6 ? String(value) : null;
}

const DATE =
  /(?<![\d.])((?:19|20)\d\d) ?(?:[./-]|년) ?(0?[1-9]|1[0-2]) ?(?:[./-]|월) ?(3[01]|[12]\d|0?[1-9])(?![\d,])(?: ?일|\.(?!\d))?/g;
const SEPARATED = /(?<![\d,.])\d{1,3}(?:,\d{3})+(?![\d]|,\d)/g;
/** 원 that ends an amount; after a space only where no longer word (원칙, 원인, 원본) can begin. */
const WON = '(?:원| 원(?=[을이의은과에으]|[^가-힣]|$))';
const AMOUNT = new RegExp(
  `(?<![\\d.제])\\d+(?:\\.\\d+)?[십백천만억조]+(?: ?\\d+(?:\\.\\d+)?[십백천만억조]+)*(?:\\d+(?= ?원))?${WON}?`,
  'g',
);
const SPACED_AMOUNT = new RegExp(`(?<![\\d.제])\\d+ [십백천만억조]+${WON}`, 'g');
const HANGUL_AMOUNT =
  /(?<![가-힣\d])[일이삼사오육칠팔구]?[십백천만억][일이삼사오육칠팔구십백천만억]* ?원(?![칙리인본금])/g;
const SHARE =
  /(?<![\d.가-힣])(\d+|[일이삼사오육칠팔구]?[십백천만]+|[삼사오]) ?분의 ?(\d+(?:\.\d+)?|[일이삼사오육칠팔구][십일이삼사오육칠팔구]*(?![가-힣]))/g;
const PERCENT = /(?<![\d.])(\d+(?:\.\d+)?) ?(?:%|퍼센트|프로(?![가-힣]))/g;

function writeAmount(match: string): string {
  const won = match.endsWith('원');
  const numeral = won ? match.slice(0, -1).trim() : match;
  // 5조 alone is an article; 5조원 and 5조 3천억 are amounts
  if (!won && numeral.endsWith('조')) return match;
  const value = plain(parseNumeral(numeral));
  return value === null ? match : `${value}${won ? '원' : ''}`;
}

function writeShare(match: string, of: string, part: string): string {
  const denominator = parseNumeral(of);
  const numerator = parseNumeral(part);
  const isPowerOfTen = /^10+$/.test(String(denominator));
  if (!isPowerOfTen) return `${numerator}/${denominator}`;
  const percent = plain(Math.round((numerator * 100 * 1e6) / denominator) / 1e6);
  return percent === null ? match : `${percent}%`;
}

/** Rewrites every quantity of a text (NFKC, single spaces) in its one written form. */
export function normalizeNumbers(text: string): string {
  if (!/\d|원|분의/.test(text)) return text;
  return text
    .replace(DATE, (_, year: string, month: string, day: string) => {
      return `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
    })
    .replace(SEPARATED, (match) => match.replaceAll(',', ''))
    .replace(AMOUNT, writeAmount)
    .replace(SPACED_AMOUNT, writeAmount)
    .replace(HANGUL_AMOUNT, writeAmount)
    .replace(SHARE, writeShare)
    .replace(PERCENT, '$1%');
}
