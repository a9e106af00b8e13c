/**
 * Which examples make a batch of in-batch negatives: full batches in which nothing collides, first come, first served.
 * An example that would collide waits for the next batch.
 */

/** Texts of an example as numbers: equal texts, equal numbers. */
export interface TextKeys {
  query: number;
  positive: number;
  negatives: readonly number[];
}

/**
 * @param order examples as they come.
 * @param pairs examples of a batch.
 * @returns the batches, and how many examples are in none.
 */
export function planBatches(
  order: Uint32Array,
  keys: readonly TextKeys[],
  pairs: number,
): { batches: number[][]; leftOver: number } {
  const batches: number[][] = [];
  let waiting: number[] = [];
  for (let next = 0; ; ) {
    const batch: number[] = [];
    const collisions = new Collisions();
    const take = (item: number): boolean => {
      const fits = batch.length < pairs && collisions.accept(keys[item]!);
      if (fits) batch.push(item);
      return fits;
    };
    const still = waiting.filter((item) => !take(item));
    while (batch.length < pairs && next < order.length) {
      const item = order[next++]!;
      if (!take(item)) still.push(item);
    }
    if (batch.length < pairs) return { batches, leftOver: batch.length + still.length };
    batches.push(batch);
    waiting = still;
  }
}

/** What stands in a batch so far. */
class Collisions {
  readonly #queries = new Set<number>();
  readonly #positives = new Set<number>();
  readonly #passages = new Set<number>();

  /** Takes an example up, or says that something of it is there already. */
  accept({ query, positive, negatives }: TextKeys): boolean {
    if (this.#queries.has(query) || this.#passages.has(positive)) return false;
    if (negatives.some((negative) => this.#positives.has(negative))) return false;
    this.#queries.add(query);
    this.#positives.add(positive);
    for (const passage of [positive, ...negatives]) this.#passages.add(passage);
    return true;
  }
}
