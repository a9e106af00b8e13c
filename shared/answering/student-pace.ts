/**
 * How fast the student reads, learnt from what it has read: so that a question whose time is short is asked with as
 * few passages as can be read in it.
 *
 * Tokens a millisecond, as a moving average over the last questions; waiting behind other questions counts, since
 * it passes for this one too.
 */

/** Weight of the newest measurement. */
const newest = 0.2;
/** Share of the time left that reading may take. */
const readingShare = 0.5;

export class StudentPace {
  #tokensPerMs: number | undefined;

  record(tokens: number, ms: number): void {
    if (!(tokens > 0) || !(ms > 0)) return;
    const pace = tokens / ms;
    this.#tokensPerMs =
      this.#tokensPerMs === undefined ? pace : this.#tokensPerMs + newest * (pace - this.#tokensPerMs);
  }

  /** Tokens that a prompt may have; undefined: no limit, or nothing was measured yet. */
  maxPromptTokens(remainingMs: number | undefined): number | undefined {
    if (remainingMs === undefined || this.#tokensPerMs === undefined) return undefined;
    return Math.floor(remainingMs * readingShare * this.#tokensPerMs);
  }
}
