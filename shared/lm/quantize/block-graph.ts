/**
 * One block of a Llama-family decoder as an ONNX graph whose *weights are inputs*, so that one session serves all
 * blocks in turn, before and after their weights are quantised. For calibration; `decoder-graph.ts` serves.
 *
 * ```
 * hidden                        float32 [batch, length, hidden]     what the block reads
 * cos_cache, sin_cache          float32 [length, headDim / 2]
 * NAME.weight, NAME.bias        float32 as in the checkpoint, without `model.layers.N.`
 *   → tap.self_attn.qkv_proj, tap.self_attn.o_proj, tap.mlp.gate_up_proj, tap.mlp.down_proj
 *                               float32 [batch, length, features]   what goes into each linear layer
 *   → hidden_out                float32 [batch, length, hidden]     what the next block reads
 * ```
 *
 * Sequences begin at position 0, are all of one length and see everything before them, or a window.
 */
import { GraphBuilder } from '../../onnx/onnx-model.js';
import type { DecoderConfig } from '../model-config.js';

const microsoft = 'com.microsoft';

/** Names and shapes of the weights a block takes. */
export function blockWeights(config: DecoderConfig): Map<string, number[]> {
  const { hiddenSize, intermediateSize, nHead, nKvHead, headDim, qkvBias, outputBias, qkNorm } = config;
  const shapes = new Map<string, number[]>();
  const sizes = { q: nHead, k: nKvHead, v: nKvHead };
  for (const [part, heads] of Object.entries(sizes)) {
    shapes.set(`self_attn.${part}_proj.weight`, [heads * headDim, hiddenSize]);
    if (qkvBias) shapes.set(`self_attn.${part}_proj.bias`, [heads * headDim]);
  }
  shapes.set('self_attn.o_proj.weight', [hiddenSize, nHead * headDim]);
  if (outputBias) shapes.set('self_attn.o_proj.bias', [hiddenSize]);
  if (qkNorm) {
    shapes.set('self_attn.q_norm.weight', [headDim]);
    shapes.set('self_attn.k_norm.weight', [headDim]);
  }
  shapes.set('mlp.gate_proj.weight', [intermediateSize, hiddenSize]);
  shapes.set('mlp.up_proj.weight', [intermediateSize, hiddenSize]);
  shapes.set('mlp.down_proj.weight', [hiddenSize, intermediateSize]);
  shapes.set('input_layernorm.weight', [hiddenSize]);
  shapes.set('post_attention_layernorm.weight', [hiddenSize]);
  return shapes;
}

/** The encoded model; `slidingWindow` is that of the block it is for. */
export function buildBlockGraph(config: DecoderConfig, slidingWindow: number | null): Uint8Array {
  const { hiddenSize, nHead, nKvHead, headDim, rmsNormEps } = config;
  const graph = new GraphBuilder('decoder_block');
  const hidden = graph.input('hidden', 'float32', ['batch', 'length', hiddenSize]);
  const positions = graph.input('position_ids', 'int64', ['batch', 'length']);
  const lengths = graph.input('seqlens_k', 'int32', ['batch']);
  const total = graph.input('total_length', 'int32', [1]);
  const cos = graph.input('cos_cache', 'float32', ['positions', headDim / 2]);
  const sin = graph.input('sin_cache', 'float32', ['positions', headDim / 2]);
  const weights = blockWeights(config);
  for (const [name, shape] of weights) graph.input(name, 'float32', shape);

  const norm = (rows: string, name: string) =>
    graph.node('SimplifiedLayerNormalization', [rows, name], {
      attributes: { axis: -1, epsilon: { float: rmsNormEps }, stash_type: 1 },
    });
  const linear = (rows: string, name: string) => {
    const product = graph.node('FusedMatMul', [rows, `${name}.weight`], {
      domain: microsoft,
      attributes: { transA: 0, transB: 1, alpha: { float: 1 } },
    });
    return weights.has(`${name}.bias`) ? graph.node('Add', [product, `${name}.bias`]) : product;
  };
  const tap = (rows: string, name: string, features: number) => {
    graph.node('Identity', [rows], { outputs: [`tap.${name}`] });
    graph.output(`tap.${name}`, 'float32', ['batch', 'length', features]);
    return rows;
  };
  const heads = (rows: string, count: number, name: string) => {
    let prepared = rows;
    if (config.qkNorm) {
      const shape = (suffix: string, sizes: number[]) =>
        graph.initializer(`${name}.${suffix}`, 'int64', [sizes.length], BigInt64Array.from(sizes, BigInt));
      const split = graph.node('Reshape', [rows, shape('split', [0, 0, count, headDim])]);
      const normed = norm(split, `self_attn.${name}_norm.weight`);
      prepared = graph.node('Reshape', [normed, shape('joined', [0, 0, count * headDim])]);
    }
    return graph.node('RotaryEmbedding', [prepared, positions, cos, sin], {
      domain: microsoft,
      attributes: { num_heads: count, rotary_embedding_dim: 0, interleaved: 0 },
    });
  };

  const before = tap(norm(hidden, 'input_layernorm.weight'), 'self_attn.qkv_proj', hiddenSize);
  const attended = graph.node(
    'GroupQueryAttention',
    [
      heads(linear(before, 'self_attn.q_proj'), nHead, 'q'),
      heads(linear(before, 'self_attn.k_proj'), nKvHead, 'k'),
      linear(before, 'self_attn.v_proj'),
      '',
      '',
      lengths,
      total,
    ],
    {
      domain: microsoft,
      outputs: ['attended', 'present_key', 'present_value'],
      attributes: {
        num_heads: nHead,
        kv_num_heads: nKvHead,
        scale: { float: 1 / Math.sqrt(headDim) },
        ...(slidingWindow === null ? {} : { local_window_size: slidingWindow }),
      },
    },
  );
  const attention = linear(tap(attended, 'self_attn.o_proj', nHead * headDim), 'self_attn.o_proj');
  const middle = graph.node('Add', [hidden, attention]);
  const after = tap(norm(middle, 'post_attention_layernorm.weight'), 'mlp.gate_up_proj', hiddenSize);
  const activated = graph.node('QuickGelu', [linear(after, 'mlp.gate_proj')], {
    domain: microsoft,
    attributes: { alpha: { float: 1 } },
  });
  const product = graph.node('Mul', [activated, linear(after, 'mlp.up_proj')]);
  const fed = linear(tap(product, 'mlp.down_proj', config.intermediateSize), 'mlp.down_proj');
  graph.node('Add', [middle, fed], { outputs: ['hidden_out'] });
  graph.output('hidden_out', 'float32', ['batch', 'length', hiddenSize]);
  return graph.build();
}
