/**
 * Gradients of `train` against finite differences: of a whole small decoder, with and without adapters, and of each
 * block with a backward of its own, as every kernel set computes them.
 */
import type { TensorValue } from '../shared/onnx/session.js';
import { elementCount } from '../shared/onnx/tensor-type.js';
import { seededRandom } from '../shared/random.js';
import { mul, reduceSum } from '../training/autodiff/expressions.js';
import { checkGradients } from '../training/autodiff/gradient-check.js';
import type { Tape, TrainingKernels } from '../training/autodiff/tape.js';
import type { Variable } from '../training/autodiff/variable.js';
import { CausalAttention } from '../training/blocks/causal-attention.js';
import { infoNce } from '../training/blocks/info-nce.js';
import { linear } from '../training/blocks/linear.js';
import { headLogits, linearCrossEntropy } from '../training/blocks/linear-cross-entropy.js';
import { linearDivergence } from '../training/blocks/linear-divergence.js';
import { rmsNorm } from '../training/blocks/rms-norm.js';
import { rotationTables } from '../training/blocks/rope.js';
import { gatedSilu } from '../training/blocks/swiglu.js';
import { divergenceKinds } from '../training/losses/divergence-kind.js';
import { decoderHidden } from '../training/model/decoder.js';
import { decoderParameters, headParameter } from '../training/model/decoder-parameters.js';
import { llamaConfig } from '../training/model/llama-config.js';
import { loraConfig, loraParameters } from '../training/model/lora.js';
import { ropeTables } from '../shared/lm/rope.js';

export interface GradientError {
  /** What was checked. */
  name: string;
  kernels: TrainingKernels;
  /** As `checkGradients` counts it. */
  worst: number;
  worstParameter: string;
}

type Draw = (shape: readonly number[], centre?: number) => Float32Array;

/** The graph under test: `parameter` declares and fills one. */
interface Bench {
  tape: Tape;
  parameter: (name: string, shape: readonly number[], centre?: number) => Variable;
  input: (name: string, shape: readonly number[], value: TensorValue['data']) => Variable;
}

const [rows, length, vocabSize, hidden] = [2, 12, 40, 32];
const tokens = rows * length;
const decoder = llamaConfig({
  vocabSize,
  hiddenSize: hidden,
  nLayer: 2,
  nHead: 2,
  nKvHead: 1,
  intermediateSize: 48,
});

const checks: Readonly<Record<string, (bench: Bench) => Variable>> = {
  decoder: (bench) => decoderLoss(bench, false),
  'decoder, untied': (bench) => decoderLoss(bench, false, { ...decoder, tiedHead: false }),
  'decoder with adapters': (bench) => decoderLoss(bench, true),
  rmsNorm: (bench) =>
    weighted(bench, rmsNorm(bench.tape, bench.parameter('x', [6, 32]), bench.parameter('w', [32], 1), 1e-5)),
  gatedSilu: (bench) => weighted(bench, gatedSilu(bench.tape, bench.parameter('gateUp', [6, 48]))),
  linear: (bench) => {
    const adapter = { a: bench.parameter('a', [4, 24]), b: bench.parameter('b', [16, 4]), scale: 2 };
    const [x, weight] = [bench.parameter('x', [6, 24]), bench.parameter('weight', [16, 24])];
    const options = { bias: bench.parameter('bias', [16]), residual: bench.parameter('r', [6, 16]), adapter };
    return weighted(bench, linear(bench.tape, x, weight, options));
  },
  causalAttention: (bench) => attentionOutput(bench, null),
  'causalAttention with a window': (bench) => attentionOutput(bench, 5),
  linearCrossEntropy: (bench) => {
    const { labels, weights } = targets(bench);
    const [states, head] = [
      bench.parameter('states', [tokens, 16]),
      bench.parameter('head', [vocabSize, 16]),
    ];
    return linearCrossEntropy(bench.tape, states, head, labels, weights, { chunk: 10 });
  },
  infoNce: (bench) =>
    infoNce(bench.tape, bench.parameter('queries', [4, 16]), bench.parameter('documents', [8, 16]), {
      temperature: 0.5,
    }),
  ...Object.fromEntries(
    divergenceKinds.map((kind) => [`linearDivergence ${kind}`, (bench: Bench) => divergence(bench, kind)]),
  ),
};

/** @param only names of checks; default: all */
export async function gradientErrors(
  kernelSets: readonly TrainingKernels[],
  only: readonly string[] = Object.keys(checks),
): Promise<GradientError[]> {
  const errors: GradientError[] = [];
  for (const kernels of kernelSets) {
    for (const name of only) {
      const { worst, worstParameter } = await check(checks[name]!, kernels);
      errors.push({ name, kernels, worst, worstParameter });
    }
  }
  return errors;
}

