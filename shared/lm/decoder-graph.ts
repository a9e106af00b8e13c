/**
 * The ONNX graph of a Llama-family decoder, from its configuration and the places of its weights in a checkpoint.
 * Nothing is copied: weights are external data, by offset into the safetensors files.
 *
 * ```
 * input_ids                         int64    [rows, tokens]
 * cos_cache, sin_cache              float32  [positions, headDim / 2]
 * logits_idx                        int64    [wanted]           of the rows · tokens ones
 * targets                           int64    [wanted, 1], or [0, 1]: no log-probabilities
 *   → logits                        float32  [wanted, vocabulary]
 *   → logprobs                      float32  [targets, 1]       natural
 *   → tap.NAME                      float32  [rows, tokens, features]   what goes into the linear layer NAME
 *
 * with the operators of ONNX Runtime:
 * position_ids                      int64    [rows, tokens]
 * seqlens_k                         int32    [rows]             positions in use after this step, less one
 * total_length                      int32    [1]                the largest of those, plus one
 * attn_bias                         float32  [1, 1, tokens, total_length], or empty: none
 * past_key_values.N.key, .value     float32  [rows, kvHead, capacity, headDim]
 *   → new.N.key, .value             float32  [rows, tokens, kvHead · headDim]
 *
 * with those of our addon (`native/lm`):
 * slots, past, fresh                int32    [rows]             where a row is, what it holds, what is new
 * visible_from                      int32    [rows, tokens]     where the token's branch begins
 * past_key_values.N.key, .value     float32  [slots, kvHead, capacity, headDim]        written to
 * ```
 *
 * One graph serves prefill (one row, or several that start empty, padded on the right), decode (one token for each
 * row, of any lengths) and branches. The common runtime copies every output, hence `new.…`, never the whole cache.
 *
 * What only branches (the bias: 3 % of a prefill) and scoring (the sum over the vocabulary: 3 % of a decode step) need
 * stands in branches of `If`, whose own cost was not measurable; a second session would keep packed weights twice.
 *
 * A half-precision weight is widened once, when the session is opened (the Cast is folded); the embedding stays as
 * it is, gathered first.
 */
import { HaetaeError } from '../errors.js';
import { GraphBuilder, type NodeOptions } from '../onnx/onnx-model.js';
import { tensorTypes } from '../onnx/tensor-type.js';
import type { Checkpoint } from './checkpoint.js';
import { GraphWeights } from './graph-weights.js';
import type { DecoderConfig, QuantizationConfig } from './model-config.js';

/** Whose operators compute attention, quantised layers and SwiGLU: ONNX Runtime's own, or those of our addon. */
export type KernelDomain = 'com.microsoft' | 'haetae';

export interface DecoderGraphOptions {
  /** Default: the runtime's own. */
  kernelDomain?: KernelDomain;
  /** Linear layers, as `model.layers.0.self_attn.qkv_proj` or `lm_head`, whose input becomes an output. */
  taps?: readonly string[];
}

/** What sizes of heads the attention operators take. */
export const headMultiple: Readonly<Record<KernelDomain, number>> = { 'com.microsoft': 8, haetae: 16 };

const microsoft = 'com.microsoft';
const float32 = tensorTypes.float32.onnx;
const kinds = ['key', 'value'] as const;

/**
 * The encoded model.
 * @throws HaetaeError MODEL_INVALID where a weight is missing or has the wrong shape, MODEL_UNSUPPORTED where heads
 * have a size that the attention operators do not take
 */
export function buildDecoderGraph(
  config: DecoderConfig,
  checkpoint: Checkpoint,
  options: DecoderGraphOptions = {},
): Uint8Array {
  const multiple = headMultiple[options.kernelDomain ?? microsoft];
  if (config.headDim % multiple !== 0) {
    throw new HaetaeError(
      'MODEL_UNSUPPORTED',
      `config.json of ${checkpoint.folder} says head_dim: ${config.headDim}; supported: multiples of ${multiple}.` +
        ' Choose a model of a supported kind.',
      { path: checkpoint.folder, field: 'head_dim', value: config.headDim },
    );
  }
  return new DecoderGraph(config, checkpoint, options).build();
}

