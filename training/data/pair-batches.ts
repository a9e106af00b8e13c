/**
 * Batches of response pairs for distillation, in the layout of `losses/pair-batch.ts`: the first half of the positions
 * holds the chosen responses after their prompts, the second half the rejected ones. A pair has the same row and the
 * same first column in both halves, so that two responses to a prompt are never in different batches; the shorter
 * one is padded to the longer.
 */
import { BatchRows } from './batch-rows.js';
import { dataError } from './data-error.js';
import { type DataPosition, startOf } from './data-position.js';
import { type FitOptions, type FittedSequence, fitSequence } from './fit-sequence.js';
import { requireShape } from './packed-batches.js';
import { type DealtRow, RowDealer } from './row-dealer.js';
import type { CorpusStatistics, TokenCorpus } from './token-corpus.js';

/** T = 2 · rows · length: rows 0 … rows − 1 chosen, rows … 2 · rows − 1 rejected. */
export interface PairBatch {
  /** int64 [T]. */
  readonly inputIds: BigInt64Array;
  /** int64 [T]: the token after each. */
  readonly labels: BigInt64Array;
  /** int32 [2 · rows, length]. */
  readonly visibleFrom: Int32Array;
  /** [T]: 1 where the label is a token of a response. */
  readonly mask: Uint8Array;
  /** Pairs there is room for: `rows` · `pairsPerRow`. */
  readonly pairs: number;
  /** Pairs that are there. */
  readonly presentPairs: number;
  /** int32 [T]: where the mask is 1 the pair, 0..pairs − 1; else −1. */
  readonly pairOf: Int32Array;
  readonly trainedTokens: number;
  /** Positions that hold a token. */
  readonly tokens: number;
  readonly documents: readonly string[];
  readonly epoch: number;
  /** Behind this batch: resuming from it gives the next batch, equal to the bit. */
  readonly position: DataPosition;
}

export interface PairBatchesOptions extends Omit<FitOptions, 'length'> {
  /** Rows of each half, ≥ 1. */
  rows: number;
  /** Positions of a row, ≥ 2. */
  length: number;
  seed: number;
  /** Default `pack`: several pairs in a row. */
  packing?: 'pack' | 'single';
  /** Most pairs in a row. Default 8. */
  maxPairsPerRow?: number;
}

export interface PairStatistics extends CorpusStatistics {
  /** Pairs left out: one of their sequences is too long where those are dropped. */
  dropped: number;
  /** Pairs of which a sequence is cut to the length of a row. */
  truncated: number;
  /** Rows of one pass, in each half. */
  rows: number;
  filledPositions: number;
  trainedPositions: number;
  /** Share of positions that hold a token, 0..1. */
  fillRate: number;
}

interface FittedPair {
  sequence: number;
  /** Chosen, rejected. */
  sides: readonly [FittedSequence, FittedSequence];
}

export class PairBatches {
  readonly rows: number;
  readonly length: number;
  /** Most pairs that stand in a row. */
  readonly pairsPerRow: number;
  readonly statistics: PairStatistics;
  readonly #corpus: TokenCorpus;
  readonly #pairs: readonly (FittedPair | null)[];
  readonly #dealer: RowDealer;

