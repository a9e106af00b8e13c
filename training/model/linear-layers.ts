/**
 * The linear layers of a decoder block, in the order they are computed. Layers over the same input are one matrix
 * (few large products instead of many small ones): their rows stand one after another, so that each Hugging Face
 * tensor is a contiguous slice of it.
 */
import type { DecoderConfig } from '../../shared/lm/model-config.js';

export interface LinearPart {
  /** Last piece of its Hugging Face name: `q_proj`, …. */
  name: string;
  /** Output features. */
  rows: number;
}

export interface LinearLayer {
  /** Below `model.layers.N`: `self_attn.qkv_proj`, `self_attn.o_proj`, `mlp.gate_up_proj`, `mlp.down_proj`. */
  name: string;
  /** `self_attn` or `mlp`, which its parts are below in a checkpoint. */
  module: string;
  /** Input features. */
  columns: number;
  parts: readonly LinearPart[];
  bias: boolean;
  /** Its output is added to the residual stream. */
  residual: boolean;
}

export function linearLayers(config: DecoderConfig): LinearLayer[] {
  const { hiddenSize, intermediateSize, nHead, nKvHead, headDim, qkvBias, outputBias } = config;
  const [query, keys] = [nHead * headDim, nKvHead * headDim];
  return [
    {
      name: 'self_attn.qkv_proj',
      module: 'self_attn',
      columns: hiddenSize,
      parts: [
        { name: 'q_proj', rows: query },
        { name: 'k_proj', rows: keys },
        { name: 'v_proj', rows: keys },
      ],
      bias: qkvBias,
      residual: false,
    },
    {
      name: 'self_attn.o_proj',
      module: 'self_attn',
      columns: query,
      parts: [{ name: 'o_proj', rows: hiddenSize }],
      bias: outputBias,
      residual: true,
    },
    {
      name: 'mlp.gate_up_proj',
      module: 'mlp',
      columns: hiddenSize,
      parts: [
        { name: 'gate_proj', rows: intermediateSize },
        { name: 'up_proj', rows: intermediateSize },
      ],
      bias: false,
      residual: false,
    },
    {
      name: 'mlp.down_proj',
      module: 'mlp',
      columns: intermediateSize,
      parts: [{ name: 'down_proj', rows: hiddenSize }],
      bias: false,
      residual: true,
    },
  ];
}

/** Output features of all parts. */
export function rowsOf({ parts }: Pick<LinearLayer, 'parts'>): number {
  return parts.reduce((sum, { rows }) => sum + rows, 0);
}
