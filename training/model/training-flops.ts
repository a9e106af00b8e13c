/**
 * Arithmetic of training, for throughput as a share of what the processor can do (Chowdhery et al. 2022, appendix B;
 * here attention is counted as causal: what is masked is not computed).
 *
 * A matrix of n weights takes 2n operations a token forward, 2n for the gradient of its input and 2n for its own.
 */
import type { DecoderConfig } from '../../shared/lm/model-config.js';
import { linearLayers, rowsOf } from './linear-layers.js';
import type { LoraConfig } from './lora.js';
import { loraPartsOf } from './lora.js';

/**
 * Floating-point operations of forward and backward for each token of a row of `length` tokens. Norms, rotation,
 * activations, softmax and the optimizer are not counted: they are below 1 %.
 * @param lora where given, the model's own weights get no gradient
 */
export function trainingFlopsPerToken(config: DecoderConfig, length: number, lora?: LoraConfig): number {
  const { vocabSize, hiddenSize, nLayer, nHead, headDim, slidingWindow } = config;
  const passes = lora ? 4 : 6;
  let perLayer = 0;
  for (const linear of linearLayers(config)) {
    perLayer += passes * rowsOf(linear) * linear.columns;
    for (const { rows } of lora ? loraPartsOf(linear, lora) : [])
      perLayer += 6 * lora!.r * (rows + linear.columns);
  }
  const head = passes * vocabSize * hiddenSize;
  // Scores and weighted values, each 2 operations for a pair of positions; backward twice that.
  const attention = slidingWindow.reduce<number>(
    (sum, window) => sum + 12 * nHead * headDim * meanVisible(length, window),
    0,
  );
  return nLayer * perLayer + head + attention;
}

/** Positions that a token sees on average, itself included. */
function meanVisible(length: number, window: number | null): number {
  const reach = Math.min(window ?? length, length);
  return (reach * (reach + 1)) / 2 / length + (reach * (length - reach)) / length;
}
