/**
 * Batches of response pairs for distillation. Rows come in two halves; a pair has its chosen response, behind its
 * prompt, in a row of the first and its rejected one in the same row of the second, at the same first column, so that
 * two responses to a prompt are never in different batches; the shorter one is padded to the longer.
 *
 * Where both responses are the same, one of them is enough: the slots of both sides are of the same positions. Two such
 * pairs share a place, one in each half.
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
import { requireShape } from './packed-batches.js';
import { type DealtRow, RowDealer } from './row-dealer.js';
import type { CorpusStatistics, TokenCorpus } from './token-corpus.js';

/** T = 2 · rows · length positions, N slots: the first half chosen, the second rejected (see `losses/pair-batch.ts`). */
export interface PairBatch {
  /** int64 [T]. */
  readonly inputIds: BigInt64Array;
  /** int32 [2 · rows, length]. */
  readonly visibleFrom: Int32Array;
  /** The tokens of responses. */
  readonly answers: AnswerSlots;
  /** Pairs there is room for: `rows` · `pairsPerRow`. */
  readonly pairs: number;
  /** Pairs that are there. */
  readonly presentPairs: number;
  /** int32 [N]: the pair of a slot, 0..pairs − 1; −1 where it is empty. */
  readonly pairOf: Int32Array;
  /** Slots that are taken. */
  readonly trainedTokens: number;
  /** Positions that hold a token. */
  readonly tokens: number;
  readonly documents: readonly string[];
  readonly epoch: number;
  /** Behind this batch: resuming from it gives the next batch, equal to the bit. */
  readonly position: DataPosition;
}

export interface PairBatchesOptions extends Omit<FitAnswerOptions, 'length'> {
  /** Rows of each half, ≥ 1. */
  rows: number;
  /** Positions of a row, ≥ 2. */
  length: number;
  seed: number;
  /** Default `pack`: several pairs in a row. */
  packing?: 'pack' | 'single';
  /** Most pairs in a row, ≥ 2. Default 32. */
  maxPairsPerRow?: number;
}

export interface PairStatistics extends CorpusStatistics {
  /** Pairs left out: one of their sequences is too long where those are dropped. */
  dropped: number;
  /** Pairs of which a sequence is cut to the length of a row; those of which one of the teacher's is. */
  truncated: number;
  teacherTruncated: number;
  /** Pairs of equal responses. */
  identical: number;
  /** Rows of one pass, in each half. */
  rows: number;
  filledPositions: number;
  trainedPositions: number;
  /** Share of positions that hold a token, 0..1. */
  fillRate: number;
}

interface FittedPair {
  /** Index among the examples of the corpus. */
  index: number;
  /** Chosen, rejected. */
  sides: readonly [FittedAnswer, FittedAnswer];
  isIdentical: boolean;
}

/** What stands at one place: a pair in both halves, or one or two of equal responses, each in its own half. */
type Place = readonly [FittedPair] | readonly [FittedPair, FittedPair];

export class PairBatches {
  readonly rows: number;
  readonly length: number;
  /** Most pairs that stand in a row. */
  readonly pairsPerRow: number;
  /** Slots of a batch's answers, those of both sides. */
  readonly slots: number;
  readonly statistics: PairStatistics;
  readonly #corpus: TokenCorpus;
  readonly #places: readonly Place[];
  readonly #dealer: RowDealer;

