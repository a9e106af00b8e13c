/**
 * Packed batches as steps of a language model: labels, what each token sees, and weights that make a mean over tokens.
 * Of dialogues labels and weights are those of the slots of their answers, and `positions` says where those are.
 */
import type { AnswerSlots } from '../data/answer-slots.js';
import type { PackedBatch, PackedBatches } from '../data/packed-batches.js';
import { tokenWeights } from '../data/token-weights.js';
import type { TaskState } from '../run/training-task.js';
import type { BatchStream, Feeds, MicroBatch, ValidationSet } from './graph-task.js';

/** Further inputs of a batch of dialogues, e.g. of a teacher. */
export type MoreFeeds = (answers: AnswerSlots) => Promise<Feeds>;

export class TokenBatches implements BatchStream {
  readonly #batches: PackedBatches;
  readonly #accumulate: number;
  readonly #more: MoreFeeds | undefined;

  constructor(batches: PackedBatches, accumulate: number, more?: MoreFeeds) {
    this.#batches = batches;
    this.#accumulate = accumulate;
    this.#more = more;
  }

  async next(): Promise<{ batches: readonly MicroBatch[]; epoch: number }> {
    const dealt: PackedBatch[] = [];
    for (let i = 0; i < this.#accumulate; i++) dealt.push(await this.#batches.next());
    const trainedTokens = dealt.reduce((sum, batch) => sum + batch.trainedTokens, 0);
    const shape = [this.#batches.rows, this.#batches.length] as const;
    return {
      batches: dealt.map((batch) => microBatch(batch, shape, trainedTokens, this.#more)),
      epoch: dealt.at(-1)!.epoch,
    };
  }

  state(): TaskState {
    return { position: this.#batches.position };
  }

  restore(state: TaskState): void {
    this.#batches.seek(state.position);
  }
}

/** The first batches of a pass, at most `most`. */
export function validationBatches(batches: PackedBatches, most: number, more?: MoreFeeds): ValidationSet {
  const dealt: PackedBatch[] = [];
  for (const batch of batches.pass()) {
    if (dealt.length === most) break;
    dealt.push(batch);
  }
  const tokens = dealt.reduce((sum, batch) => sum + batch.trainedTokens, 0);
  const shape = [batches.rows, batches.length] as const;
  return { batches: dealt.map((batch) => microBatch(batch, shape, tokens, more)), tokens };
}

function microBatch(
  batch: PackedBatch,
  [rows, length]: readonly [number, number],
  trainedTokens: number,
  more: MoreFeeds | undefined,
): MicroBatch {
  const positions = rows * length;
  return {
    tokens: batch.tokens,
    documents: batch.documents,
    async feeds() {
      return {
        input_ids: { type: 'int64', shape: [positions], data: batch.inputIds },
        visible_from: { type: 'int32', shape: [rows, length], data: batch.visibleFrom },
        ...targets(batch, trainedTokens),
        ...(batch.answers && (await more?.(batch.answers))),
      };
    },
  };
}

function targets({ answers, labels, mask }: PackedBatch, trainedTokens: number): Feeds {
  const of = answers ?? { labels, mask };
  const count = of.labels.length;
  return {
    labels: { type: 'int64', shape: [count], data: of.labels },
    weights: { type: 'float32', shape: [count, 1], data: tokenWeights(of.mask, trainedTokens) },
    ...(answers ? { positions: { type: 'int64', shape: [count], data: answers.positions } } : {}),
  };
}