  /** @throws HaetaeError TRAINING_DATA_INVALID where nothing is left to train on. */
  constructor(corpus: TokenCorpus, options: PairBatchesOptions) {
    const { rows, length, seed, packing = 'pack', maxPairsPerRow = 8 } = options;
    requireShape(rows, length);
    if (corpus.kind !== 'pair') throw new TypeError(`pairs are needed, not ${corpus.kind} examples`);
    this.rows = rows;
    this.length = length;
    this.#corpus = corpus;
    this.#pairs = Array.from(corpus.examples, (example) => fitPair(corpus, example, options));
    const sizes = Uint32Array.from(this.#pairs, (pair) => (pair ? Math.max(...pair.sides.map(sizeOf)) : 0));
    const { tooLong = 'truncate', maxPromptTokens = '' } = options;
    const settings = [packing, maxPairsPerRow, length, seed, tooLong, maxPromptTokens];
    const start = startOf([corpus.fingerprint, ...settings].join(' '));
    this.#dealer = new RowDealer({ packing, sizes, length, seed, maxItems: maxPairsPerRow }, start);
    this.pairsPerRow = this.#dealer.itemsPerRow;
    this.statistics = this.#count();
  }

  /** Where the next batch begins. */
  get position(): DataPosition {
    return this.#dealer.position;
  }

  /** Batches of one pass, with a fraction. */
  get batchesPerEpoch(): number {
    return this.#dealer.rowsPerEpoch / this.rows;
  }

  /** @throws HaetaeError TRAINING_DATA_INVALID where data or settings are not those of the position. */
  seek(position: unknown): void {
    this.#dealer.seek(position);
  }

  /** The next batch; passes follow each other without end. */
  async next(): Promise<PairBatch> {
    return this.#batch(this.#dealer.deal(this.rows));
  }

  /** One pass to measure a loss on, always in the same random order; the last batch is padded. The position stays. */
  *pass(): Generator<PairBatch> {
    for (const dealt of this.#dealer.pass(this.rows)) yield this.#batch(dealt);
  }

  #batch(dealt: readonly DealtRow[]): PairBatch {
    const batch = new BatchRows(2 * this.rows, this.length);
    const pairOf = new Int32Array(2 * this.rows * this.length).fill(-1);
    const documents = new Set<string>();
    let presentPairs = 0;
    for (const [row, { plan, row: planned }] of dealt.entries()) {
      let column = 0;
      const first = plan.rowStarts[planned]!;
      for (let piece = first; piece < plan.rowStarts[planned + 1]!; piece++) {
        const item = plan.items[piece]!;
        const { sequence, sides } = this.#pairs[item]!;
        for (const [side, { from, to }] of sides.entries()) {
          const sideRow = side * this.rows + row;
          batch.put(sideRow, column, this.#corpus, sequence + side, from, to);
          const at = sideRow * this.length + column;
          for (let i = at; i < at + to - from; i++) {
            if (batch.mask[i]) pairOf[i] = row * this.pairsPerRow + piece - first;
          }
        }
        column += plan.tos[piece]!;
        documents.add(this.#corpus.documentId(this.#corpus.examples[item]!));
        presentPairs += 1;
      }
    }
    const { inputIds, labels, visibleFrom, mask, tokens, trainedTokens } = batch;
    const { epoch, position } = this.#dealer;
    return {
      ...{ inputIds, labels, visibleFrom, mask, pairOf },
      ...{ pairs: this.rows * this.pairsPerRow, presentPairs, trainedTokens, tokens },
      ...{ documents: [...documents], epoch, position },
    };
  }

  #count(): PairStatistics {
    const counts = { dropped: 0, truncated: 0, filledPositions: 0, trainedPositions: 0 };
    for (const pair of this.#pairs) {
      if (!pair) {
        counts.dropped += 1;
        continue;
      }
      counts.truncated += pair.sides.some(({ isTruncated }) => isTruncated) ? 1 : 0;
      for (const [side, span] of pair.sides.entries()) {
        counts.filledPositions += sizeOf(span);
        counts.trainedPositions += this.#corpus.trainedCount(
          pair.sequence + side,
          span.from + 1,
          span.to + 1,
        );
      }
    }
    const rows = this.#dealer.rowsPerEpoch;
    if (rows === 0) {
      throw dataError(
        'data',
        `of ${this.#pairs.length} pairs none can be trained on.`,
        'Give longer rows, or let long pairs be truncated.',
      );
    }
    const fillRate = counts.filledPositions / (2 * rows * this.length);
    return { ...this.#corpus.statistics(), ...counts, rows, fillRate };
  }
}

function fitPair(corpus: TokenCorpus, example: number, options: PairBatchesOptions): FittedPair | null {
  const sequence = corpus.firstSequence(example);
  const chosen = fitSequence(corpus, sequence, options);
  const rejected = fitSequence(corpus, sequence + 1, options);
  return chosen && rejected ? { sequence, sides: [chosen, rejected] } : null;
}

function sizeOf({ from, to }: FittedSequence): number {
  return to - from;
}
