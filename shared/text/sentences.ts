/**
 * Korean and English text cut into sentences, keeping every character: the parts joined restore the input.
 *
 * A sentence ends
 *   - at a line break (parsers have re-joined soft wraps, so a break that is left is meant);
 *   - after `.` `!` `?` `…` with their closing quotes and brackets, where white space follows;
 *   - after `。` `！` `？` wherever they stand;
 *   - after `다.` or `요.` of a word even where the author forgot the space (`한다.그러나`).
 *
 * It does not end
 *   - inside brackets that close on the same line: `(… 같다. 이하 …)`, `<개정 2020. 2. 4.>`;
 *   - inside or after a date (`2025. 8. 1. 부터`), nor after an item mark at the start of a
 *     sentence (`1. `, `가. `, `A. `), nor after common abbreviations (`e.g. `, `vs. `, `No. `).
 *
 * White space belongs to the sentence before it. Not covered: quotations of several sentences are cut.
 */
const abbreviations =
  /(?:^|[^\p{L}])(?:e\.g|i\.e|etc|cf|vs|no|fig|ch|sec|pp?|vol|ed|al|mr|mrs|ms|dr|prof|inc|ltd|co|corp|st|approx)$/iu;
const itemMark =
  /^[\s"'“‘(*\-–•·>]*(?:\d{1,3}(?:[.-]\d{1,3})*|[가나다라마바사아자차카타파하거너더러]|[A-Za-z]|[ivxIVX]{1,4})$/u;
const closers = new Set([...`"'”’)]}」』》〉>*_\``, '）', '］']);
const brackets = new Map([
  ['(', ')'],
  ['[', ']'],
  ['<', '>'],
  ['（', '）'],
  ['「', '」'],
  ['『', '』'],
]);
/** Longest bracketed stretch that is kept whole, in characters; beyond it the bracket is not believed. */
const longestBracket = 400;

/** Cuts `text` into sentences; `splitSentences(text).join('') === text`. An empty text gives no sentence. */
export function splitSentences(text: string): string[] {
  const sentences: string[] = [];
  let start = 0;
  let protectedUntil = 0;
  let position = 0;
  const cutAt = (end: number): void => {
    const whole = skipSpace(text, end);
    sentences.push(text.slice(start, whole));
    start = whole;
    position = whole;
  };
  position = skipSpace(text, 0);
  while (position < text.length) {
    const character = text[position] as string;
    if (character === '\n') {
      cutAt(position + 1);
      continue;
    }
    if (position >= protectedUntil) {
      const close = brackets.get(character);
      if (close !== undefined) protectedUntil = closingBracket(text, position, character, close);
      else if (endsHere(text, start, position)) {
        cutAt(afterClosers(text, position));
        continue;
      }
    }
    position += 1;
  }
  if (start < text.length) sentences.push(text.slice(start));
  return sentences;
}

function endsHere(text: string, start: number, position: number): boolean {
  const character = text[position];
  const next = text[position + 1] ?? '';
  if (character === '。' || character === '！' || character === '？')
    return !'。！？'.includes(next) || next === '';
  if (character !== '.' && character !== '!' && character !== '?' && character !== '…') return false;
  if (next !== '' && '.!?…'.includes(next)) return false;
  const after = afterClosers(text, position);
  const following = text[after] ?? '';
  if (following === '') return true;
  if (!/\s/u.test(following)) {
    return (
      character === '.' &&
      /[가-힣][다요]$/u.test(text.slice(Math.max(start, position - 2), position)) &&
      /[가-힣]/u.test(next)
    );
  }
  if (character !== '.') return true;
  if (following === '\n') return false; // the line break itself will cut
  const before = text.slice(Math.max(start, position - 14), position);
  const continued = text[skipSpace(text, after)] ?? '';
  if (/\d$/u.test(before) && /[\d(~<]/u.test(continued)) return false;
  if (/\d{4}\.\s?\d{1,2}\.\s?\d{1,2}$/u.test(before)) return false;
  if (position - start < 12 && itemMark.test(text.slice(start, position))) return false;
  return !abbreviations.test(before);
}

function afterClosers(text: string, position: number): number {
  let end = position + 1;
  while (end < text.length && closers.has(text[end] as string)) end += 1;
  return end;
}

function skipSpace(text: string, position: number): number {
  let end = position;
  while (end < text.length && /\s/u.test(text[end] as string)) end += 1;
  return end;
}

/** Position of the bracket that closes the one at `open` on the same line, or `open` where there is none. */
function closingBracket(text: string, open: number, opener: string, closer: string): number {
  let depth = 0;
  const last = Math.min(text.length, open + longestBracket);
  for (let position = open; position < last; position += 1) {
    const character = text[position];
    if (character === '\n') return open;
    if (character === opener) depth += 1;
    else if (character === closer) {
      depth -= 1;
      if (depth === 0) return position + 1;
    }
  }
  return open;
}
