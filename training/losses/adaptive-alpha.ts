/**
 * α per pair of DistiLLM-2 (`paper`): a pair whose teacher and student are far apart gets a small α, a hard
 * divergence; one where they are close gets the largest.
 *
 * ```
 * α1 = clip(1 − (1−α0)·c1/(d1 + 1e-5), 0.01, α0)        α2 likewise from c2, d2
 * d1 = exp(mean log p(chosen))   − exp(mean log q(chosen))
 * d2 = exp(mean log q(rejected)) − exp(mean log p(rejected))
 * ```
 *
 * c1 and c2 are the means of d1 and d2 over the first logging window. Until it closes they are 0, for which the
 * formula gives α0 by itself: the graph needs no other branch. d1 and d2 leave the graph as metrics of a step.
 *
 * Ko et al. 2025 (DistiLLM-2, arXiv 2503.07067). α0 = 0.1 there.
 */
export const smallestAlpha = 0.01;
/** Added to d, as published. */
export const differenceOffset = 1e-5;

/** The formula, for one pair. */
export function adaptiveAlpha(c: number, d: number, alpha0: number): number {
  const alpha = 1 - ((1 - alpha0) * c) / (d + differenceOffset);
  return Math.min(alpha0, Math.max(smallestAlpha, alpha));
}

/** What a checkpoint keeps: sums of the window, and what came of them. */
export interface AdaptiveAlphaState {
  windowSteps: number;
  steps: number;
  pairs: number;
  sum1: number;
  sum2: number;
  c1: number;
  c2: number;
}

/** c1 and c2, learnt from the first `windowSteps` optimizer steps. */
export class AdaptiveAlpha {
  #state: AdaptiveAlphaState;

  /** `windowSteps` ≥ 1: steps between two log lines. */
  constructor(windowSteps: number) {
    if (!(Number.isInteger(windowSteps) && windowSteps >= 1)) {
      throw new RangeError(`the logging window must be a positive number of steps, got ${windowSteps}`);
    }
    this.#state = { windowSteps, steps: 0, pairs: 0, sum1: 0, sum2: 0, c1: 0, c2: 0 };
  }

  get c1(): number {
    return this.#state.c1;
  }

  get c2(): number {
    return this.#state.c2;
  }

  /** Whether c1 and c2 are final. */
  get isFixed(): boolean {
    return this.#state.steps >= this.#state.windowSteps;
  }

  /** d1 and d2 of the pairs of one batch; ignored once the window has closed. */
  observe(d1: ArrayLike<number>, d2: ArrayLike<number>): void {
    if (this.isFixed) return;
    for (let pair = 0; pair < d1.length; pair++) {
      this.#state.sum1 += d1[pair]!;
      this.#state.sum2 += d2[pair]!;
    }
    this.#state.pairs += d1.length;
  }

  /** Ends an optimizer step; the last one of the window fixes c1 and c2. */
  endStep(): void {
    if (this.isFixed) return;
    this.#state.steps++;
    if (this.isFixed && this.#state.pairs > 0) {
      this.#state.c1 = this.#state.sum1 / this.#state.pairs;
      this.#state.c2 = this.#state.sum2 / this.#state.pairs;
    }
  }

  /** A copy, plain JSON. */
  state(): AdaptiveAlphaState {
    return { ...this.#state };
  }

  static fromState(state: AdaptiveAlphaState): AdaptiveAlpha {
    const alpha = new AdaptiveAlpha(state.windowSteps);
    alpha.#state = { ...state };
    return alpha;
  }
}
