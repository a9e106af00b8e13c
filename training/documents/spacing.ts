/**
 * Whether two pieces of Korean text that a line break separated belong to one word.
 *
 * Korean print breaks lines between any two syllables and drops the space where one stood, so the break itself
 * says nothing. What does: words that stand unbroken elsewhere. The model counts, over unbroken text, how often
 * a space stands between the characters around a position (contexts of up to three characters on each side,
 * longest context first, each shrunk towards the next shorter one), and which words occur whole.
 */

const contexts: readonly (readonly [left: number, right: number])[] = [
  [1, 1],
  [2, 1],
  [1, 2],
  [2, 2],
  [3, 2],
  [2, 3],
  [3, 3],
];
/** Pseudo-observations with which a shorter context speaks inside a longer one. */
const shrink = 2;

export class SpacingModel {
  readonly #space = new Map<string, number>();
  readonly #total = new Map<string, number>();
  readonly #words = new Map<string, number>();

  /** Counts one unbroken line of text. */
  learn(line: string): void {
    const words = line.split(/\s+/).filter((word) => word !== '');
    for (const word of words) this.#words.set(word, (this.#words.get(word) ?? 0) + 1);
    const text = words.join('');
    const starts = new Set<number>();
    let at = 0;
    for (const word of words) {
      at += word.length;
      starts.add(at);
    }
    for (let i = 1; i < text.length; i++) {
      const spaced = starts.has(i) ? 1 : 0;
      for (const key of keysAt(text, i)) {
        this.#total.set(key, (this.#total.get(key) ?? 0) + 1);
        if (spaced) this.#space.set(key, (this.#space.get(key) ?? 0) + 1);
      }
    }
  }

  /** Probability, 0..1, that a space belongs between `left` and `right`; 0.5 where nothing is known. */
  probability(left: string, right: string): number {
    const before = left.replace(/\s+/g, '').slice(-3);
    const after = right.replace(/\s+/g, '').slice(0, 3);
    let p = 0.5;
    for (const key of keysAt(before + after, before.length)) {
      const total = this.#total.get(key) ?? 0;
      p = ((this.#space.get(key) ?? 0) + shrink * p) / (total + shrink);
    }
    return this.#byWords(left, right, p);
  }

  /** Weighs in whole words: `ab` seen in one piece against `a` and `b` seen apart. */
  #byWords(left: string, right: string, p: number): number {
    const a = /\S*$/.exec(left)?.[0] ?? '';
    const b = /^\S*/.exec(right)?.[0] ?? '';
    const whole = this.#words.get(a + b) ?? 0;
    const apart = Math.min(this.#words.get(a) ?? 0, this.#words.get(b) ?? 0);
    const odds = (p / (1 - p + 1e-9)) * ((apart + 0.5) / (whole + 0.5));
    return odds / (1 + odds);
  }
}

function keysAt(text: string, i: number): string[] {
  const keys: string[] = [];
  for (const [left, right] of contexts) {
    if (i - left < 0 || i + right > text.length) continue;
    keys.push(`${text.slice(i - left, i)}|${text.slice(i, i + right)}`);
  }
  return keys;
}
