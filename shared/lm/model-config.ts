/**
 * What this project needs to know of a Llama-family decoder, by the field's names. `decoder-config.ts` reads it
 * from a checkpoint's `config.json`.
 */

/** Families whose `config.json` is understood (`model_type`). */
export const decoderFamilies = ['llama', 'mistral', 'qwen2', 'qwen3'] as const;
export type DecoderFamily = (typeof decoderFamilies)[number];

/** How rotary frequencies are stretched beyond the length a model was trained for. */
export type RopeScaling =
  | { type: 'default' }
  | { type: 'linear'; factor: number }
  | {
      type: 'llama3';
      factor: number;
      lowFreqFactor: number;
      highFreqFactor: number;
      originalMaxPositions: number;
    }
  | {
      type: 'yarn';
      factor: number;
      originalMaxPositions: number;
      betaFast: number;
      betaSlow: number;
      /** Multiplies cos and sin; already resolved from `attention_factor`, `mscale`, …. */
      attentionFactor: number;
      truncate: boolean;
    };

/** Weights as blocks of integers (see `quantized-tensor.ts`); absent for a plain checkpoint. */
export interface QuantizationConfig {
  /** Bits of the linear layers inside the decoder blocks. */
  bits: 4 | 8;
  /** Consecutive input features that share a scale: 32, 64 or 128. */
  blockSize: number;
  headBits: 4 | 8;
  /** `checkpoint`: the embedding keeps the checkpoint's precision; `head`: it is the tied head's own blocks. */
  embedding: 'checkpoint' | 'head';
  /** How the integers were chosen, e.g. `rtn`, `gptq`. */
  method: string;
}

export interface DecoderConfig {
  family: DecoderFamily;
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  nLayer: number;
  nHead: number;
  nKvHead: number;
  headDim: number;
  maxPositions: number;
  rmsNormEps: number;
  ropeTheta: number;
  ropeScaling: RopeScaling;
  /** Bias on the q, k and v projections (Qwen2, `attention_bias`). */
  qkvBias: boolean;
  /** Bias on the o projection (`attention_bias` of Llama). */
  outputBias: boolean;
  /** RMSNorm over each head of q and k (Qwen3). */
  qkNorm: boolean;
  /** Per layer: attention reaches this many positions back, itself included; null: all of them. */
  slidingWindow: readonly (number | null)[];
  tiedHead: boolean;
  bosTokenId: number | null;
  eosTokenIds: readonly number[];
  quantization: QuantizationConfig | null;
}
