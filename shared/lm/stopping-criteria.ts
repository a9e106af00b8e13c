/**
 * When a generation ends: an end-of-sequence token, the number of tokens, or a stop text.
 *
 * A stop text may begin and end inside tokens. Text that may be the start of one is held back until it is known
 * whether it is; the stop text and what follows it are never given out.
 */
export class StopText {
  readonly #stops: readonly string[];
  readonly #longest: number;
  /** Text that was heard of and not given out: a proper start of a stop text. */
  #held = '';

  /** @param stops none of them empty */
  constructor(stops: readonly string[]) {
    this.#stops = stops;
    this.#longest = Math.max(0, ...stops.map((stop) => stop.length));
  }

  get holds(): boolean {
    return this.#held !== '';
  }

  /** Takes the next piece of text; gives what became certain, and the stop text that was completed, or null. */
  push(piece: string): { text: string; stopText: string | null } {
    const text = this.#held + piece;
    let first = Number.POSITIVE_INFINITY;
    let stopText: string | null = null;
    for (const stop of this.#stops) {
      const at = text.indexOf(stop);
      // the earliest; of those that begin together, the longest
      if (at >= 0 && (at < first || (at === first && stop.length > stopText!.length))) {
        first = at;
        stopText = stop;
      }
    }
    if (stopText !== null) {
      this.#held = '';
      return { text: text.slice(0, first), stopText };
    }
    let keep = Math.min(this.#longest - 1, text.length);
    while (keep > 0 && !this.#mayBegin(text.slice(text.length - keep))) keep--;
    keep = Math.max(0, keep);
    this.#held = text.slice(text.length - keep);
    return { text: text.slice(0, text.length - keep), stopText: null };
  }

  /** What is held back: no stop text will come of it any more. */
  end(): string {
    const text = this.#held;
    this.#held = '';
    return text;
  }

  #mayBegin(tail: string): boolean {
    return this.#stops.some((stop) => stop.length > tail.length && stop.startsWith(tail));
  }
}

/** Whether a token ends a generation: it is not part of the output, and not counted. */
export function isEndOfSequence(id: number, eosTokenIds: readonly number[], ignoreEos: boolean): boolean {
  return !ignoreEos && eosTokenIds.includes(id);
}
