/** How much of one text another says, by character trigrams of its letters and digits. */

export function trigrams(text: string): Set<string> {
  const letters = text.replace(/[^\p{L}\p{N}]/gu, '');
  const grams = new Set<string>();
  for (let i = 0; i + 3 <= letters.length; i++) grams.add(letters.slice(i, i + 3));
  return grams;
}

/** Share of `grams` that `others` hold, 0..1; of none 0. */
export function shareOfGrams(grams: ReadonlySet<string>, others: ReadonlySet<string>): number {
  let shared = 0;
  for (const gram of grams) if (others.has(gram)) shared++;
  return grams.size === 0 ? 0 : shared / grams.size;
}
