/** The configuration of a Llama to train from nothing. */
import { HaetaeError } from '../../shared/errors.js';
import type { DecoderConfig } from '../../shared/lm/model-config.js';

export interface LlamaSizes {
  vocabSize: number;
  hiddenSize: number;
  nLayer: number;
  nHead: number;
  /** A divisor of `nHead`. Default: as many. */
  nKvHead?: number;
  /** Even. Default: hiddenSize / nHead. */
  headDim?: number;
  /** Default: 8/3 · hiddenSize up to the next multiple of 64 (Shazeer 2020: as many weights as a plain 4 · hidden). */
  intermediateSize?: number;
  /** Longest text it will be used with. Default 2048. */
  maxPositions?: number;
  /** Default 10,000. */
  ropeTheta?: number;
  /** Default 1e-5. */
  rmsNormEps?: number;
  /** Whether logits are computed with the embedding. Default true. */
  tiedHead?: boolean;
  bosTokenId?: number | null;
  eosTokenIds?: readonly number[];
}

/** @throws HaetaeError CONFIG_INVALID naming the size that is wrong */
export function llamaConfig(sizes: LlamaSizes): DecoderConfig {
  const { vocabSize, hiddenSize, nLayer, nHead, eosTokenIds = [], bosTokenId = null } = sizes;
  const { nKvHead = nHead, headDim = hiddenSize / nHead, maxPositions = 2048 } = sizes;
  const { intermediateSize = Math.ceil((8 * hiddenSize) / 3 / 64) * 64 } = sizes;
  const { ropeTheta = 10_000, rmsNormEps = 1e-5, tiedHead = true } = sizes;
  const whole = { vocabSize, hiddenSize, nLayer, nHead, nKvHead, headDim, maxPositions, intermediateSize };
  for (const [name, value] of Object.entries(whole)) {
    if (!(Number.isSafeInteger(value) && value >= 1)) throw invalid(name, value, 'a positive integer');
  }
  for (const [name, value] of Object.entries({ ropeTheta, rmsNormEps })) {
    if (!(Number.isFinite(value) && value > 0)) throw invalid(name, value, 'a positive number');
  }
  if (nHead % nKvHead !== 0) throw invalid('nKvHead', nKvHead, `a divisor of the ${nHead} heads`);
  if (headDim % 2 !== 0) throw invalid('headDim', headDim, 'an even number, for rotary embedding');
  const wrongId = [bosTokenId ?? 0, ...eosTokenIds].find(
    (id) => !(Number.isInteger(id) && id >= 0 && id < vocabSize),
  );
  if (wrongId !== undefined) throw invalid('token id', wrongId, `one of the ${vocabSize} of the vocabulary`);
  return {
    family: 'llama',
    ...whole,
    rmsNormEps,
    ropeTheta,
    ropeScaling: { type: 'default' },
    qkvBias: false,
    outputBias: false,
    qkNorm: false,
    slidingWindow: Array.from({ length: nLayer }, () => null),
    tiedHead,
    bosTokenId,
    eosTokenIds: [...eosTokenIds],
    quantization: null,
  };
}

function invalid(name: string, value: number, expected: string): HaetaeError {
  return new HaetaeError('CONFIG_INVALID', `The new model's ${name} is ${value}; expected ${expected}.`, {
    field: name,
  });
}
