/**
 * An approximate count of BPE tokens, without a tokenizer: cheap, additive, and good enough to size chunks.
 *
 *     Hangul run        ceil(syllables / 1.6)     Latin run        ceil(letters / 4)
 *     digit run         ceil(digits / 3)          other letters    ceil(letters / 2)
 *     ideograph         1                         anything else    1 (white space 0: it joins the next token)
 *
 * The ratios are those of byte-level BPE vocabularies of 30,000 to 150,000 entries with Korean in their
 * training text. Runs never cross white space, so the counts of parts that were cut at white space add up to
 * the count of the whole. Not covered: the exact count of one vocabulary; ask its tokenizer for that.
 */
const hangulPerToken = 1.6;
const latinPerToken = 4;
const digitsPerToken = 3;
const otherLettersPerToken = 2;

const runs =
  /(\p{Script=Hangul}+)|([\p{Script=Latin}\p{M}]+)|(\p{Nd}+)|(\p{Script=Han})|([^\P{L}\p{Script=Hangul}\p{Script=Latin}\p{Script=Han}]+)|\S/gu;

/** Approximate number of tokens of `text` (≥ 0; 0 for an empty or blank text). */
export function countTokens(text: string): number {
  let count = 0;
  for (const match of text.matchAll(runs)) {
    if (match[1] !== undefined) count += Math.ceil(match[1].length / hangulPerToken);
    else if (match[2] !== undefined) count += Math.ceil(match[2].length / latinPerToken);
    else if (match[3] !== undefined) count += Math.ceil(match[3].length / digitsPerToken);
    else if (match[5] !== undefined) count += Math.ceil(match[5].length / otherLettersPerToken);
    else count += 1;
  }
  return count;
}
