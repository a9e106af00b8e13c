/**
 * Batches of fixed shape for causal language models, from text (rows are filled) or dialogues (whole examples, packed
 * or one to a row; only what the assistant says is trained on).
 *
 * Documents in a row do not see each other: `visibleFrom` is where each begins. A text that goes on in another row
 * begins anew there.
 */
import { BatchRows } from './batch-rows.js';
import { dataError } from './data-error.js';
import { type DataPosition, startOf } from './data-position.js';
import { type FitOptions, fitSequence } from './fit-sequence.js';
import { type DealtRow, RowDealer } from './row-dealer.js';
import type { Packing } from './row-plan.js';
import type { CorpusStatistics, TokenCorpus } from './token-corpus.js';

export interface PackedBatch {
  /** int64 [rows · length]. */
  readonly inputIds: BigInt64Array;
  /** int64 [rows · length]: the token after each. */
  readonly labels: BigInt64Array;
  /** int32 [rows, length]: index in the row of the first position that each may attend to. */
  readonly visibleFrom: Int32Array;
  /** [rows · length]: 1 where the label is trained on. */
  readonly mask: Uint8Array;
  readonly trainedTokens: number;
  /** Positions that hold a token; the rest is padding. */
  readonly tokens: number;
  /** Ids of the source documents, for messages. */
  readonly documents: readonly string[];
  /** Passes over the data when this batch has been dealt, with fractions. */
  readonly epoch: number;
  /** Behind this batch: resuming from it gives the next batch, equal to the bit. */
  readonly position: DataPosition;
}

export interface PackedBatchesOptions extends Omit<FitOptions, 'length'> {
  /** Rows of a batch, ≥ 1. */
  rows: number;
  /** Positions of a row, ≥ 2. */
  length: number;
  seed: number;
  /** Default: `fill` for text, `pack` for dialogues. Text can only fill. */
  packing?: Packing;
}

export interface PackingStatistics extends CorpusStatistics {
  /** Examples left out: too long where those are dropped, or without a token to learn. */
  dropped: number;
  /** Examples cut to the length of a row. */
  truncated: number;
  /** Rows of one pass. */
  rows: number;
  /** Positions of those rows that hold a token; tokens trained on in one pass. */
  filledPositions: number;
  trainedPositions: number;
  /** Share of positions that hold a token, 0..1. */
  fillRate: number;
}

export class PackedBatches {
  readonly rows: number;
  readonly length: number;
  readonly statistics: PackingStatistics;
  readonly #corpus: TokenCorpus;
  readonly #dealer: RowDealer;
  /** [items]: sequence of each, and the token it begins with. */
  readonly #sequences: Uint32Array;
  readonly #starts: Uint32Array;

