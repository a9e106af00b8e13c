/**
 * How integer weights lie in a quantised model folder: the layout of ONNX Runtime's `MatMulNBits`, symmetric.
 *
 * A linear layer `NAME.weight` of shape `[N, K]` (y = x Wᵀ) becomes two tensors of `model.safetensors`:
 *
 *   NAME.qweight   U8  [N, K/block, block·bits/8]   4 bits: byte i of a block holds elements 2i (low) and 2i+1 (high)
 *   NAME.scales    F32 [N, K/block]
 *
 *   w[n, k] = (q − 2^(bits−1)) · scale[n, k / block]
 *
 * q, k and v are stored as one layer `…self_attn.qkv_proj`, gate and up as one `…mlp.gate_up_proj`, rows put
 * together in that order; a bias stays float32 as `NAME.bias`. The head is `lm_head`, also where it was tied. With
 * `embedding: 'checkpoint'` the embedding keeps its name and precision; with `'head'` there is none, and rows of
 * the head are gathered instead. Norm weights are float32. `config.json` is the checkpoint's own, plus
 * `quantization_config` (`quantizationKey`).
 */
import type { QuantizationConfig } from './model-config.js';

/** `quant_method` in `quantization_config` of `config.json`; any other method is not supported. */
export const quantMethod = 'haetae';

/** `quantization_config` as it stands in `config.json`. */
export interface QuantizationJson {
  quant_method: typeof quantMethod;
  bits: QuantizationConfig['bits'];
  block_size: number;
  head_bits: QuantizationConfig['headBits'];
  embedding: QuantizationConfig['embedding'];
  method: string;
}

export const blockSizes = [32, 64, 128] as const;

/** Bytes of `qweight` and `scales` of a layer. */
export function quantizedBytes(n: number, k: number, bits: 4 | 8, block: number): number {
  return (n * k * bits) / 8 + ((n * k) / block) * 4;
}

/** Shapes of `qweight` and `scales`. */
export function quantizedShapes(
  n: number,
  k: number,
  bits: 4 | 8,
  block: number,
): { qweight: [number, number, number]; scales: [number, number] } {
  return { qweight: [n, k / block, (block * bits) / 8], scales: [n, k / block] };
}
