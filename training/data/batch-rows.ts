/**
 * The arrays of a batch, rows × length flattened: for each position the token, the token after it, whether that one
 * is trained on, and the first position it may attend to. Padding has id and label 0, mask 0 and sees only itself.
 */
import type { TokenCorpus } from './token-corpus.js';

export class BatchRows {
  /** [T] */
  readonly inputIds: BigInt64Array;
  readonly labels: BigInt64Array;
  readonly visibleFrom: Int32Array;
  readonly mask: Uint8Array;
  readonly #ids: Int32Array;
  readonly #labels: Int32Array;
  readonly #length: number;
  /** Positions that hold a token. */
  tokens = 0;
  trainedTokens = 0;

  constructor(rows: number, length: number) {
    const positions = rows * length;
    this.inputIds = new BigInt64Array(positions);
    this.labels = new BigInt64Array(positions);
    this.visibleFrom = new Int32Array(positions);
    this.mask = new Uint8Array(positions);
    // Ids are never negative: they are written as the low halves of the 64-bit numbers, which makes no BigInts.
    this.#ids = new Int32Array(this.inputIds.buffer);
    this.#labels = new Int32Array(this.labels.buffer);
    this.#length = length;
    for (let i = 0; i < positions; i++) this.visibleFrom[i] = i % length;
  }

  /** Puts tokens `from` ≤ t < `to` of a sequence, and as labels those behind them, at a column of a row. */
  put(row: number, column: number, corpus: TokenCorpus, sequence: number, from: number, to: number): void {
    const at = row * this.#length + column;
    const tokens = corpus.sequence(sequence);
    for (let i = 0; i < to - from; i++) {
      this.#ids[2 * (at + i)] = tokens[from + i]!;
      this.#labels[2 * (at + i)] = tokens[from + i + 1]!;
    }
    this.visibleFrom.fill(column, at, at + to - from);
    corpus.trainedRuns(sequence, from + 1, to + 1, (start, end) => {
      this.mask.fill(1, at + start - from - 1, at + end - from - 1);
      this.trainedTokens += end - start;
    });
    this.tokens += to - from;
  }
}