  /** @throws HaetaeError TRAINING_DATA_INVALID where nothing is left to train on. */
  constructor(corpus: TokenCorpus, options: PackedBatchesOptions) {
    const { rows, length, seed } = options;
    const { packing = corpus.kind === 'text' ? 'fill' : 'pack' } = options;
    requireShape(rows, length);
    if (corpus.kind !== 'text' && corpus.kind !== 'dialogue')
      throw new TypeError(`text or dialogues are packed, not ${corpus.kind} examples`);
    if ((packing === 'fill') !== (corpus.kind === 'text'))
      throw new TypeError(`${corpus.kind} examples cannot be laid into rows by '${packing}'`);
    this.rows = rows;
    this.length = length;
    this.#corpus = corpus;
    const items = itemsOf(corpus, packing, options);
    this.#sequences = items.sequences;
    this.#starts = items.starts;
    const fingerprint = [corpus.fingerprint, packing, length, seed, items.settings].join(' ');
    this.#dealer = new RowDealer({ packing, sizes: items.sizes, length, seed }, startOf(fingerprint));
    if (this.#dealer.rowsPerEpoch === 0) {
      throw dataError(
        'data',
        `of ${corpus.examples.length} examples none can be trained on (${items.dropped} dropped).`,
        'Give longer rows, or let long examples be truncated.',
      );
    }
    const filledPositions = items.sizes.reduce((sum, size) => sum + size, 0);
    this.statistics = {
      ...corpus.statistics(),
      dropped: items.dropped,
      truncated: items.truncated,
      rows: this.#dealer.rowsPerEpoch,
      filledPositions,
      trainedPositions: items.trainedPositions,
      fillRate: filledPositions / (this.#dealer.rowsPerEpoch * length),
    };
  }

  /** Where the next batch begins. */
  get position(): DataPosition {
    return this.#dealer.position;
  }

  /** Batches of one pass, with a fraction: a batch may hold the last rows of a pass and the first of the next. */
  get batchesPerEpoch(): number {
    return this.#dealer.rowsPerEpoch / this.rows;
  }

  /**
   * Goes on from a position that a checkpoint kept.
   * @throws HaetaeError TRAINING_DATA_INVALID where data or settings are others.
   */
  seek(position: unknown): void {
    this.#dealer.seek(position);
  }

  /** The next batch; passes follow each other without end. */
  async next(): Promise<PackedBatch> {
    return this.#batch(this.#dealer.deal(this.rows));
  }

  /**
   * One pass to measure a loss on: always the same order, of which the first batches are a fair sample. The last one
   * is padded. The position stays.
   */
  *pass(): Generator<PackedBatch> {
    for (const dealt of this.#dealer.pass(this.rows)) yield this.#batch(dealt);
  }

  #batch(dealt: readonly DealtRow[]): PackedBatch {
    const batch = new BatchRows(this.rows, this.length);
    const documents = new Set<string>();
    for (const [row, { plan, row: planned }] of dealt.entries()) {
      let column = 0;
      for (let piece = plan.rowStarts[planned]!; piece < plan.rowStarts[planned + 1]!; piece++) {
        const [item, from, to] = [plan.items[piece]!, plan.froms[piece]!, plan.tos[piece]!];
        const start = this.#starts[item]!;
        batch.put(row, column, this.#corpus, this.#sequences[item]!, start + from, start + to);
        column += to - from;
        documents.add(this.#corpus.documentId(this.#corpus.examples[item]!));
      }
    }
    const { inputIds, labels, visibleFrom, mask, tokens, trainedTokens } = batch;
    const { epoch, position } = this.#dealer;
    return {
      inputIds,
      labels,
      visibleFrom,
      mask,
      trainedTokens,
      tokens,
      documents: [...documents],
      epoch,
      position,
    };
  }
}

export function requireShape(rows: number, length: number): void {
  if (Number.isInteger(rows) && rows >= 1 && Number.isInteger(length) && length >= 2) return;
  throw new RangeError(`a batch has at least 1 row of 2 positions, got ${rows} of ${length}`);
}

/** The part of each example that trains: its sequence, its first token, its size in positions. */
function itemsOf(corpus: TokenCorpus, packing: Packing, options: PackedBatchesOptions) {
  const count = corpus.examples.length;
  const items = {
    sequences: new Uint32Array(count),
    starts: new Uint32Array(count),
    sizes: new Uint32Array(count),
    dropped: 0,
    truncated: 0,
    trainedPositions: 0,
    settings: packing === 'fill' ? '' : `${options.tooLong ?? 'truncate'} ${options.maxPromptTokens ?? ''}`,
  };
  for (const [item, example] of corpus.examples.entries()) {
    const sequence = corpus.firstSequence(example);
    items.sequences[item] = sequence;
    const tokens = corpus.sequenceLength(sequence);
    const fitted =
      packing === 'fill'
        ? tokens < 2
          ? null
          : { from: 0, to: tokens - 1, isTruncated: false }
        : fitSequence(corpus, sequence, options);
    if (!fitted) {
      items.dropped += 1;
      continue;
    }
    items.starts[item] = fitted.from;
    items.sizes[item] = fitted.to - fitted.from;
    items.truncated += fitted.isTruncated ? 1 : 0;
    items.trainedPositions += corpus.trainedCount(sequence, fitted.from + 1, fitted.to + 1);
  }
  return items;
}
