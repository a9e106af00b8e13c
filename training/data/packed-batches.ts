/**
 * Batches of fixed shape for causal language models, from text (rows are filled) or dialogues (whole examples, packed
 * or one to a row; only what the assistant says is trained on).
 *
 * Documents in a row do not see each other: `visibleFrom` is where each begins. A text that goes on in another row
 * begins anew there.
 */
import { type AnswerSlots, AnswerSlotWriter, slotsPerRow } from './answer-slots.js';
import { BatchRows } from './batch-rows.js';
import { dataError } from './data-error.js';
import { type DataPosition, startOf } from './data-position.js';
import {
  type FitAnswerOptions,
  type FittedAnswer,
  fitAnswer,
  isTeacherCut,
  placeAnswer,
} from './fit-answer.js';
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
  /** The positions that are trained on; null of text, of which all are. */
  readonly answers: AnswerSlots | null;
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

export interface PackedBatchesOptions extends Omit<FitAnswerOptions, 'length'> {
  /** Rows of a batch, ≥ 1. */
  rows: number;
  /** Positions of a row, ≥ 2. */
  length: number;
  seed: number;
  /** Default: `fill` for text, `pack` for dialogues. Text can only fill. */
  packing?: Packing;
}

/** What an example trains: its sequence, and the part of it. Text has no answers. */
interface Item {
  sequence: number;
  from: number;
  to: number;
  answer: FittedAnswer | null;
}

export interface PackingStatistics extends CorpusStatistics {
  /** Examples left out: too long where those are dropped, or without a token to learn. */
  dropped: number;
  /** Examples cut to the length of a row; those whose teacher's sequence is. */
  truncated: number;
  teacherTruncated: number;
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
  /** Slots of a batch's answers; null of text. */
  readonly slots: number | null;
  readonly statistics: PackingStatistics;
  readonly #corpus: TokenCorpus;
  readonly #dealer: RowDealer;
  readonly #items: readonly (Item | null)[];

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
    this.#items = Array.from(corpus.examples, (example) => itemOf(corpus, example, packing, options));
    const dropped = this.#items.filter((item) => item === null).length;
    const sizes = Uint32Array.from(this.#items, (item) => (item ? item.to - item.from : 0));
    const trained = Uint32Array.from(this.#items, (item) => item?.answer?.trainedTokens ?? 0);
    const perRow = packing === 'fill' ? null : slotsPerRow(trained, sizes, length);
    this.slots = perRow && rows * perRow;
    const { tooLong = 'truncate', maxPromptTokens = '', teacherLength = '' } = options;
    const fitting = packing === 'fill' ? '' : [tooLong, maxPromptTokens, teacherLength].join(' ');
    const fingerprint = [corpus.fingerprint, packing, length, seed, fitting].join(' ');
    const limits = perRow === null ? [] : [{ of: trained, most: perRow }];
    this.#dealer = new RowDealer({ packing, sizes, length, seed, limits }, startOf(fingerprint));
    if (this.#dealer.rowsPerEpoch === 0) {
      throw dataError(
        'data',
        `of ${corpus.examples.length} examples none can be trained on (${dropped} dropped).`,
        'Give longer rows, or let long examples be truncated.',
      );
    }
    const filledPositions = sizes.reduce((sum, size) => sum + size, 0);
    const trainedPositions =
      packing === 'fill' ? textTargets(corpus) : trained.reduce((sum, count) => sum + count, 0);
    this.statistics = {
      ...corpus.statistics(),
      dropped,
      truncated: this.#items.filter((item) => item?.answer?.isTruncated).length,
      teacherTruncated: this.#items.filter((item) => item?.answer && isTeacherCut(item.answer)).length,
      rows: this.#dealer.rowsPerEpoch,
      filledPositions,
      trainedPositions,
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
    const answers = this.slots === null ? null : new AnswerSlotWriter(1, this.slots);
    const documents = new Set<string>();
    for (const [row, { plan, row: planned }] of dealt.entries()) {
      let column = 0;
      for (let piece = plan.rowStarts[planned]!; piece < plan.rowStarts[planned + 1]!; piece++) {
        const [number, from, to] = [plan.items[piece]!, plan.froms[piece]!, plan.tos[piece]!];
        const item = this.#items[number]!;
        batch.put(row, column, this.#corpus, item.sequence, item.from + from, item.from + to);
        if (item.answer) {
          answers?.put(0, placeAnswer(this.#corpus, item.answer, row * this.length + column));
        }
        column += to - from;
        documents.add(this.#corpus.documentId(this.#corpus.examples[number]!));
      }
    }
    const { inputIds, labels, visibleFrom, mask, tokens, trainedTokens } = batch;
    const { epoch, position } = this.#dealer;
    return {
      inputIds,
      labels,
      visibleFrom,
      mask,
      answers: answers?.slots ?? null,
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

function itemOf(
  corpus: TokenCorpus,
  example: number,
  packing: Packing,
  options: PackedBatchesOptions,
): Item | null {
  const sequence = corpus.firstSequence(example);
  if (packing === 'fill') {
    const tokens = corpus.sequenceLength(sequence);
    return tokens < 2 ? null : { sequence, from: 0, to: tokens - 1, answer: null };
  }
  const answer = fitAnswer(corpus, example, sequence, options);
  return answer && { sequence, from: answer.from, to: answer.to, answer };
}

function textTargets(corpus: TokenCorpus): number {
  let targets = 0;
  for (const example of corpus.examples) {
    const sequence = corpus.firstSequence(example);
    targets += corpus.trainedCount(sequence, 1, corpus.sequenceLength(sequence));
  }
  return targets;
}
