/** Hangul syllables as initial, vowel and final consonant: U+AC00 + (initial · 21 + vowel) · 28 + final. */
const first = 0xac00;
const finals = 28;

/** Final consonants by their number in a syllable block. */
export const finalConsonant = { none: 0, n: 4, l: 8, b: 17 } as const;

/** The number of the final consonant of a syllable, 0 for none; −1 where it is no Hangul syllable. */
export function finalOf(syllable: string): number {
  const code = syllable.charCodeAt(0) - first;
  return code >= 0 && code <= 11_171 ? code % finals : -1;
}

/** The syllable with another final consonant: 하 with ㄴ → 한. */
export function withFinal(syllable: string, final: number): string {
  const code = syllable.charCodeAt(0) - first;
  return String.fromCharCode(first + code - (code % finals) + final);
}
