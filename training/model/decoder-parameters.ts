/**
 * The trained tensors of a decoder: the one list that initialisation, checkpoints, the optimizer and the graph
 * share. Weights are `[out, in]`, as Hugging Face has them.
 *
 * Layers over the same input are one parameter (`qkv_proj`, `gate_up_proj`, see `linear-layers.ts`); `parts` says
 * which Hugging Face tensors its rows are.
 */
import { HaetaeError } from '../../shared/errors.js';
import type { DecoderConfig } from '../../shared/lm/model-config.js';
import { elementCount } from '../../shared/onnx/tensor-type.js';
import { linearLayers, rowsOf } from './linear-layers.js';

/** How a tensor begins; see `initialise-parameters.ts`. */
export type Initialisation =
  | { kind: 'normal'; std: number }
  /** Between −bound and bound. */
  | { kind: 'uniform'; bound: number }
  | { kind: 'ones' }
  | { kind: 'zeros' };

export interface DecoderParameter {
  /** Name in the training graph. */
  name: string;
  shape: readonly number[];
  /** Whether weight decay applies: to matrices, and neither to norms nor biases. */
  decay: boolean;
  /** Tensors of a checkpoint, one after another along the first axis; together they are the parameter. */
  parts: readonly { name: string; rows: number }[];
  init: Initialisation;
}

/** Standard deviation of initial weights (GPT-2, and `initializer_range` of the Llama family). */
const initialStd = 0.02;

/**
 * In the order of the forward pass. Weights begin normal with a deviation of 0.02, those whose output is added to
 * the residual stream with 0.02 / √(2 · nLayer) (Radford et al. 2019, §2.3), norms with ones, biases with zeros.
 * @throws HaetaeError MODEL_UNSUPPORTED where the weights are quantised
 */
export function decoderParameters(config: DecoderConfig): DecoderParameter[] {
  const { vocabSize, hiddenSize, nLayer, headDim, qkNorm, tiedHead } = config;
  if (config.quantization) {
    const { bits, method } = config.quantization;
    throw new HaetaeError(
      'MODEL_UNSUPPORTED',
      `The model is quantised (${method}, ${bits} bits), and integers cannot be trained. Start from the original checkpoint.`,
    );
  }
  const embedding = matrix('model.embed_tokens.weight', [vocabSize, hiddenSize], initialStd);
  const parameters = [embedding];
  const residualStd = initialStd / Math.sqrt(2 * nLayer);
  for (let n = 0; n < nLayer; n++) {
    const layer = `model.layers.${n}`;
    const linears = linearLayers(config).map((linear) => {
      const parts = linear.parts.map(({ name, rows }) => ({
        name: `${layer}.${linear.module}.${name}`,
        rows,
      }));
      const named = (suffix: string) => parts.map(({ name, rows }) => ({ name: name + suffix, rows }));
      const weight = matrix(
        `${layer}.${linear.name}.weight`,
        [rowsOf(linear), linear.columns],
        linear.residual ? residualStd : initialStd,
        named('.weight'),
      );
      if (!linear.bias) return [weight];
      const bias = vector(`${layer}.${linear.name}.bias`, rowsOf(linear), 'zeros', named('.bias'));
      return [weight, bias];
    });
    const [qkv, output, gateUp, down] = linears as [
      DecoderParameter[],
      DecoderParameter[],
      DecoderParameter[],
      DecoderParameter[],
    ];
    parameters.push(vector(`${layer}.input_layernorm.weight`, hiddenSize, 'ones'), ...qkv);
    if (qkNorm) {
      parameters.push(vector(`${layer}.self_attn.q_norm.weight`, headDim, 'ones'));
      parameters.push(vector(`${layer}.self_attn.k_norm.weight`, headDim, 'ones'));
    }
    parameters.push(...output, vector(`${layer}.post_attention_layernorm.weight`, hiddenSize, 'ones'));
    parameters.push(...gateUp, ...down);
  }
  parameters.push(vector('model.norm.weight', hiddenSize, 'ones'));
  if (!tiedHead) parameters.push(matrix('lm_head.weight', [vocabSize, hiddenSize], initialStd));
  return parameters;
}

/** Name of the matrix that logits are computed with. */
export function headParameter({ tiedHead }: Pick<DecoderConfig, 'tiedHead'>): string {
  return tiedHead ? 'model.embed_tokens.weight' : 'lm_head.weight';
}

/** Trained numbers; a tied head counts once. */
export function parameterCount(parameters: readonly { shape: readonly number[] }[]): number {
  return parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);
}

function matrix(
  name: string,
  shape: readonly [rows: number, columns: number],
  std: number,
  parts: DecoderParameter['parts'] = [{ name, rows: shape[0] }],
): DecoderParameter {
  return { name, shape, decay: true, parts, init: { kind: 'normal', std } };
}

function vector(
  name: string,
  size: number,
  kind: 'ones' | 'zeros',
  parts: DecoderParameter['parts'] = [{ name, rows: size }],
): DecoderParameter {
  return { name, shape: [size], decay: false, parts, init: { kind } };
}
