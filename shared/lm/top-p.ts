/** Top-p: the nucleus of a distribution (Holtzman et al. 2019), by a histogram of mass and quickselect in one bin. */
import { expNegative } from './exp-table.js';
import { binsPerNat, type SamplerScratch } from './sampler-scratch.js';

/**
 * Keeps the likeliest of the first `count` candidates that together weigh `topP` of `total`, in order of id; at
 * least one. `weights` are exp((logit − largest) / temperature). Returns how many are kept.
 */
export function keepTopP(
  logits: Float32Array,
  shape: { largest: number; temperature: number; topP: number; total: number },
  count: number,
  scratch: SamplerScratch,
): number {
  const { largest, temperature, topP, total } = shape;
  const heavy = dropTail(count, ((1 - topP) * total) / count, scratch);
  return keepNucleus(logits, largest, temperature, heavy, topP * total, scratch);
}

/**
 * Drops candidates so light that all of them together could not weigh what top-p leaves out: they are outside of
 * the nucleus whatever it is.
 */
function dropTail(count: number, lightest: number, { ids, weights }: SamplerScratch): number {
  let kept = 0;
  for (let i = 0; i < count; i++) {
    if (weights[i]! >= lightest * (1 - 1e-9)) {
      ids[kept] = ids[i]!;
      weights[kept] = weights[i]!;
      kept++;
    }
  }
  return kept;
}

/** Keeps the likeliest candidates, in order of id, until their weights reach `target`; at least one. */
function keepNucleus(
  logits: Float32Array,
  largest: number,
  temperature: number,
  count: number,
  target: number,
  { ids, weights, values, bins }: SamplerScratch,
): number {
  const binOf = (logit: number) => (((largest - logit) / temperature) * binsPerNat) | 0;
  bins.fill(0);
  for (let i = 0; i < count; i++) bins[binOf(logits[ids[i]!]!)]! += weights[i]!;
  let above = 0;
  let bin = 0;
  while (bin < bins.length - 1 && above + bins[bin]! < target) above += bins[bin++]!;

  let inBin = 0;
  for (let i = 0; i < count; i++) {
    const logit = logits[ids[i]!]!;
    if (binOf(logit) === bin) values[inBin++] = logit;
  }
  // rounding may leave the target unreached by everything: then everything is kept
  if (inBin === 0) return count;
  const weightOf = (logit: number) => expNegative((logit - largest) / temperature);
  const threshold = selectByMass(values, inBin, target - above, weightOf);
  let reached = above + threshold.above;
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const logit = logits[ids[i]!]!;
    if (logit < threshold.value) continue;
    if (logit === threshold.value) {
      if (reached >= target && kept > 0) continue;
      reached += weights[i]!;
    }
    ids[kept] = ids[i]!;
    weights[kept] = weights[i]!;
    kept++;
  }
  return kept;
}

/**
 * The value at which the weights of the largest of the first `count` values reach `target`, and the weight of those
 * strictly above it. Quickselect with three-way partition (Hoare 1961; Dijkstra's flag); `values` are reordered.
 */
function selectByMass(
  values: Float32Array,
  count: number,
  target: number,
  weightOf: (value: number) => number,
): { value: number; above: number } {
  let from = 0;
  let to = count;
  let above = 0;
  for (;;) {
    const pivot = medianOfThree(values[from]!, values[(from + to) >>> 1]!, values[to - 1]!);
    // [from, equal) > pivot, [equal, at) = pivot, [less, to) < pivot
    let equal = from;
    let at = from;
    let less = to;
    let massAbove = 0;
    while (at < less) {
      const value = values[at]!;
      if (value > pivot) {
        massAbove += weightOf(value);
        values[at++] = values[equal]!;
        values[equal++] = value;
      } else if (value < pivot) {
        values[at] = values[--less]!;
        values[less] = value;
      } else {
        at++;
      }
    }
    const massEqual = (less - equal) * weightOf(pivot);
    if (equal > from && above + massAbove >= target) {
      to = equal;
    } else if (less === to || above + massAbove + massEqual >= target) {
      return { value: pivot, above: above + massAbove };
    } else {
      above += massAbove + massEqual;
      from = less;
    }
  }
}

function medianOfThree(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}