/** Names of the linear layers of a decoder, as `taps` takes them, in the order of computation. */
export function linearLayerNames(config: Pick<DecoderConfig, 'nLayer'>): string[] {
  const layers = Array.from({ length: config.nLayer }, (_, layer) =>
    ['self_attn.qkv_proj', 'self_attn.o_proj', 'mlp.gate_up_proj', 'mlp.down_proj'].map(
      (name) => `model.layers.${layer}.${name}`,
    ),
  );
  return [...layers.flat(), 'lm_head'];
}

class DecoderGraph {
  readonly #graph = new GraphBuilder('decoder');
  readonly #config: DecoderConfig;
  readonly #checkpoint: Checkpoint;
  readonly #weights: GraphWeights;
  readonly #kernelDomain: KernelDomain;
  readonly #taps: Set<string>;
  #isBiased = '';

  constructor(config: DecoderConfig, checkpoint: Checkpoint, options: DecoderGraphOptions) {
    this.#config = config;
    this.#checkpoint = checkpoint;
    this.#weights = new GraphWeights(this.#graph, checkpoint);
    this.#kernelDomain = options.kernelDomain ?? microsoft;
    this.#taps = new Set(options.taps);
  }

  build(): Uint8Array {
    const graph = this.#graph;
    const { nLayer, hiddenSize, headDim } = this.#config;
    const isNative = this.#kernelDomain === 'haetae';
    const ids = graph.input('input_ids', 'int64', ['rows', 'tokens']);
    graph.input('cos_cache', 'float32', ['positions', headDim / 2]);
    graph.input('sin_cache', 'float32', ['positions', headDim / 2]);
    if (isNative) {
      for (const name of ['slots', 'past', 'fresh']) {
        graph.input(name, 'int32', ['rows']);
      }
      graph.input('visible_from', 'int32', ['rows', 'tokens']);
    } else {
      graph.input('position_ids', 'int64', ['rows', 'tokens']);
      graph.input('seqlens_k', 'int32', ['rows']);
      graph.input('total_length', 'int32', [1]);
      const bias = graph.input('attn_bias', 'float32', [1, 1, 'queries', 'keys']);
      this.#isBiased = this.#isNotEmpty(bias);
    }

    let residual = this.#embed(ids); // [rows, tokens, hidden], and so all further on
    let normed = graph.node(
      'SimplifiedLayerNormalization',
      [residual, this.#norm('model.layers.0.input_layernorm')],
      {
        attributes: { axis: -1, epsilon: { float: this.#config.rmsNormEps }, stash_type: 1 },
      },
    );
    for (let layer = 0; layer < nLayer; layer++) {
      const name = `model.layers.${layer}`;
      const attended = isNative ? this.#nativeAttention(layer, normed) : this.#attention(layer, normed);
      [normed, residual] = this.#addAndNorm(residual, attended, `${name}.post_attention_layernorm`);
      const fed = this.#feedForward(name, normed);
      const next = layer + 1 < nLayer ? `model.layers.${layer + 1}.input_layernorm` : 'model.norm';
      [normed, residual] = this.#addAndNorm(residual, fed, next);
    }
    const flat = graph.node('Reshape', [normed, this.#weights.integers('flat', [-1, hiddenSize])]);
    const wanted = graph.node('Gather', [flat, graph.input('logits_idx', 'int64', ['wanted'])]);
    this.#head(wanted);
    for (const name of this.#taps) {
      throw new Error(`the decoder has no linear layer "${name}" to tap`);
    }
    return graph.build();
  }

  #embed(ids: string): string {
    const { vocabSize, hiddenSize, quantization } = this.#config;
    if (quantization?.embedding === 'head') {
      const { headBits: bits, blockSize } = quantization;
      const { qweight, scales } = this.#weights.quantized(
        'lm_head',
        vocabSize,
        hiddenSize,
        quantization,
        bits,
        'embedding',
      );
      return this.#graph.node('GatherBlockQuantized', [qweight, ids, scales], {
        domain: microsoft,
        attributes: { bits, block_size: blockSize, gather_axis: 0, quantize_axis: 1 },
      });
    }
    const name = 'model.embed_tokens.weight';
    const rows = this.#graph.node('Gather', [this.#weights.stored(name, [vocabSize, hiddenSize]), ids]);
    return this.#checkpoint.tensor(name).type === 'float32' ? rows : this.#weights.widen(rows);
  }

  #attention(layer: number, normed: string): string {
    const graph = this.#graph;
    const { hiddenSize, nHead, nKvHead, headDim, qkvBias, qkNorm, slidingWindow } = this.#config;
    const name = `model.layers.${layer}.self_attn`;
    const sizes = [nHead, nKvHead, nKvHead].map((heads) => heads * headDim);
    const parts = ['q_proj', 'k_proj', 'v_proj'];
    let [query, key, value] = this.#linears(
      `${name}.qkv_proj`,
      normed,
      parts,
      sizes,
      hiddenSize,
      qkvBias,
    ) as [string, string, string];
    if (qkNorm) {
      query = this.#headNorm(query, nHead, `${name}.q_norm`);
      key = this.#headNorm(key, nKvHead, `${name}.k_norm`);
    }
    query = this.#rotate(query, nHead);
    key = this.#rotate(key, nKvHead);
    const past = this.#past(layer, 'rows');
    const window = slidingWindow[layer];
    const attributes = {
      num_heads: nHead,
      kv_num_heads: nKvHead,
      scale: { float: 1 / Math.sqrt(headDim) },
      ...(typeof window === 'number' ? { local_window_size: window } : {}),
    };
    const attend = (inner: GraphBuilder, bias: string) => {
      const inputs = [query, key, value, ...past, 'seqlens_k', 'total_length', '', '', '', bias];
      const outputs = ['output', ...kinds].map((it) => `${inner.name}.${it}`);
      inner.node('GroupQueryAttention', inputs, { domain: microsoft, outputs, attributes });
      inner.output(outputs[0]!, 'float32', ['rows', 'tokens', nHead * headDim]);
    };
    const attended = this.#either(
      this.#isBiased,
      `${name}.output`,
      (inner) => attend(inner, 'attn_bias'),
      (inner) => attend(inner, ''),
    );
    for (const [kind, rows] of Object.entries({ key, value })) {
      graph.node('Identity', [rows], { outputs: [`new.${layer}.${kind}`] });
      graph.output(`new.${layer}.${kind}`, 'float32', ['rows', 'tokens', nKvHead * headDim]);
    }
    return this.#outputProjection(name, attended);
  }

  /** Norms, rotation, the cache and attention in one operator, over q, k and v as they come, put together. */
  #nativeAttention(layer: number, normed: string): string {
    const { nHead, nKvHead, headDim, qkNorm, slidingWindow, rmsNormEps } = this.#config;
    const name = `model.layers.${layer}.self_attn`;
    const past = this.#past(layer, 'slots');
    const inputs = [this.#fusedProjections(name, normed), ...past, 'slots', 'past', 'fresh', 'visible_from'];
    inputs.push('cos_cache', 'sin_cache');
    if (qkNorm) {
      inputs.push(this.#norm(`${name}.q_norm`, headDim), this.#norm(`${name}.k_norm`, headDim));
    }
    const attended = this.#graph.node('CachedAttention', inputs, {
      domain: this.#kernelDomain,
      attributes: {
        num_heads: nHead,
        kv_num_heads: nKvHead,
        local_window_size: slidingWindow[layer] ?? 0,
        scale: { float: 1 / Math.sqrt(headDim) },
        epsilon: { float: rmsNormEps },
      },
    });
    return this.#outputProjection(name, attended);
  }

  #fusedProjections(name: string, normed: string): string {
    const { nHead, nKvHead, headDim, hiddenSize, qkvBias, quantization } = this.#config;
    const sizes = [nHead, nKvHead, nKvHead].map((heads) => heads * headDim);
    if (quantization) {
      return this.#quantizedLinear(`${name}.qkv_proj`, normed, sizes, hiddenSize, qkvBias, quantization);
    }
    const parts = ['q_proj', 'k_proj', 'v_proj'];
    const rows = this.#linears(`${name}.qkv_proj`, normed, parts, sizes, hiddenSize, qkvBias);
    return this.#graph.node('Concat', rows, { attributes: { axis: -1 } });
  }

  /** Keys and values of a layer. */
  #past(layer: number, first: 'rows' | 'slots'): string[] {
    const { nKvHead, headDim } = this.#config;
    return kinds.map((kind) =>
      this.#graph.input(`past_key_values.${layer}.${kind}`, 'float32', [first, nKvHead, 'capacity', headDim]),
    );
  }

  #outputProjection(name: string, attended: string): string {
    const { hiddenSize, nHead, headDim, outputBias } = this.#config;
    const [output] = this.#linears(
      `${name}.o_proj`,
      attended,
      ['o_proj'],
      [hiddenSize],
      nHead * headDim,
      outputBias,
    );
    return output!;
  }

  /** SwiGLU: down(silu(gate(x)) ⊙ up(x)). */
  #feedForward(layer: string, normed: string): string {
    const { hiddenSize, intermediateSize, quantization } = this.#config;
    const fused = `${layer}.mlp.gate_up_proj`;
    let product: string;
    const sizes = [intermediateSize, intermediateSize];
    if (quantization && this.#kernelDomain === 'haetae') {
      const both = this.#quantizedLinear(fused, normed, sizes, hiddenSize, false, quantization);
      product = this.#graph.node('SwiGLU', [both], { domain: this.#kernelDomain });
    } else {
      const parts = ['gate_proj', 'up_proj'];
      const [gate, up] = this.#linears(fused, normed, parts, sizes, hiddenSize, false);
      // QuickGelu with α = 1 is silu in one kernel.
      const activated = this.#graph.node('QuickGelu', [gate!], {
        domain: microsoft,
        attributes: { alpha: { float: 1 } },
      });
      product = this.#graph.node('Mul', [activated, up!]);
    }
    const name = `${layer}.mlp.down_proj`;
    return this.#linears(name, product, ['down_proj'], [hiddenSize], intermediateSize, false)[0]!;
  }

  #head(wanted: string): void {
    const graph = this.#graph;
    const { vocabSize, hiddenSize, tiedHead, quantization } = this.#config;
    this.#tap('lm_head', wanted, ['wanted', hiddenSize]);
    if (quantization) {
      this.#matMulNBits(
        'lm_head',
        wanted,
        vocabSize,
        hiddenSize,
        quantization,
        quantization.headBits,
        '',
        'logits',
      );
    } else {
      const name = tiedHead ? 'model.embed_tokens.weight' : 'lm_head.weight';
      this.#matMul(wanted, this.#weights.float(name, [vocabSize, hiddenSize]), { outputs: ['logits'] });
    }
    graph.output('logits', 'float32', ['wanted', vocabSize]);
    const targets = graph.input('targets', 'int64', ['targets', 1]);
    this.#either(
      this.#isNotEmpty(targets),
      'logprobs',
      (inner) => {
        const logSum = inner.node('ReduceLogSumExp', ['logits', this.#weights.integers('last_axis', [-1])]);
        const chosen = inner.node('GatherElements', ['logits', targets], { attributes: { axis: -1 } });
        inner.output(inner.node('Sub', [chosen, logSum]), 'float32', ['targets', 1]);
      },
      (inner) => {
        inner.output(inner.node('Cast', [targets], { attributes: { to: float32 } }), 'float32', [
          'targets',
          1,
        ]);
      },
    );
    graph.output('logprobs', 'float32', ['targets', 1]);
  }

  /** residual + addend, and its RMSNorm: [normed, residual]. */
  #addAndNorm(residual: string, addend: string, norm: string): [normed: string, residual: string] {
    const [normed, sum] = [`${norm}.output`, `${norm}.residual`];
    const isNative = this.#kernelDomain === 'haetae';
    const operator = isNative ? 'AddRmsNorm' : 'SkipSimplifiedLayerNormalization';
    this.#graph.node(operator, [residual, addend, this.#norm(norm)], {
      domain: this.#kernelDomain,
      outputs: isNative ? [normed, sum] : [normed, '', '', sum],
      attributes: { epsilon: { float: this.#config.rmsNormEps } },
    });
    return [normed, sum];
  }

  /** RMSNorm over each head of [batch, length, heads · headDim]. */
  #headNorm(rows: string, heads: number, name: string): string {
    const { headDim, rmsNormEps } = this.#config;
    const split = this.#graph.node('Reshape', [
      rows,
      this.#weights.integers(`heads_${heads}`, [0, 0, heads, headDim]),
    ]);
    const normed = this.#graph.node('SimplifiedLayerNormalization', [split, this.#norm(name, headDim)], {
      attributes: { axis: -1, epsilon: { float: rmsNormEps }, stash_type: 1 },
    });
    return this.#graph.node('Reshape', [
      normed,
      this.#weights.integers(`rows_${heads}`, [0, 0, heads * headDim]),
    ]);
  }

  #rotate(rows: string, heads: number): string {
    return this.#graph.node('RotaryEmbedding', [rows, 'position_ids', 'cos_cache', 'sin_cache'], {
      domain: microsoft,
      // With a rotary dimension of 0 the kernel takes the size of a head from the tables.
      attributes: { num_heads: heads, rotary_embedding_dim: 0, interleaved: 0 },
    });
  }

  /**
   * Linear layers over the same input, `[…, inputSize] → […, sizes[i]]` each. In a quantised checkpoint they are
   * one layer, `fused`, whose output is split.
   */
  #linears(
    fused: string,
    input: string,
    parts: readonly string[],
    sizes: readonly number[],
    inputSize: number,
    bias: boolean,
  ): string[] {
    const graph = this.#graph;
    const { quantization } = this.#config;
    const prefix = fused.slice(0, fused.lastIndexOf('.') + 1);
    if (!quantization) {
      this.#tap(fused, input, ['rows', 'tokens', inputSize]);
      return parts.map((part, i) => {
        const weight = this.#weights.float(`${prefix}${part}.weight`, [sizes[i]!, inputSize]);
        const product = this.#matMul(input, weight);
        return bias
          ? graph.node('Add', [product, this.#weights.float(`${prefix}${part}.bias`, [sizes[i]!])])
          : product;
      });
    }
    const product = this.#quantizedLinear(fused, input, sizes, inputSize, bias, quantization);
    if (sizes.length === 1) {
      return [product];
    }
    const outputs = parts.map((part) => `${prefix}${part}.output`);
    graph.node('Split', [product, this.#weights.integers(`split_${sizes.join('_')}`, sizes)], {
      outputs,
      attributes: { axis: -1 },
    });
    return outputs;
  }

  /** `[…, inputSize] → […, Σ sizes]` */
  #quantizedLinear(
    name: string,
    input: string,
    sizes: readonly number[],
    inputSize: number,
    bias: boolean,
    quantization: QuantizationConfig,
  ): string {
    this.#tap(name, input, ['rows', 'tokens', inputSize]);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const added = bias ? this.#weights.float(`${name}.bias`, [total]) : '';
    return this.#matMulNBits(name, input, total, inputSize, quantization, quantization.bits, added);
  }

  #matMul(input: string, weight: string, options: NodeOptions = {}): string {
    return this.#graph.node('FusedMatMul', [input, weight], {
      ...options,
      domain: microsoft,
      attributes: { transA: 0, transB: 1, alpha: { float: 1 } },
    });
  }

  /** Accuracy level 4 (int8 activations): the others are at least twice as slow (8 bits: sixty times). */
  #matMulNBits(
    name: string,
    input: string,
    n: number,
    k: number,
    quantization: QuantizationConfig,
    bits: 4 | 8,
    bias: string,
    output?: string,
  ): string {
    const { qweight, scales } = this.#weights.quantized(name, n, k, quantization, bits);
    const inputs = bias ? [input, qweight, scales, '', '', bias] : [input, qweight, scales];
    return this.#graph.node('MatMulNBits', inputs, {
      domain: this.#kernelDomain,
      ...(output === undefined ? {} : { outputs: [output] }),
      attributes: { K: k, N: n, bits, block_size: quantization.blockSize, accuracy_level: 4 },
    });
  }

  #isNotEmpty(value: string): string {
    return this.#graph.node('Cast', [this.#graph.node('Size', [value])], {
      attributes: { to: tensorTypes.bool.onnx },
    });
  }

  /** An `If` of two graphs with one output each. */
  #either(
    condition: string,
    output: string,
    then: (inner: GraphBuilder) => void,
    otherwise: (inner: GraphBuilder) => void,
  ): string {
    const whole = this.#graph.subgraph(`${output}.then`);
    const other = this.#graph.subgraph(`${output}.else`);
    then(whole);
    otherwise(other);
    return this.#graph.node('If', [condition], {
      outputs: [output],
      attributes: { then_branch: { graph: whole }, else_branch: { graph: other } },
    });
  }

  #norm(name: string, size = this.#config.hiddenSize): string {
    return this.#weights.float(`${name}.weight`, [size]);
  }

  #tap(name: string, input: string, shape: readonly (string | number)[]): void {
    if (this.#taps.delete(name)) {
      this.#graph.node('Identity', [input], { outputs: [`tap.${name}`] });
      this.#graph.output(`tap.${name}`, 'float32', shape);
    }
  }
}
