/**
 * Batches for encoders that learn from in-batch negatives: every query has the passages of all others as negatives,
 * so that no passage may answer two queries of a batch. Within a batch no positive stands twice, neither as another's
 * positive nor as its negative, and no query does; examples that would collide wait for a later batch of the pass.
 *
 * A batch is always full. What is left over when a pass ends is not dealt in it; the next pass has another order.
 */
import { createHash } from 'node:crypto';
import { dataError } from './data-error.js';
import { checkPosition, type DataPosition, startOf } from './data-position.js';
import { planBatches, type TextKeys } from './retrieval-plan.js';
import { epochRandom, shuffle } from './shuffle.js';
import type { CorpusStatistics, TokenCorpus } from './token-corpus.js';

/** Texts of one length, padded at their end. */
export interface PaddedTexts {
  /** int64 [texts, length]; padding is 0. */
  readonly ids: BigInt64Array;
  /** [texts, length]: 1 where there is a token. */
  readonly mask: Uint8Array;
  readonly texts: number;
  readonly length: number;
}

export interface RetrievalBatch {
  /** [pairs] queries. */
  readonly queries: PaddedTexts;
  /** [pairs · (1 + negatives)] passages: of each query its positive, then its negatives. */
  readonly passages: PaddedTexts;
  readonly tokens: number;
  readonly documents: readonly string[];
  readonly epoch: number;
  /** Behind this batch: resuming from it gives the next batch, equal to the bit. */
  readonly position: DataPosition;
}

export interface RetrievalBatchesOptions {
  /** Queries of a batch, ≥ 2. */
  pairs: number;
  /** Tokens of a query and of a passage that are read, ≥ 1; the rest is cut off. */
  queryLength: number;
  passageLength: number;
  seed: number;
  /** Negatives of each query besides those of the batch. Default: as many as every example has. */
  negatives?: number;
}

export interface RetrievalStatistics extends CorpusStatistics {
  /** Batches of the first pass, and examples that it leaves over. */
  batches: number;
  leftOver: number;
  /** Texts that lose their end. */
  truncated: number;
  negatives: number;
}

interface Pass {
  epoch: number;
  /** Examples of each batch, by their index in the corpus. */
  batches: number[][];
  leftOver: number;
}

export class RetrievalBatches {
  readonly statistics: RetrievalStatistics;
  readonly #corpus: TokenCorpus;
  readonly #options: RetrievalBatchesOptions;
  readonly #negatives: number;
  readonly #keys: readonly TextKeys[];
  #position: DataPosition;
  #pass: Pass;

