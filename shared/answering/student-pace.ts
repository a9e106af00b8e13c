/**
 * How fast the student reads, learnt from what it has read: so that a question whose time is short is asked with as
 * few passages as can be read in it.
 *
 * Tokens a millisecond, as a moving average over the last questions; waiting behind other questions counts, since
 * it passes for this one too.
 *
 * A pace can forbid what would correct it: after one stall no question seems to fit any more, so none is read and
 * none measured. So of the questions that no measurement follows, every eighth is asked as if nothing was known.
 */

/** Weight of the newest measurement. */
const newest = 0.2;
/** Share of the time left that reading may take. */
const readingShare = 0.5;
/** What was found in the prefix cache is not read; of a few tokens, the time is what everything else took. */
const leastTokens = 64;
/** More questions than are worked on at once: those still being read have no measurement either. */
const probeEvery = 8;

export class StudentPace {
  #tokensPerMs: number | undefined;
  /** Questions since the last measurement. */
  #unmeasured = 0;

  record(tokens: number, ms: number): void {
    if (!(tokens >= leastTokens) || !(ms > 0)) return;
    this.#unmeasured = 0;
    const pace = tokens / ms;
    this.#tokensPerMs =
      this.#tokensPerMs === undefined ? pace : this.#tokensPerMs + newest * (pace - this.#tokensPerMs);
  }

  /** Tokens that the prompt of a question may have; undefined: no limit, or no measurement to trust. */
  maxPromptTokens(remainingMs: number | undefined): number | undefined {
    if (remainingMs === undefined || this.#tokensPerMs === undefined) return undefined;
    this.#unmeasured += 1;
    if (this.#unmeasured % probeEvery === 0) return undefined;
    return Math.floor(remainingMs * readingShare * this.#tokensPerMs);
  }
}
