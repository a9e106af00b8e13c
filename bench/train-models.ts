/**
 * What is trained for `train`: Llamas of about 1, 7, 20 and 100 million parameters, the last with a frozen base and
 * adapters on all of its linear layers; all with tied heads, on rows of random tokens.
 */
import type { DecoderConfig } from '../shared/lm/model-config.js';
import { seededRandom } from '../shared/random.js';
import { decoderParameters, parameterCount } from '../training/model/decoder-parameters.js';
import { llamaConfig } from '../training/model/llama-config.js';
import { type LoraConfig, loraConfig } from '../training/model/lora.js';
import { trainingFlopsPerToken } from '../training/model/training-flops.js';

export interface TrainModel {
  /** In keys of figures, e.g. `7M`. */
  name: string;
  config: DecoderConfig;
  rows: number;
  length: number;
  lora: LoraConfig | null;
  /** Steps in a turn: some seconds. */
  stepsPerTurn: number;
}

const tokens = { rows: 8, length: 256 };

export function trainModels(quick: boolean): TrainModel[] {
  const small = { vocabSize: 2048, hiddenSize: 128, nLayer: 4, nHead: 2, intermediateSize: 352 };
  const seven = { vocabSize: 8192, hiddenSize: 256, nLayer: 6, nHead: 4, intermediateSize: 704 };
  const twenty = { vocabSize: 8192, hiddenSize: 384, nLayer: 10, nHead: 6, intermediateSize: 1024 };
  const hundred = { vocabSize: 16_384, hiddenSize: 768, nLayer: 12, nHead: 12, intermediateSize: 2048 };
  const lora = loraConfig({ r: 16 });
  if (quick) {
    const tiny = { vocabSize: 256, hiddenSize: 64, nLayer: 2, nHead: 2, intermediateSize: 96 };
    const shape = { config: llamaConfig(tiny), rows: 2, length: 32, stepsPerTurn: 2 };
    return [
      { name: '1M', ...shape, lora: null },
      { name: '7M', ...shape, lora: null },
      { name: '100MLora', ...shape, lora },
    ];
  }
  return [
    { name: '1M', config: llamaConfig(small), ...tokens, lora: null, stepsPerTurn: 20 },
    { name: '7M', config: llamaConfig(seven), ...tokens, lora: null, stepsPerTurn: 6 },
    { name: '20M', config: llamaConfig(twenty), ...tokens, lora: null, stepsPerTurn: 2 },
    { name: '100MLora', config: llamaConfig(hundred), rows: 4, length: 256, lora, stepsPerTurn: 2 },
  ];
}

export function tokensPerStep({ rows, length }: Pick<TrainModel, 'rows' | 'length'>): number {
  return rows * length;
}

/** Weights of the decoder, adapters not counted. */
export function modelParameters({ config }: Pick<TrainModel, 'config'>): number {
  return parameterCount(decoderParameters(config));
}

/**
 * Floating-point operations of a step, forward and backward.
 *
 * `causal`: 6 for each weight of a matrix and token (4 where it is frozen, 6 for adapters), and 12 · heads · head size
 * for each pair of positions that attention computes, which is half of the square. The tied head counts as a matrix,
 * the look-up of embeddings does not. `full`: the same with the whole square, as is the convention where throughputs
 * are compared (Chowdhery et al. 2022).
 */
export function flopsPerStep(model: Pick<TrainModel, 'config' | 'rows' | 'length' | 'lora'>): {
  causal: number;
  full: number;
} {
  const { config, length, lora } = model;
  const causal = trainingFlopsPerToken(config, length, lora ?? undefined);
  const unseen = length - (length + 1) / 2;
  const full = causal + config.nLayer * 12 * config.nHead * config.headDim * unseen;
  const count = tokensPerStep(model);
  return { causal: causal * count, full: full * count };
}

export interface TrainBatch {
  /** [rows · length] each. */
  ids: BigInt64Array;
  labels: BigInt64Array;
}

/** One document a row, of random tokens; each label is the next token, the last one random too. */
export function randomBatch(model: Pick<TrainModel, 'config' | 'rows' | 'length'>, seed: number): TrainBatch {
  const random = seededRandom(seed);
  const draw = () => BigInt(Math.floor(random() * model.config.vocabSize));
  const ids = BigInt64Array.from({ length: tokensPerStep(model) }, draw);
  const labels = ids.map((_, at) => (at % model.length === model.length - 1 ? draw() : ids[at + 1]!));
  return { ids, labels };
}
