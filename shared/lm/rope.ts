/**
 * Rotary position embedding (Su et al. 2021) in the half-split form of Hugging Face: dimensions j and j + d/2 of a
 * head are rotated by the angle p · f_j at position p, with f_j = θ^(−2j/d) stretched by one of
 *
 *   linear   f / factor
 *   llama3   long wavelengths divided by the factor, short ones kept, those between interpolated (Llama 3.1)
 *   yarn     a ramp over dimensions from f to f / factor; cos and sin times the attention factor (Peng et al. 2023)
 *
 * as `transformers` computes them (`modeling_rope_utils.py`).
 */
import type { DecoderConfig, RopeScaling } from './model-config.js';

export interface RopeTables {
  /** [positions, headDim / 2], row-major, attention factor included. */
  cos: Float32Array;
  sin: Float32Array;
  positions: number;
}

/** f_j of one head: headDim / 2 numbers. */
export function inverseFrequencies(headDim: number, theta: number, scaling: RopeScaling): Float64Array {
  const plain = Float64Array.from({ length: headDim / 2 }, (_, j) => theta ** ((-2 * j) / headDim));
  switch (scaling.type) {
    case 'default':
      return plain;
    case 'linear':
      return plain.map((f) => f / scaling.factor);
    case 'llama3':
      return plain.map((f) => {
        const { factor, lowFreqFactor, highFreqFactor, originalMaxPositions } = scaling;
        const wavelength = (2 * Math.PI) / f;
        if (wavelength < originalMaxPositions / highFreqFactor) {
          return f;
        }
        if (wavelength > originalMaxPositions / lowFreqFactor) {
          return f / factor;
        }
        const kept = (originalMaxPositions / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
        return (1 - kept) * (f / factor) + kept * f;
      });
    case 'yarn': {
      const { factor, originalMaxPositions, betaFast, betaSlow, truncate } = scaling;
      // The dimension whose wave turns this many times within the original context.
      const dimensionOf = (turns: number) =>
        (headDim * Math.log(originalMaxPositions / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
      const low = Math.max(truncate ? Math.floor(dimensionOf(betaFast)) : dimensionOf(betaFast), 0);
      const top = truncate ? Math.ceil(dimensionOf(betaSlow)) : dimensionOf(betaSlow);
      let high = Math.min(top, headDim - 1);
      if (low === high) {
        high += 0.001;
      }
      return plain.map((f, j) => {
        const stretched = Math.min(Math.max((j - low) / (high - low), 0), 1);
        return (f / factor) * stretched + f * (1 - stretched);
      });
    }
  }
}

/** cos and sin of the first `positions` positions. */
export function ropeTables(
  config: Pick<DecoderConfig, 'headDim' | 'ropeTheta' | 'ropeScaling'>,
  positions: number,
): RopeTables {
  // float32 frequencies and angles, as the models were trained with: at position 100,000 it matters.
  const frequencies = Float32Array.from(
    inverseFrequencies(config.headDim, config.ropeTheta, config.ropeScaling),
  );
  const scale = config.ropeScaling.type === 'yarn' ? config.ropeScaling.attentionFactor : 1;
  const half = frequencies.length;
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let p = 0; p < positions; p++) {
    for (let j = 0; j < half; j++) {
      const angle = Math.fround(p * frequencies[j]!);
      cos[p * half + j] = Math.cos(angle) * scale;
      sin[p * half + j] = Math.sin(angle) * scale;
    }
  }
  return { cos, sin, positions };
}
