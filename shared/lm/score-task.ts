/** One scoring request inside the engine. */
import type { Clock } from '../clock.js';
import { EngineTask } from './engine-task.js';
import type { ContinuationScore } from './language-model.js';
import { ContinuationScorer } from './score-continuations.js';

export class ScoreTask extends EngineTask {
  readonly scorer: ContinuationScorer;
  /** Settles when the scores are known. */
  readonly scores: Promise<ContinuationScore[]>;
  #resolve!: (scores: ContinuationScore[]) => void;
  #reject!: (error: unknown) => void;

  constructor(
    prompt: readonly number[],
    continuations: readonly (readonly number[])[],
    options: { budget: number; branches: boolean; clock: Clock; requestedAt: number; signal?: AbortSignal },
  ) {
    const positions = ContinuationScorer.positions(continuations, prompt.length, options);
    super(prompt, positions, options.clock, options.requestedAt, options.signal);
    this.scorer = new ContinuationScorer(continuations, prompt.length, options);
    this.scores = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  finish(): void {
    this.#resolve(this.scorer.scores());
  }

  override fail(error: unknown): void {
    this.#reject(error);
  }
}
