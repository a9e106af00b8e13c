/** Texts of a request other than its question: long ones and broken Unicode are refused before the engine sees them. */

/** Longest text of any one field, characters; a question's own limit is the same. */
export const maxTextLength = 20_000;

/** What is wrong with `text`, as the end of a sentence about it; undefined where nothing is. */
export function faultOf(text: string, limit = maxTextLength): string | undefined {
  if (text.length > limit) return `has ${text.length} characters; at most ${limit} are taken`;
  if (text.includes('\u0000') || /\p{Surrogate}/u.test(text)) {
    return 'holds a NUL character or half of a surrogate pair; send valid Unicode text';
  }
  return undefined;
}
