/** Batches of response pairs as steps of DistiLLM-2: weights by β, and α per pair in the form `paper`. */
import type { TensorValue } from '../../shared/onnx/session.js';
import type { AnswerSlots } from '../data/answer-slots.js';
import type { PairBatch, PairBatches } from '../data/pair-batches.js';
import type { AdaptiveAlphaState } from '../losses/adaptive-alpha.js';
import { betaAt } from '../losses/beta-schedule.js';
import type { Distillm2Loss } from '../losses/loss-config.js';
import { PairObjective } from '../losses/pair-objective.js';
import type { TaskState } from '../run/training-task.js';
import type { BatchStream, Feeds, MicroBatch, ValidationSet } from './graph-task.js';

export interface PairStreamOptions {
  loss: Distillm2Loss;
  /** Steps over which the means of adaptive α are taken. */
  windowSteps: number;
  totalSteps: number;
  accumulate: number;
  /** Inputs that come from the teacher. */
  teacher: (answers: AnswerSlots) => Promise<Feeds>;
}

export class PairStream implements BatchStream {
  readonly #batches: PairBatches;
  readonly #options: PairStreamOptions;
  readonly #objective: PairObjective;
  #dealt: PairBatch[] = [];
  #step = 0;

  constructor(batches: PairBatches, options: PairStreamOptions) {
    this.#batches = batches;
    this.#options = options;
    this.#objective = new PairObjective(options.loss, options.windowSteps);
  }

  async next(step: number): Promise<{ batches: readonly MicroBatch[]; epoch: number }> {
    this.#step = step;
    this.#dealt = [];
    for (let i = 0; i < this.#options.accumulate; i++) this.#dealt.push(await this.#batches.next());
    const maxSteps = this.#options.totalSteps;
    const pairsPerStep = this.#dealt.reduce((sum, batch) => sum + batch.presentPairs, 0);
    return {
      batches: this.#dealt.map((batch) =>
        this.#microBatch(batch, () =>
          this.#objective.feeds(batch, { step: step - 1, maxSteps, pairsPerStep }),
        ),
      ),
      epoch: this.#dealt.at(-1)!.epoch,
    };
  }

  observe(index: number, metrics: Readonly<Record<string, TensorValue>>): Record<string, number> {
    return this.#objective.observe(this.#dealt[index]!, metrics);
  }

  endStep(): Record<string, number> {
    this.#objective.endStep();
    const { loss, totalSteps } = this.#options;
    return { beta: betaAt(loss.form, this.#step - 1, totalSteps) };
  }

  /** The first batches of a pass over held-out pairs, measured with β = 1 and the same α at every step. */
  validation(batches: PairBatches, most: number): ValidationSet {
    const dealt: PairBatch[] = [];
    for (const batch of batches.pass()) {
      if (dealt.length === most) break;
      dealt.push(batch);
    }
    const pairs = dealt.reduce((sum, batch) => sum + batch.presentPairs, 0);
    return {
      batches: dealt.map((batch) =>
        this.#microBatch(batch, () => this.#objective.measuredFeeds(batch, pairs)),
      ),
      tokens: dealt.reduce((sum, batch) => sum + batch.trainedTokens, 0),
    };
  }

  state(): TaskState {
    return { position: this.#batches.position, alpha: this.#objective.state() };
  }

  restore(state: TaskState): void {
    this.#batches.seek(state.position);
    this.#objective.restore(state.alpha as AdaptiveAlphaState);
  }

  #microBatch(batch: PairBatch, objectiveFeeds: () => Feeds): MicroBatch {
    const { rows, length } = this.#batches;
    const positions = 2 * rows * length;
    const { answers } = batch;
    const slots = [answers.positions.length];
    return {
      tokens: batch.tokens,
      documents: batch.documents,
      feeds: async () => ({
        input_ids: { type: 'int64', shape: [positions], data: batch.inputIds },
        visible_from: { type: 'int32', shape: [2 * rows, length], data: batch.visibleFrom },
        positions: { type: 'int64', shape: slots, data: answers.positions },
        labels: { type: 'int64', shape: slots, data: answers.labels },
        ...objectiveFeeds(),
        ...(await this.#options.teacher(answers)),
      }),
    };
  }
}
