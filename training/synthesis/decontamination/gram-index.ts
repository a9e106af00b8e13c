/** Sets of grams by the grams they hold: finds the one most like another set without comparing it to each. */
export class GramIndex {
  readonly #setsOfGram = new Map<string, number[]>();
  readonly #sizes: number[] = [];

  /** Number of sets; the number of the next one added. */
  get size(): number {
    return this.#sizes.length;
  }

  add(grams: ReadonlySet<string>): void {
    for (const gram of grams) {
      const sets = this.#setsOfGram.get(gram);
      if (sets) sets.push(this.size);
      else this.#setsOfGram.set(gram, [this.size]);
    }
    this.#sizes.push(grams.size);
  }

  /** The set with the highest Jaccard likeness, of several the first; null where none shares a gram. */
  likest(grams: ReadonlySet<string>): { set: number; likeness: number } | null {
    const shared = new Uint32Array(this.size);
    for (const gram of grams) {
      for (const set of this.#setsOfGram.get(gram) ?? []) shared[set] = (shared[set] as number) + 1;
    }
    let best: { set: number; likeness: number } | null = null;
    for (const [set, count] of shared.entries()) {
      if (count === 0) continue;
      const likeness = count / (grams.size + (this.#sizes[set] as number) - count);
      if (likeness > (best?.likeness ?? 0)) best = { set, likeness };
    }
    return best;
  }
}
