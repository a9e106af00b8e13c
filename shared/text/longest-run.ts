/**
 * Longest common substring of two texts without their white space and marks, as a share of the first: finds
 * wording taken over from the source. O(n·m) with two rows.
 */
export function compactText(text: string): string {
  return text.replace(/[\s·ㆍ・,."'“”‘’]/gu, '');
}

/** Longer statements are cut: a run of this length decides already. */
const maxStatement = 200;

/** Both texts compact. 0..1 of `statement`. */
export function longestRun(statement: string, source: string): number {
  const short = statement.slice(0, maxStatement);
  if (short === '') return 0;
  const codes = Uint16Array.from(short, (character) => character.charCodeAt(0));
  // runs[j]: length of the run that ends at short[j − 1] and the present character of the source.
  const runs = new Uint16Array(codes.length + 1);
  let longest = 0;
  for (let i = 0; i < source.length; i++) {
    const code = source.charCodeAt(i);
    for (let j = codes.length; j > 0; j--) {
      const run = codes[j - 1] === code ? (runs[j - 1] as number) + 1 : 0;
      runs[j] = run;
      if (run > longest) longest = run;
    }
  }
  return longest / codes.length;
}