function check(
  lossOf: (bench: Bench) => Variable,
  kernels: TrainingKernels,
): Promise<{ worst: number; worstParameter: string }> {
  const random = seededRandom(11);
  const draw: Draw = (shape, centre = 0) =>
    Float32Array.from({ length: elementCount(shape) }, () => centre + (2 * random() - 1) * 0.4);
  const values = new Map<string, Float32Array>();
  const feeds: Record<string, TensorValue> = {};
  return checkGradients(
    (tape) => {
      const parameters: Variable[] = [];
      const bench: Bench = {
        tape,
        parameter(name, shape, centre) {
          values.set(name, draw(shape, centre));
          const variable = tape.parameter(name, shape);
          parameters.push(variable);
          return variable;
        },
        input(name, shape, data) {
          const type = typeOf(data);
          feeds[name] = { type, shape, data };
          return tape.input(name, shape, type);
        },
      };
      return { loss: lossOf(bench), parameters };
    },
    { kernels, values, feeds },
  );
}

/** A loss in which every element of `y` counts differently. */
function weighted({ tape, input }: Bench, y: Variable): Variable {
  const random = seededRandom(3);
  const weights = Float32Array.from({ length: elementCount(y.shape) }, () => 2 * random() - 1);
  const product = mul(tape, y, input('outputWeights', y.shape, weights));
  return reduceSum(
    tape,
    product,
    y.shape.map((_, axis) => axis),
    false,
  );
}

function targets({ input }: Bench): { labels: Variable; weights: Variable } {
  const random = seededRandom(5);
  const labels = BigInt64Array.from({ length: tokens }, () => BigInt(Math.floor(random() * vocabSize)));
  const weights = Float32Array.from({ length: tokens }, (_, t) => (t % 5 === 0 ? 0 : random() / 10));
  return { labels: input('labels', [tokens], labels), weights: input('weights', [tokens, 1], weights) };
}

/** Two documents in the second row. */
function visibleFrom({ input }: Bench): Variable {
  const from = Int32Array.from({ length: tokens }, (_, t) => (t >= length + 5 ? 5 : 0));
  return input('visible_from', [rows, length], from);
}

function attentionOutput(bench: Bench, window: number | null): Variable {
  const { tape } = bench;
  const heads = { nHead: 4, nKvHead: 2, headDim: 16 };
  const tables = rotationTables(tape, ropeTables({ ...decoder, headDim: 16 }, length));
  const attention = new CausalAttention(
    tape,
    { rows, length, visibleFrom: visibleFrom(bench), tables },
    heads,
  );
  return weighted(bench, attention.attend(bench.parameter('qkv', [tokens, 8 * 16]), window));
}

function divergence(bench: Bench, kind: (typeof divergenceKinds)[number]): Variable {
  const { weights } = targets(bench);
  const { tape } = bench;
  const draw = seededRandom(9);
  const matrix = (name: string, shape: readonly number[]) =>
    bench.input(
      name,
      shape,
      Float32Array.from({ length: elementCount(shape) }, () => draw() - 0.5),
    );
  const teacher = headLogits(tape, matrix('teacher', [tokens, 8]), matrix('teacherHead', [vocabSize, 8]));
  const [states, head] = [bench.parameter('states', [tokens, 16]), bench.parameter('head', [vocabSize, 16])];
  return linearDivergence(tape, states, head, teacher, weights, 0.1, { kind, chunk: 10 });
}

function decoderLoss(bench: Bench, isAdapted: boolean, config = decoder): Variable {
  const { tape } = bench;
  const lora = isAdapted ? loraConfig({ r: 4, alpha: 8 }) : null;
  const trained = lora ? loraParameters(config, lora) : decoderParameters(config);
  const frozen = lora ? decoderParameters(config) : [];
  const variables = new Map<string, Variable>();
  const centre = (name: string) => (name.endsWith('norm.weight') ? 1 : 0);
  for (const { name, shape } of trained) variables.set(name, bench.parameter(name, shape, centre(name)));
  const random = seededRandom(13);
  for (const { name, shape } of frozen) {
    const data = Float32Array.from(
      { length: elementCount(shape) },
      () => centre(name) + 0.8 * random() - 0.4,
    );
    variables.set(name, bench.input(name, shape, data));
  }
  const weightOf = (name: string) => variables.get(name)!;
  const ids = BigInt64Array.from({ length: tokens }, () => BigInt(Math.floor(random() * vocabSize)));
  const states = decoderHidden(
    tape,
    config,
    { rows, length },
    weightOf,
    bench.input('input_ids', [tokens], ids),
    visibleFrom(bench),
    lora ? { config: lora, weights: weightOf } : undefined,
  );
  const { labels, weights } = targets(bench);
  return linearCrossEntropy(tape, states, weightOf(headParameter(config)), labels, weights, { chunk: 10 });
}

function typeOf(data: TensorValue['data']): 'float32' | 'int64' | 'int32' {
  if (data instanceof Float32Array) return 'float32';
  return data instanceof BigInt64Array ? 'int64' : 'int32';
}
