/**
 * Others' text between marks, `<발췌문>…</발췌문>`: data that the model reads and does not obey. Marks within the text
 * are taken apart, so that it cannot end its place, and so is what cannot be seen.
 */

export function quoted(mark: string, text: string): string {
  return `<${mark}>\n${plain(text)}\n</${mark.split(':')[0]!.trim()}>`;
}

/** On one line, for a mark. */
export function inMark(text: string): string {
  return plain(text.replace(/\s+/gu, ' ')).replaceAll('>', '›');
}

/** The beginning of a text, cut at a character. */
export function beginning(text: string, maxLength: number): string {
  const letters = Array.from(text);
  return letters.length <= maxLength ? text : `${letters.slice(0, maxLength).join('').trimEnd()} …`;
}

function plain(text: string): string {
  return text
    .normalize('NFC')
    .replace(/\r\n?/gu, '\n')
    .replace(/[^\P{C}\n\t]/gu, '')
    .replace(/<(?=\s*\/?\s*(?:발췌문|참고|문제|요청|흠))/gu, '‹')
    .replace(/\n{3,}/gu, '\n\n')
    .trim();
}
