/**
 * Training: tokens and floating-point operations a second for decoders of 1M, 7M, 20M and 100M (adapters) parameters,
 * beside the best matrix products of the same minute and PyTorch on the same model, batch and threads.
 *
 * First it is checked that all compute the same: gradients against finite differences, and the losses of the first
 * steps against PyTorch's, from the same weights; what is wrong is disqualified. Then ours and PyTorch take turns of
 * some steps, over several rounds, in an order that is turned round from round to round; the peak is measured in each.
 *
 * Both are in eager float32 at `highest`. At `high` and `medium`, which exist where the processor has AMX, PyTorch is
 * set to the same word; it may do less than it is allowed to.
 *
 * Not covered: reading and packing data, evaluation and checkpoints, which the programs of `training/` add to a step.
 */
import { mkdir, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { nativeKernels } from '../shared/onnx/native-session.js';
import type { MatmulPrecision, TrainingKernels } from '../training/autodiff/tape.js';
import type { KernelChoice } from './kernels-in-use.js';
import { hasModule } from './peer-python.js';
import type { BenchOptions, Figure, PartReport } from './report.js';
import { Engine, startingPoint } from './train-engine.js';
import { lossDifference, type TrainRound, trainFigures } from './train-figures.js';
import { GemmBench } from './train-gemm.js';
import { gradientErrors } from './train-gradients.js';
import { memoryGrowth } from './train-memory.js';
import {
  flopsPerStep,
  modelParameters,
  type TrainModel,
  tokensPerStep,
  trainModels,
} from './train-models.js';
import { type PeerSetting, PyTorchPeer, writeStartingPoint } from './train-peer.js';

/** Steps of which the losses are compared; they are the warm-up too. */
const firstSteps = 3;
/** Of the first losses to PyTorch's, and between precisions. */
const lossTolerance = { highest: 1e-3, high: 1e-3, medium: 2e-2 } as const;
const howToGetTorch = 'a Python with torch was not found: pip install torch, then --torch-python PATH';

interface Plan {
  /** At the highest precision, and at others. */
  rounds: number;
  otherRounds: number;
  growthSteps: number;
  growthWarmup: number;
  gemmScale: number;
}

interface Setting {
  kernels: TrainingKernels;
  precisions: readonly MatmulPrecision[];
  threads: number;
  peer: PeerSetting | null;
  work: string;
}

interface ModelReport {
  figures: Figure[];
  notes: string[];
}

export async function benchTrain(options: BenchOptions): Promise<PartReport> {
  const { quick } = options;
  const plan: Plan = quick
    ? { rounds: 2, otherRounds: 1, growthSteps: 40, growthWarmup: 20, gemmScale: 16 }
    : { rounds: 5, otherRounds: 3, growthSteps: 500, growthWarmup: 100, gemmScale: 1 };
  const setting = await settingOf(options);
  const models = trainModels(quick);
  await mkdir(setting.work, { recursive: true });

  const growth = await memoryGrowth(models[0]!, setting, {
    steps: plan.growthSteps,
    warmup: plan.growthWarmup,
  });
  const kernelSets: TrainingKernels[] = nativeKernels().kernel === null ? ['runtime'] : ['runtime', 'haetae'];
  const errors = await gradientErrors(kernelSets);
  const worst = errors.reduce((a, b) => (b.worst > a.worst ? b : a));
  const products = new Map<MatmulPrecision, GemmBench>();
  for (const precision of setting.precisions) {
    products.set(precision, await GemmBench.open({ ...setting, precision }, plan.gemmScale));
  }
  const reports: ModelReport[] = [];
  for (const model of models) reports.push(await benchModel(model, products, setting, plan));
  for (const product of products.values()) await product.close();
  const figures = reports.flatMap((report) => report.figures);
  const isTarget = ({ budget }: Figure) => budget !== undefined;
  return {
    figures: [
      ...figures.filter(isTarget),
      {
        key: 'maxGradError',
        value: worst.worst,
        budget: { atMost: 1e-3 },
        note: `${worst.name} on ${worst.kernels} kernels, ${worst.worstParameter}; of ${errors.length} checks against finite differences`,
      },
      growth,
      ...figures.filter((figure) => !isTarget(figure)),
    ],
    notes: [
      `${setting.kernels} kernels, ${setting.threads} threads of ${availableParallelism()} cores, ${plan.rounds} rounds, ${plan.otherRounds} at other precisions than highest`,
      'operations of a step: 6 for each matrix weight and token (4 if frozen, 6 for adapters) and 12 · heads · head size for each pair of positions',
      'gflops counts the pairs that causal attention computes, gflopsFullAttention all pairs, as is the convention',
      ...reports.flatMap((report) => report.notes),
      ...(setting.peer === null ? [howToGetTorch] : []),
    ],
  };
}

async function settingOf(options: BenchOptions): Promise<Setting> {
  const native = nativeKernels();
  const kernels = kernelsFor(options.kernels, native);
  const hasTiles = kernels === 'haetae' && native.kernel === 'amx';
  const precisions: MatmulPrecision[] = hasTiles ? ['highest', 'high', 'medium'] : ['highest'];
  const chosen = options.precision === null ? precisions : [options.precision];
  for (const precision of chosen) {
    if (!precisions.includes(precision))
      throw new Error(`--precision ${precision} needs our kernels and a processor with AMX`);
  }
  const threads = Math.min(2, availableParallelism());
  const python = (await hasModule(options.torchPython, 'torch')) ? options.torchPython : null;
  const peer = python === null ? null : { python, environment: options.environment, threads };
  return { kernels, precisions: chosen, threads, peer, work: join(options.lmWork, 'train') };
}

function kernelsFor(choice: KernelChoice, native: ReturnType<typeof nativeKernels>): TrainingKernels {
  if (choice === 'native' && native.kernel === null) throw new Error(`--kernels native: ${native.reason}`);
  return choice === 'runtime' || native.kernel === null ? 'runtime' : 'haetae';
}

async function benchModel(
  model: TrainModel,
  products: ReadonlyMap<MatmulPrecision, GemmBench>,
  setting: Setting,
  plan: Plan,
): Promise<ModelReport> {
  const start = startingPoint(model, 1);
  const { kernels, precisions, threads } = setting;
  const file = join(setting.work, `${model.name}.safetensors`);
  const engines = new Map<MatmulPrecision, Engine>();
  let peer: PyTorchPeer | null = null;
  try {
    for (const precision of precisions) {
      engines.set(precision, await Engine.open(start, { kernels, precision, threads }));
    }
    if (setting.peer !== null) {
      await writeStartingPoint(file, start);
      peer = await PyTorchPeer.open(setting.peer, file, start);
    }
    const notes = [describeModel(model, engines), ...(await compareLosses(model, engines, peer))];
    const rounds = new Map<MatmulPrecision, TrainRound[]>(precisions.map((precision) => [precision, []]));
    for (let round = 0; round < plan.rounds; round++) {
      for (const precision of precisions) {
        if (precision !== 'highest' && round >= plan.otherRounds) continue;
        const engine = engines.get(precision)!;
        rounds
          .get(precision)!
          .push(await runRound(model, round, precision, engine, products.get(precision)!, peer));
      }
    }
    const work = { name: model.name, tokens: tokensPerStep(model), flops: flopsPerStep(model) };
    const note = peer === null ? howToGetTorch : '';
    const figures = precisions.flatMap((precision) =>
      trainFigures({ ...work, precision }, rounds.get(precision)!, note),
    );
    return { figures, notes };
  } finally {
    await peer?.close();
    for (const engine of engines.values()) await engine.close();
    await rm(file, { force: true });
  }
}

async function runRound(
  { stepsPerTurn }: TrainModel,
  round: number,
  precision: MatmulPrecision,
  engine: Engine,
  products: GemmBench,
  peer: PyTorchPeer | null,
): Promise<TrainRound> {
  const found: Partial<TrainRound> = {};
  const turns = [
    async () => {
      found.peakGflops = (await products.peak()).gflops;
      found.ours = await engine.steps(stepsPerTurn);
    },
    async () => {
      found.peer = (await peer?.steps(stepsPerTurn, precision)) ?? null;
      found.peerPeakGflops = (await peer?.gemm(precision))?.gflops ?? null;
    },
  ];
  for (const turn of round % 2 === 0 ? turns : turns.reverse()) await turn();
  return found as TrainRound;
}

/** Takes the first steps. @throws Error where our losses are not those of PyTorch, or a precision's not the highest's */
async function compareLosses(
  { name }: TrainModel,
  engines: ReadonlyMap<MatmulPrecision, Engine>,
  peer: PyTorchPeer | null,
): Promise<string[]> {
  const expected = peer === null ? null : (await peer.steps(firstSteps, 'highest')).losses;
  let reference = expected;
  const notes: string[] = [];
  for (const [precision, engine] of engines) {
    const { losses } = await engine.steps(firstSteps);
    reference ??= losses;
    const difference = lossDifference(losses, reference);
    if (!(difference < lossTolerance[precision])) {
      const [ours, theirs] = [losses.join(', '), reference.join(', ')];
      throw new Error(`${name} at ${precision} is disqualified: its first losses are ${ours}, not ${theirs}`);
    }
    notes.push(`${name} at ${precision}: first ${firstSteps} losses within ${difference.toExponential(1)}`);
  }
  if (peer !== null) notes.push(`${name}: PyTorch ${peer.version}, eager`);
  return notes;
}

function describeModel(model: TrainModel, engines: ReadonlyMap<MatmulPrecision, Engine>): string {
  const { config, rows, length, lora, name } = model;
  const [engine] = engines.values();
  const { graph, openMs } = engine!;
  const size = `${(modelParameters(model) / 1e6).toFixed(2)}M parameters`;
  const trained = lora
    ? `${size}, adapters of rank ${lora.r} on ${lora.targets.length} layers a block`
    : size;
  const shape = `vocabulary ${config.vocabSize}, hidden ${config.hiddenSize}, ${config.nLayer} layers of ${config.nHead} heads, intermediate ${config.intermediateSize}`;
  const memory = `${(graph.peakBytes / 1e6).toFixed(0)} MB of activations`;
  return `${name}: ${trained}; ${shape}; ${rows} rows of ${length}; ${graph.nodes} nodes, opened in ${openMs.toFixed(0)} ms, ${memory}`;
}
