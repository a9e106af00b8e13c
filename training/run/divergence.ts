/**
 * Notices a run that has diverged: the smoothed loss stays above `factor` times its best for `steps` steps.
 *
 * Smoothing is an exponential mean with the usual correction for its start (Kingma & Ba 2015, §3), so that single
 * spikes, which training recovers from, do not count. Its state goes into checkpoints.
 */
export interface DivergenceSettings {
  /** > 1. */
  factor: number;
  /** Steps in a row, ≥ 1. */
  steps: number;
}

export interface DivergenceState {
  mean: number;
  count: number;
  /** Null before the first loss: JSON knows no infinity. */
  best: number | null;
  above: number;
}

const decay = 0.9;
/** Losses that the mean is mostly made of. Before that many it says little, and is no best. */
const window = 10;
/**
 * Until then the larger of the first losses is the best: a run that explodes in its first steps never gets a better
 * one, and one lucky batch is not what all others are measured by.
 */
const firstLosses = 2;

export class DivergenceDetector {
  readonly #settings: DivergenceSettings | null;
  #state: DivergenceState = { mean: 0, count: 0, best: null, above: 0 };

  /** @param settings null: never. */
  constructor(settings: DivergenceSettings | null) {
    this.#settings = settings;
  }

  get state(): DivergenceState {
    return this.#state;
  }

  set state(state: DivergenceState) {
    this.#state = { ...state };
  }

  /** The mean of recent losses; 0 before the first. */
  get smoothed(): number {
    const { mean, count } = this.#state;
    return count === 0 ? 0 : mean / (1 - decay ** count);
  }

  /** Takes the loss of a step; true where the run has diverged. */
  add(loss: number): boolean {
    const state = this.#state;
    state.mean = decay * state.mean + (1 - decay) * loss;
    state.count += 1;
    const { smoothed } = this;
    if (state.count <= firstLosses) {
      state.best = Math.max(state.best ?? loss, loss);
      return false;
    }
    if (state.count >= window) state.best = Math.min(state.best ?? smoothed, smoothed);
    if (this.#settings === null || state.best === null) return false;
    // A best of 0 (or less) has no multiples to measure by.
    state.above = state.best > 0 && smoothed > this.#settings.factor * state.best ? state.above + 1 : 0;
    return state.above >= this.#settings.steps;
  }
}
