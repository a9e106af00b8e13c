/**
 * Causal self-attention over packed rows: from the projections `[q | k | v]` of each token to the weighted values,
 * rotation included. A token sees itself and the tokens before it in its row, from `visible_from` on (where its
 * document begins), and no more than `window` of them.
 *
 *   P = softmax(scale · R(q)·R(k)ᵀ + mask)   out = P·v     R rotates by position; groups of heads share k and v
 *
 *   dv = Pᵀ·dO     dS = P ⊙ (dO·vᵀ − δ),  δ = rowsum(dO ⊙ out)     dq = scale · Rᵀ(dS·k)     dk = scale · Rᵀ(dSᵀ·q)
 *
 * (Dao et al. 2022 for δ in place of rowsum(dP ⊙ P).) Our operators do each direction in one pass without storing P.
 * ONNX Runtime's work on blocks of queries, each with only the keys that its queries may see.
 */
import {
  add,
  batchMatMul,
  cast,
  concat,
  greater,
  mul,
  pad,
  reduceSum,
  reshape,
  slice,
  softmax,
  split,
  sub,
  transpose,
  where,
} from '../autodiff/expressions.js';
import type { Tape } from '../autodiff/tape.js';
import type { Variable } from '../autodiff/variable.js';
import { type RotationTables, rotate } from './rope.js';

export interface AttentionHeads {
  nHead: number;
  /** A divisor of `nHead`: consecutive heads share keys and values. */
  nKvHead: number;
  headDim: number;
}

/** What all layers of a model share. */
export interface AttentionBatch {
  rows: number;
  length: number;
  /** int32 `[rows, length]`: index in its row of the first position that a token sees, at most its own. */
  visibleFrom: Variable;
  tables: RotationTables;
}

/** Queries of a block and the keys they may see, as ranges of positions. */
interface QueryBlock {
  from: number;
  to: number;
  firstKey: number;
  /** float32 `[rows, 1, queries, keys]`: 0 where visible. */
  mask: Variable;
}

/** Our operator takes heads of these sizes; others are computed by ONNX Runtime's operators. */
const nativeHeadMultiple = 16;

/** Far below any score, and finite, so that a row of nothing else stays a number. */
const hidden = -1e30;

export class CausalAttention {
  readonly #tape: Tape;
  readonly #batch: AttentionBatch;
  readonly #heads: AttentionHeads;
  /** By window; layers with the same one share masks. */
  readonly #blocks = new Map<number | null, readonly QueryBlock[]>();

  constructor(tape: Tape, batch: AttentionBatch, heads: AttentionHeads) {
    this.#tape = tape;
    this.#batch = batch;
    this.#heads = heads;
  }

  /**
   * @param qkv `[rows · length, (nHead + 2 · nKvHead) · headDim]`, before rotation
   * @param window positions a token sees at most, itself included; null: all
   * @returns `[rows · length, nHead · headDim]`
   */
  attend(qkv: Variable, window: number | null): Variable {
    const isNative = this.#tape.kernels === 'haetae' && this.#heads.headDim % nativeHeadMultiple === 0;
    return isNative ? this.#native(qkv, window) : this.#stock(qkv, window);
  }

