/**
 * Packed batches as steps of a language model: labels, what each token sees, and weights that make a mean over tokens
 * or over responses. Of dialogues labels and weights are those of the slots of their answers, and `positions` says
 * where those are.
 */
import type { AnswerSlots } from '../data/answer-slots.js';
import type { PackedBatch, PackedBatches } from '../data/packed-batches.js';
import { responsesOf, responseWeights, tokenWeights } from '../data/token-weights.js';
import type { TaskState } from '../run/training-task.js';
import type { BatchStream, Feeds, MicroBatch, ValidationSet } from './graph-task.js';

export interface TokenBatchesOptions {
  /** What counts alike: each token, or each response of a dialogue, however long. Default: tokens. */
  weighting?: 'tokens' | 'responses';
  /** Further inputs of a batch of dialogues, e.g. of a teacher. */
  more?: (answers: AnswerSlots) => Promise<Feeds>;
}

export class TokenBatches implements BatchStream {
  readonly #batches: PackedBatches;
  readonly #accumulate: number;
  readonly #options: TokenBatchesOptions;

  constructor(batches: PackedBatches, accumulate: number, options: TokenBatchesOptions = {}) {
    this.#batches = batches;
    this.#accumulate = accumulate;
    this.#options = options;
  }

  async next(): Promise<{ batches: readonly MicroBatch[]; epoch: number }> {
    const dealt: PackedBatch[] = [];
    for (let i = 0; i < this.#accumulate; i++) dealt.push(await this.#batches.next());
    return {
      batches: microBatches(this.#batches, dealt, this.#options),
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
export function validationBatches(
  batches: PackedBatches,
  most: number,
  options: TokenBatchesOptions = {},
): ValidationSet {
  const dealt: PackedBatch[] = [];
  for (const batch of batches.pass()) {
    if (dealt.length === most) break;
    dealt.push(batch);
  }
  const tokens = dealt.reduce((sum, batch) => sum + batch.trainedTokens, 0);
  return { batches: microBatches(batches, dealt, options), tokens };
}

function microBatches(
  { rows, length }: PackedBatches,
  dealt: readonly PackedBatch[],
  { weighting = 'tokens', more }: TokenBatchesOptions,
): MicroBatch[] {
  const positions = rows * length;
  const weightsOf = weighting === 'tokens' ? perToken(dealt) : perResponse(dealt);
  return dealt.map((batch) => ({
    tokens: batch.tokens,
    documents: batch.documents,
    async feeds() {
      return {
        input_ids: { type: 'int64', shape: [positions], data: batch.inputIds },
        visible_from: { type: 'int32', shape: [rows, length], data: batch.visibleFrom },
        ...targets(batch, weightsOf(batch)),
        ...(batch.answers && (await more?.(batch.answers))),
      };
    },
  }));
}

/** Weights of the tokens of a batch, which sum to 1 over all batches. */
type WeightsOf = (batch: PackedBatch) => Float32Array;

function perToken(dealt: readonly PackedBatch[]): WeightsOf {
  const trainedTokens = dealt.reduce((sum, batch) => sum + batch.trainedTokens, 0);
  return ({ answers, mask }) => tokenWeights((answers ?? { mask }).mask, trainedTokens);
}

function perResponse(dealt: readonly PackedBatch[]): WeightsOf {
  const answersOf = ({ answers }: PackedBatch): AnswerSlots => {
    if (answers) return answers;
    throw new TypeError('text has no responses to weigh');
  };
  const responses = dealt.reduce((sum, batch) => sum + responsesOf(answersOf(batch)), 0);
  return (batch) => responseWeights(answersOf(batch), responses);
}

function targets({ answers, labels }: PackedBatch, weights: Float32Array): Feeds {
  const of = answers ?? { labels };
  const count = of.labels.length;
  return {
    labels: { type: 'int64', shape: [count], data: of.labels },
    weights: { type: 'float32', shape: [count, 1], data: weights },
    ...(answers ? { positions: { type: 'int64', shape: [count], data: answers.positions } } : {}),
  };
}
