/**
 * Rows of float32 weights to blocks of 4- or 8-bit integers and back, in the layout of `quantized-tensor.ts`.
 *
 * Plain round-to-nearest: a block's scale is its largest weight by magnitude, *with its sign*, over −2^(bits−1),
 * so that this weight takes code 0 exactly and all 2^bits levels are in use (a scale may be negative):
 *
 *   scale = w[argmax |w|] / −2^(bits−1)      q = clip(round(w / scale) + 2^(bits−1), 0, 2^bits − 1)
 *
 * An error is at most |scale| / 2, except for a weight opposite to the largest one and nearly as large
 * (|w / scale| > 2^(bits−1) − ½), which is clipped: there it is at most |scale|.
 *
 * `search` tries 19 scales around that one and keeps the one with the least (weighted) squared error, its
 * magnitude fitted by least squares to the codes it gives, as llama.cpp's `make_qx_quants` does.
 */

export type ScaleRule = 'absmax' | 'search';

export interface BlockFormat {
  bits: 4 | 8;
  /** Consecutive weights of a row that share a scale; divides the row. */
  block: number;
  /** Default `absmax`. */
  scales?: ScaleRule;
}

export interface QuantizedRows {
  /** `[rows, k/block, block·bits/8]` */
  qweight: Uint8Array;
  /** `[rows, k/block]` */
  scales: Float32Array;
}

/** Blocks whose weights are all smaller than this are zero: 1 / scale would leave float32. */
const leastMagnitude = 2 ** -100;

/** Room for `rows` rows of `k` weights. */
export function allocateRows(rows: number, k: number, { bits, block }: BlockFormat): QuantizedRows {
  return {
    qweight: new Uint8Array((rows * k * bits) / 8),
    scales: new Float32Array((rows * k) / block),
  };
}

/**
 * Quantises consecutive blocks; where rows end does not matter, as blocks do not cross them.
 * @param weights whole blocks of finite numbers; a block with NaN or infinity gets the scale NaN
 * @param into room for the result; default: allocated
 */
export function quantizeBlocks(
  weights: Float32Array,
  format: BlockFormat,
  into: QuantizedRows = allocateRows(1, weights.length, format),
): QuantizedRows {
  const { bits, block } = format;
  const { qweight, scales } = into;
  const blocks = weights.length / block;
  const bytesPerBlock = (block * bits) / 8;
  for (let b = 0; b < blocks; b++) {
    const scale =
      format.scales === 'search'
        ? searchScale(weights, b * block, block, bits)
        : absmaxScale(weights, b * block, block, bits);
    scales[b] = scale;
    if (bits === 4) encode4(weights, b * block, block, scale, qweight, b * bytesPerBlock);
    else encode8(weights, b * block, block, scale, qweight, b * bytesPerBlock);
  }
  return into;
}

/** The weights that the codes stand for. */
export function dequantizeBlocks(
  { qweight, scales }: QuantizedRows,
  { bits, block }: BlockFormat,
): Float32Array {
  const weights = new Float32Array(scales.length * block);
  for (let i = 0; i < weights.length; i++) {
    const code = bits === 8 ? qweight[i]! : (qweight[i >> 1]! >> ((i & 1) * 4)) & 15;
    weights[i] = (code - 2 ** (bits - 1)) * scales[Math.floor(i / block)]!;
  }
  return weights;
}

/** Scale of one block by its largest magnitude; NaN where a weight is NaN or infinite. */
export function absmaxScale(weights: Float32Array, start: number, block: number, bits: 4 | 8): number {
  let least = 0;
  let most = 0;
  let finite = 0;
  for (let i = start; i < start + block; i++) {
    const w = weights[i]!;
    if (w < least) least = w;
    else if (w > most) most = w;
    finite += w * 0; // NaN for NaN and for infinity
  }
  if (finite !== 0) return Number.NaN;
  const extreme = most > -least ? most : least;
  if (Math.abs(extreme) < leastMagnitude) return 0;
  return Math.fround(extreme / -(2 ** (bits - 1)));
}

/**
 * Scale of one block by search; `importance` (one per weight of the block's columns, from `start` on) weighs the
 * squared errors.
 */
export function searchScale(
  weights: Float32Array,
  start: number,
  block: number,
  bits: 4 | 8,
  importance?: Float32Array,
  importanceStart = 0,
): number {
  const first = absmaxScale(weights, start, block, bits);
  if (!(Math.abs(first) > 0)) return first;
  const half = 2 ** (bits - 1);
  const top = 2 * half - 1;
  for (let i = 0; i < block; i++) {
    scratch.weight[i] = weights[start + i]!;
    scratch.importance[i] = importance === undefined ? 1 : importance[importanceStart + i]!;
    scratch.product[i] = scratch.weight[i]! * scratch.importance[i]!;
  }
  const { weight, importance: cost, product } = scratch;
  let best = first;
  let bestGain = -1;
  for (let step = -9; step <= 9; step++) {
    // The candidate maps the largest weight to −(half + step / 10).
    const inverse = (1 + step / 10 / half) / first;
    let weightedCodes = 0;
    let squaredCodes = 0;
    for (let i = 0; i < block; i++) {
      let code = (weight[i]! * inverse + half + 0.5) | 0;
      code = (code < 0 ? 0 : code > top ? top : code) - half;
      weightedCodes += product[i]! * code;
      squaredCodes += cost[i]! * (code * code);
    }
    // With the best scale for these codes, Σ h (w − s c)² = Σ h w² − (Σ h w c)² / Σ h c².
    const gain = squaredCodes > 0 ? (weightedCodes * weightedCodes) / squaredCodes : 0;
    if (gain > bestGain) {
      bestGain = gain;
      best = squaredCodes > 0 ? weightedCodes / squaredCodes : first;
    }
  }
  best = Math.fround(best);
  return Math.abs(best) < leastMagnitude / 256 ? first : best;
}

/** One block, 128 weights at most. */
const scratch = {
  weight: new Float64Array(128),
  importance: new Float64Array(128),
  product: new Float64Array(128),
};

function encode4(
  weights: Float32Array,
  start: number,
  block: number,
  scale: number,
  qweight: Uint8Array,
  at: number,
): void {
  const inverse = scale === 0 ? 0 : 1 / scale;
  for (let i = 0; i < block; i += 2) {
    // Truncation is floor once the sum is ≥ 0; below, it gives 0, which is the clip.
    let low = (weights[start + i]! * inverse + 8.5) | 0;
    let high = (weights[start + i + 1]! * inverse + 8.5) | 0;
    low = low < 0 ? 0 : low > 15 ? 15 : low;
    high = high < 0 ? 0 : high > 15 ? 15 : high;
    qweight[at + (i >> 1)] = low | (high << 4);
  }
}

function encode8(
  weights: Float32Array,
  start: number,
  block: number,
  scale: number,
  qweight: Uint8Array,
  at: number,
): void {
  const inverse = scale === 0 ? 0 : 1 / scale;
  for (let i = 0; i < block; i++) {
    const code = (weights[start + i]! * inverse + 128.5) | 0;
    qweight[at + i] = code < 0 ? 0 : code > 255 ? 255 : code;
  }
}