  #native(qkv: Variable, window: number | null): Variable {
    const tape = this.#tape;
    const { nHead, nKvHead, headDim } = this.#heads;
    const { visibleFrom, tables } = this.#batch;
    const attributes = {
      num_heads: nHead,
      kv_num_heads: nKvHead,
      scale: { float: 1 / Math.sqrt(headDim) },
      local_window_size: window ?? 0,
    };
    const shared = [tables.cos, tables.sin, visibleFrom];
    let [out, logSum]: (Variable | undefined)[] = [];
    return tape.block(
      'CausalAttention',
      [qkv],
      () => {
        [out, logSum] = tape.node('CausalAttention', [qkv, ...shared], attributes) as [Variable, Variable];
        return out;
      },
      (dOut) => tape.node('CausalAttentionGrad', [dOut, qkv, out!, logSum!, ...shared], attributes),
    );
  }

  #stock(qkv: Variable, window: number | null): Variable {
    const tape = this.#tape;
    const { nHead, nKvHead, headDim } = this.#heads;
    const { rows, length, tables } = this.#batch;
    const scale = 1 / Math.sqrt(headDim);
    const all = nHead + 2 * nKvHead;
    const blocks = this.#blocksOf(window);
    const group = nHead / nKvHead;

    /** Queries of the heads that share keys stand one after another: `[rows, nKvHead, group · size, …]`. */
    const grouped = (x: Variable, size: number) =>
      reshape(tape, x, [rows, nKvHead, group * size, x.shape.at(-1)!]);
    const perHead = (x: Variable, size: number) => reshape(tape, x, [rows, nHead, size, x.shape.at(-1)!]);
    const toHeads = (x: Variable, heads: number) =>
      transpose(tape, reshape(tape, x, [rows, length, heads, headDim]), [0, 2, 1, 3]);
    const toRows = (x: Variable) =>
      reshape(tape, transpose(tape, x, [0, 2, 1, 3]), [rows * length, x.shape[1]! * headDim]);

    let [query, key, value, attended]: (Variable | undefined)[] = [];
    const probabilities: Variable[] = [];

    const forward = () => {
      const [rotating, values] = split(tape, toHeads(qkv, all), 1, [nHead + nKvHead, nKvHead]);
      [query, key] = split(tape, rotate(tape, rotating!, tables), 1, [nHead, nKvHead]);
      value = values!;
      const parts = blocks.map(({ from, to, firstKey, mask }) => {
        const size = to - from;
        const q = grouped(slice(tape, query!, 2, from, to), size);
        const k = slice(tape, key!, 2, firstKey, to);
        const scores = batchMatMul(tape, q, k, { transB: true, alpha: scale });
        const p = softmax(tape, add(tape, perHead(scores, size), mask));
        probabilities.push(p);
        return perHead(batchMatMul(tape, grouped(p, size), slice(tape, value!, 2, firstKey, to)), size);
      });
      attended = concat(tape, parts, 2);
      return toRows(attended);
    };

    const backward = (dRows: Variable) => {
      const dOut = toHeads(dRows, nHead);
      const delta = reduceSum(tape, mul(tape, dOut, attended!), [3], true);
      const dQuery: Variable[] = [];
      let [dKey, dValue]: (Variable | undefined)[] = [];
      for (const [i, { from, to, firstKey }] of blocks.entries()) {
        const size = to - from;
        const p = probabilities[i]!;
        const d = grouped(slice(tape, dOut, 2, from, to), size);
        const q = grouped(slice(tape, query!, 2, from, to), size);
        const k = slice(tape, key!, 2, firstKey, to);
        const v = slice(tape, value!, 2, firstKey, to);
        const dP = perHead(batchMatMul(tape, d, v, { transB: true }), size);
        const dScores = mul(tape, p, sub(tape, dP, slice(tape, delta, 2, from, to)));
        const ds = grouped(dScores, size);
        dQuery.push(perHead(batchMatMul(tape, ds, k, { alpha: scale }), size));
        const whole = (part: Variable) => pad(tape, part, 2, firstKey, length - to);
        const byKey = whole(batchMatMul(tape, ds, q, { transA: true, alpha: scale }));
        const byValue = whole(batchMatMul(tape, grouped(p, size), d, { transA: true }));
        dKey = dKey ? add(tape, dKey, byKey) : byKey;
        dValue = dValue ? add(tape, dValue, byValue) : byValue;
      }
      const rotated = concat(tape, [concat(tape, dQuery, 2), dKey!], 1);
      const back = rotate(tape, rotated, { ...tables, sin: tables.minusSin });
      return [toRows(concat(tape, [back, dValue!], 1))];
    };

    return tape.block('CausalAttention', [qkv], forward, backward);
  }

  #blocksOf(window: number | null): readonly QueryBlock[] {
    const known = this.#blocks.get(window) ?? this.#tape.withoutGradient(() => this.#makeBlocks(window));
    this.#blocks.set(window, known);
    return known;
  }

  #makeBlocks(window: number | null): QueryBlock[] {
    const tape = this.#tape;
    const { rows, length, visibleFrom } = this.#batch;
    const start = reshape(tape, cast(tape, visibleFrom, 'float32'), [rows, 1, length, 1]);
    const size = blockSize(length);
    const blocks: QueryBlock[] = [];
    for (let from = 0; from < length; from += size) {
      const to = Math.min(length, from + size);
      const firstKey = window === null ? 0 : Math.max(0, from - window + 1);
      const [queries, keys] = [to - from, to - firstKey];
      const shape = new Float32Array(queries * keys);
      for (let q = 0; q < queries; q++) {
        for (let k = 0; k < keys; k++) {
          const distance = from + q - (firstKey + k);
          shape[q * keys + k] = distance < 0 || distance >= (window ?? length) ? hidden : 0;
        }
      }
      const positions = tape.constant(
        [1, 1, 1, keys],
        Float32Array.from({ length: keys }, (_, k) => firstKey + k),
      );
      const isBefore = greater(tape, slice(tape, start, 2, from, to), positions);
      const mask = where(tape, isBefore, hidden, tape.constant([1, 1, queries, keys], shape));
      blocks.push({ from, to, firstKey, mask });
    }
    return blocks;
  }
}

/** Queries that are taken together. Small blocks compute less of what is masked, large ones copy fewer keys. */
function blockSize(length: number): number {
  return Math.min(length, Math.max(64, Math.ceil(length / 4)));
}