  /**
   * @throws HaetaeError TRAINING_DATA_INVALID where an example has fewer negatives than wanted or its positive among
   * them, or where no batch of different passages can be made.
   */
  constructor(corpus: TokenCorpus, options: RetrievalBatchesOptions) {
    if (corpus.kind !== 'retrieval') throw new TypeError(`queries are needed, not ${corpus.kind} examples`);
    this.#corpus = corpus;
    this.#options = options;
    this.#negatives = negativesOf(corpus, options.negatives);
    this.#keys = this.#textKeys();
    const { pairs, queryLength, passageLength, seed } = options;
    const settings = [pairs, queryLength, passageLength, seed, this.#negatives];
    this.#position = startOf([corpus.fingerprint, ...settings].join(' '));
    this.#pass = this.#passOf(0);
    this.statistics = {
      ...corpus.statistics(),
      batches: this.#pass.batches.length,
      leftOver: this.#pass.leftOver,
      truncated: this.#truncated(),
      negatives: this.#negatives,
    };
  }

  /** Where the next batch begins. */
  get position(): DataPosition {
    return this.#position;
  }

  /** Batches of the first pass; another one may have a few more or less, by what collides in it. */
  get batchesPerEpoch(): number {
    return this.statistics.batches;
  }

  /** @throws HaetaeError TRAINING_DATA_INVALID where data or settings are not those of the position. */
  seek(position: unknown): void {
    this.#position = checkPosition(position, this.#position.fingerprint);
  }

  /** The next batch; passes follow each other without end. */
  async next(): Promise<RetrievalBatch> {
    const { fingerprint } = this.#position;
    let { epoch, dealt } = this.#position;
    if (epoch !== this.#pass.epoch) this.#pass = this.#passOf(epoch);
    if (dealt >= this.#pass.batches.length) {
      epoch += 1;
      dealt = 0;
      this.#pass = this.#passOf(epoch);
    }
    this.#position = { epoch, dealt: dealt + 1, fingerprint };
    return this.#batch(this.#pass.batches[dealt]!, epoch + (dealt + 1) / this.#pass.batches.length);
  }

  /** The batches of one pass, always in the same random order. The position stays. */
  *pass(): Generator<RetrievalBatch> {
    const { seed, pairs } = this.#options;
    const order = shuffle(indices(this.#keys.length), epochRandom(seed, 0, 'measured items'));
    const { batches } = planBatches(order, this.#keys, pairs);
    for (const [i, batch] of batches.entries()) yield this.#batch(batch, (i + 1) / batches.length);
  }

  #passOf(epoch: number): Pass {
    const { seed, pairs } = this.#options;
    const order = shuffle(indices(this.#keys.length), epochRandom(seed, epoch, 'items'));
    const plan = planBatches(order, this.#keys, pairs);
    if (plan.batches.length > 0) return { epoch, ...plan };
    throw dataError(
      'data',
      `of ${this.#keys.length} examples no batch of ${pairs} with different queries and passages can be made.`,
      'Give more examples, or smaller batches.',
    );
  }

  #batch(items: readonly number[], epoch: number): RetrievalBatch {
    const { queryLength, passageLength } = this.#options;
    const examples = items.map((item) => this.#corpus.examples[item]!);
    const firsts = examples.map((example) => this.#corpus.firstSequence(example));
    const passages = firsts.flatMap((first) =>
      Array.from({ length: 1 + this.#negatives }, (_, i) => first + 1 + i),
    );
    const queries = padded(this.#corpus, firsts, queryLength);
    const answers = padded(this.#corpus, passages, passageLength);
    return {
      queries: queries.texts,
      passages: answers.texts,
      tokens: queries.tokens + answers.tokens,
      documents: [...new Set(examples.map((example) => this.#corpus.documentId(example)))],
      epoch,
      position: this.#position,
    };
  }

  #textKeys(): TextKeys[] {
    const known = new Map<string, number>();
    const keyOf = (sequence: number, length: number): number => {
      const tokens = this.#corpus.sequence(sequence).subarray(0, length);
      const bytes = new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength);
      const text = createHash('sha256').update(bytes).digest('base64');
      const key = known.get(text) ?? known.size;
      known.set(text, key);
      return key;
    };
    const { queryLength, passageLength } = this.#options;
    return Array.from(this.#corpus.examples, (example) => {
      const first = this.#corpus.firstSequence(example);
      const positive = keyOf(first + 1, passageLength);
      const negatives = Array.from({ length: this.#negatives }, (_, i) =>
        keyOf(first + 2 + i, passageLength),
      );
      if (negatives.includes(positive)) {
        throw dataError(
          this.#corpus.documentId(example),
          'the positive of a query is among its negatives.',
          'Correct or remove the example.',
        );
      }
      return { query: keyOf(first, queryLength), positive, negatives };
    });
  }

  #truncated(): number {
    const { queryLength, passageLength } = this.#options;
    let truncated = 0;
    for (const example of this.#corpus.examples) {
      const first = this.#corpus.firstSequence(example);
      for (let i = 0; i < 2 + this.#negatives; i++) {
        if (this.#corpus.sequenceLength(first + i) > (i === 0 ? queryLength : passageLength)) truncated += 1;
      }
    }
    return truncated;
  }
}

function negativesOf(corpus: TokenCorpus, wanted: number | undefined): number {
  let fewest = Infinity;
  for (const example of corpus.examples) {
    const negatives = corpus.sequenceCount(example) - 2;
    if (wanted !== undefined && negatives < wanted) {
      throw dataError(
        corpus.documentId(example),
        `an example has ${negatives} negatives.`,
        `Give it ${wanted}, or ask for fewer.`,
      );
    }
    fewest = Math.min(fewest, negatives);
  }
  return wanted ?? (Number.isFinite(fewest) ? fewest : 0);
}

function padded(
  corpus: TokenCorpus,
  sequences: readonly number[],
  length: number,
): { texts: PaddedTexts; tokens: number } {
  const ids = new BigInt64Array(sequences.length * length);
  const low = new Int32Array(ids.buffer);
  const mask = new Uint8Array(ids.length);
  let tokens = 0;
  for (const [text, sequence] of sequences.entries()) {
    const kept = corpus.sequence(sequence).subarray(0, length);
    for (let i = 0; i < kept.length; i++) low[2 * (text * length + i)] = kept[i]!;
    mask.fill(1, text * length, text * length + kept.length);
    tokens += kept.length;
  }
  return { texts: { ids, mask, texts: sequences.length, length }, tokens };
}

function indices(length: number): Uint32Array {
  return Uint32Array.from({ length }, (_, i) => i);
}