  /** @throws HaetaeError TRAINING_DATA_INVALID where nothing is left to train on. */
  constructor(corpus: TokenCorpus, options: PairBatchesOptions) {
    const { rows, length, seed, packing = 'pack', maxPairsPerRow = 32 } = options;
    requireShape(rows, length);
    if (corpus.kind !== 'pair') throw new TypeError(`pairs are needed, not ${corpus.kind} examples`);
    this.rows = rows;
    this.length = length;
    this.#corpus = corpus;
    const fitted = Array.from(corpus.examples, (example, index) => fitPair(corpus, example, index, options));
    const pairs = fitted.filter((pair) => pair !== null);
    this.#places = placesOf(pairs);
    const of = (count: (place: Place) => number) => Uint32Array.from(this.#places, count);
    const sizes = of((place) => Math.max(...place.flatMap(({ sides }) => sides.map(sizeOf))));
    const trained = of((place) => Math.max(...[0, 1].map((side) => trainedIn(place, side))));
    const counts = of((place) => place.length);
    const { tooLong = 'truncate', maxPromptTokens = '', teacherLength = '' } = options;
    const settings = [
      'slots',
      packing,
      maxPairsPerRow,
      length,
      seed,
      tooLong,
      maxPromptTokens,
      teacherLength,
    ];
    const start = startOf([corpus.fingerprint, ...settings].join(' '));
    const perRow = slotsPerRow(trained, sizes, length);
    const limits = [
      { of: counts, most: maxPairsPerRow },
      { of: trained, most: perRow },
    ];
    this.#dealer = new RowDealer({ packing, sizes, length, seed, limits }, start);
    this.pairsPerRow = this.#dealer.mostInRow(counts);
    this.slots = 2 * rows * perRow;
    this.statistics = this.#count(pairs);
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
    const answers = new AnswerSlotWriter(2, this.slots / 2);
    const pairOf = new Int32Array(this.slots).fill(-1);
    const documents = new Set<string>();
    let presentPairs = 0;
    for (const [row, { plan, row: planned }] of dealt.entries()) {
      let column = 0;
      let pairsBefore = row * this.pairsPerRow;
      for (let piece = plan.rowStarts[planned]!; piece < plan.rowStarts[planned + 1]!; piece++) {
        const place = this.#places[plan.items[piece]!]!;
        for (const [n, pair] of place.entries()) {
          for (const side of [0, 1] as const) {
            const answer = pair.sides[side];
            const half = pair.isIdentical ? n : side;
            const at = (half * this.rows + row) * this.length + column;
            if (!pair.isIdentical || side === 0) {
              const { sequence, from, to } = answer;
              batch.put(half * this.rows + row, column, this.#corpus, sequence, from, to);
            }
            for (const slot of answers.put(side, placeAnswer(this.#corpus, answer, at))) {
              pairOf[slot] = pairsBefore;
            }
          }
          documents.add(this.#corpus.documentId(this.#corpus.examples[pair.index]!));
          pairsBefore += 1;
          presentPairs += 1;
        }
        column += plan.tos[piece]!;
      }
    }
    const { inputIds, visibleFrom, tokens } = batch;
    const { epoch, position } = this.#dealer;
    const trainedTokens = pairOf.reduce((sum, pair) => sum + (pair >= 0 ? 1 : 0), 0);
    return {
      ...{ inputIds, visibleFrom, answers: answers.slots, pairOf },
      ...{ pairs: this.rows * this.pairsPerRow, presentPairs, trainedTokens, tokens },
      ...{ documents: [...documents], epoch, position },
    };
  }

  #count(pairs: readonly FittedPair[]): PairStatistics {
    const given = this.#corpus.examples.length;
    const rows = this.#dealer.rowsPerEpoch;
    if (rows === 0) {
      throw dataError(
        'data',
        `of ${given} pairs none can be trained on.`,
        'Give longer rows, or let long pairs be truncated.',
      );
    }
    const counts = {
      truncated: 0,
      teacherTruncated: 0,
      identical: 0,
      filledPositions: 0,
      trainedPositions: 0,
    };
    for (const { sides, isIdentical } of pairs) {
      counts.truncated += sides.some((side) => side.isTruncated) ? 1 : 0;
      counts.teacherTruncated += sides.some(isTeacherCut) ? 1 : 0;
      counts.identical += isIdentical ? 1 : 0;
      counts.filledPositions += isIdentical ? sizeOf(sides[0]) : sizeOf(sides[0]) + sizeOf(sides[1]);
      counts.trainedPositions += sides[0].trainedTokens + sides[1].trainedTokens;
    }
    const fillRate = counts.filledPositions / (2 * rows * this.length);
    const dropped = given - pairs.length;
    return { ...this.#corpus.statistics(), ...counts, dropped, rows, fillRate };
  }
}

function fitPair(
  corpus: TokenCorpus,
  example: number,
  index: number,
  options: PairBatchesOptions,
): FittedPair | null {
  const sequence = corpus.firstSequence(example);
  const chosen = fitAnswer(corpus, example, sequence, options);
  const rejected = fitAnswer(corpus, example, sequence + 1, options);
  if (!chosen || !rejected) return null;
  return { index, sides: [chosen, rejected], isIdentical: isEqual(corpus, sequence, sequence + 1) };
}

function isEqual(corpus: TokenCorpus, a: number, b: number): boolean {
  const [first, second] = [corpus.sequence(a), corpus.sequence(b)];
  return first.length === second.length && first.every((token, i) => token === second[i]);
}

/** Equal responses by twos of like size; the others alone. */
function placesOf(pairs: readonly FittedPair[]): Place[] {
  const places: Place[] = pairs.filter(({ isIdentical }) => !isIdentical).map((pair) => [pair]);
  const identical = pairs
    .filter(({ isIdentical }) => isIdentical)
    .sort((a, b) => sizeOf(b.sides[0]) - sizeOf(a.sides[0]));
  for (let i = 0; i < identical.length; i += 2) {
    const [first, second] = [identical[i]!, identical[i + 1]];
    places.push(second ? [first, second] : [first]);
  }
  return places;
}

function trainedIn(place: Place, side: number): number {
  return place.reduce((sum, { sides }) => sum + sides[side]!.trainedTokens, 0);
}

function sizeOf({ from, to }: FittedAnswer): number {
  return to - from;
}
