/**
 * The forward pass of a Llama-family decoder as a training graph, from token ids to the states after the last norm:
 * the same layers, names and rotary tables as the student runtime's (`shared/lm/decoder-graph.ts`).
 *
 * ```
 * x = E[ids]                                                   T = rows · length
 * for each layer:   x += o(attention(qkv(norm(x))))            x += down(silu(gate(norm(x))) ⊙ up(norm(x)))
 * hidden = norm(x)                                             [T, hiddenSize]
 * ```
 */
import { HaetaeError } from '../../shared/errors.js';
import type { DecoderConfig } from '../../shared/lm/model-config.js';
import { ropeTables } from '../../shared/lm/rope.js';
import { concat, gatherRows, pad, reshape, split, zeros } from '../autodiff/expressions.js';
import type { Tape } from '../autodiff/tape.js';
import type { Variable } from '../autodiff/variable.js';
import { CausalAttention } from '../blocks/causal-attention.js';
import { type LinearAdapter, linear } from '../blocks/linear.js';
import { rmsNorm } from '../blocks/rms-norm.js';
import { rotationTables } from '../blocks/rope.js';
import { gatedSilu } from '../blocks/swiglu.js';
import { type LinearLayer, linearLayers } from './linear-layers.js';
import { type LoraConfig, loraA, loraB, loraPartsOf, loraScale } from './lora.js';

export interface BatchShape {
  rows: number;
  /** Positions of a row. */
  length: number;
}

export interface LoraAdapters {
  config: LoraConfig;
  /** The variable of each of `loraParameters`, by name. */
  weights: (name: string) => Variable;
}

/**
 * States `[rows · length, hiddenSize]` after the last norm.
 * @param weights the variable of each of `decoderParameters`, by name: parameters of the tape, or inputs where frozen
 * @param ids int64 `[rows · length]`
 * @param visibleFrom int32 `[rows, length]`: index in its row of the first position a token sees
 * @param lora adapters of the linear layers
 * @param at int64 `[n]`: positions whose states are wanted, default all; `[n, hiddenSize]` come out, and what is behind
 * the last attention is computed for them alone
 * @throws HaetaeError CONFIG_INVALID where rows are longer than the model's positions
 */
export function decoderHidden(
  tape: Tape,
  config: DecoderConfig,
  { rows, length }: BatchShape,
  weights: (name: string) => Variable,
  ids: Variable,
  visibleFrom: Variable,
  lora?: LoraAdapters,
  at?: Variable,
): Variable {
  const { nLayer, rmsNormEps, slidingWindow, maxPositions } = config;
  if (length > maxPositions) {
    throw new HaetaeError(
      'CONFIG_INVALID',
      `Rows of ${length} tokens do not fit a model of ${maxPositions} positions. Choose shorter rows.`,
      { length, maxPositions },
    );
  }
  const tables = rotationTables(tape, ropeTables(config, length));
  const attention = new CausalAttention(tape, { rows, length, visibleFrom, tables }, config);
  const norm = (x: Variable, name: string) => rmsNorm(tape, x, weights(`${name}.weight`), rmsNormEps);
  const [qkvLayer, outputLayer, gateUpLayer, downLayer] = linearLayers(config) as [
    LinearLayer,
    LinearLayer,
    LinearLayer,
    LinearLayer,
  ];
  let x = gatherRows(tape, weights('model.embed_tokens.weight'), ids);
  for (let n = 0; n < nLayer; n++) {
    const layer = `model.layers.${n}`;
    const project = (input: Variable, linearLayer: LinearLayer, residual: Variable | null = null) => {
      const name = `${layer}.${linearLayer.name}`;
      return linear(tape, input, weights(`${name}.weight`), {
        bias: linearLayer.bias ? weights(`${name}.bias`) : null,
        residual,
        adapter: lora ? adapterOf(tape, layer, linearLayer, lora) : null,
      });
    };
    let qkv = project(norm(x, `${layer}.input_layernorm`), qkvLayer);
    if (config.qkNorm) qkv = normHeads(tape, config, qkv, norm, `${layer}.self_attn`);
    let attended = attention.attend(qkv, slidingWindow[n] ?? null);
    if (at && n === nLayer - 1) [attended, x] = [gatherRows(tape, attended, at), gatherRows(tape, x, at)];
    x = project(attended, outputLayer, x);
    const gateUp = project(norm(x, `${layer}.post_attention_layernorm`), gateUpLayer);
    x = project(gatedSilu(tape, gateUp), downLayer, x);
  }
  return norm(x, 'model.norm');
}

/** RMSNorm over each head of q and of k (Qwen3). */
function normHeads(
  tape: Tape,
  { nHead, nKvHead, headDim }: DecoderConfig,
  qkv: Variable,
  norm: (x: Variable, name: string) => Variable,
  attention: string,
): Variable {
  const tokens = qkv.shape[0]!;
  const sizes = [nHead, nKvHead, nKvHead].map((heads) => heads * headDim);
  const [query, key, value] = split(tape, qkv, 1, sizes) as [Variable, Variable, Variable];
  const normed = (x: Variable, name: string) => {
    const heads = reshape(tape, x, [(tokens * x.shape[1]!) / headDim, headDim]);
    return reshape(tape, norm(heads, `${attention}.${name}`), x.shape);
  };
  return concat(tape, [normed(query, 'q_norm'), normed(key, 'k_norm'), value], 1);
}

/**
 * The adapters of a layer's parts as one: their A below one another, and B block by block along the diagonal, so that
 * all are two products. (The blocks are small; the outputs that would have to be put together are not.)
 */
function adapterOf(
  tape: Tape,
  layer: string,
  linearLayer: LinearLayer,
  { config, weights }: LoraAdapters,
): LinearAdapter | null {
  const adapted = loraPartsOf(linearLayer, config);
  if (adapted.length === 0) return null;
  const { r } = config;
  const blocks = linearLayer.parts.map((part) => {
    const at = adapted.indexOf(part);
    if (at < 0) return zeros(tape, [part.rows, adapted.length * r]);
    const b = weights(loraB(`${layer}.${linearLayer.module}.${part.name}`));
    return pad(tape, b, 1, at * r, (adapted.length - at - 1) * r);
  });
  return {
    a: weights(loraA(`${layer}.${linearLayer.name}`)),
    b: concat(tape, blocks, 0),
    scale: loraScale(config),
  };
}
