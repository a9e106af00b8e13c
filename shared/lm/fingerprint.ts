/**
 * The fingerprint of a language model: log-probabilities of fixed tokens after a fixed prompt. A bundle stores it
 * when it is made; a loaded model must reproduce it before it serves. It catches what checksums cannot: weights
 * that are read wrongly (a runtime's kernel, a layout, a prepacked file), and a graph that is built otherwise than
 * it was.
 *
 * The probe is token ids spread over the vocabulary, so that no tokenizer takes part, and it is scored by prefill
 * and in branches, the two ways choices are scored.
 *
 * Machines differ in the last digits: sums are split by the width of the vector unit and by threads, and int4
 * kernels round activations to 8 bits, which then tips at other places. So the differences are held against the
 * spread of the stored values (a tiny random model's are all alike, a trained one's are far apart):
 *
 *     rms(present − stored) ≤ 0.1 · std(stored) + 0.001
 *
 * Measured on a random model of six layers: 1 and 2 threads of one machine differ by nothing, the same weights in 8
 * and in 4 bits by 0.11 and 0.7 std, other weights by 1.5 std.
 */
import Type, { type Static } from 'typebox';
import { HaetaeError } from '../errors.js';
import type { LanguageModel } from './language-model.js';

export const ModelFingerprint = Type.Object(
  {
    probe: Type.Literal(1, { description: 'Version of the probe' }),
    logprobs: Type.Array(Type.Number(), { minItems: 1, maxItems: 1000 }),
  },
  { additionalProperties: false },
);
export type ModelFingerprint = Static<typeof ModelFingerprint>;

const promptTokens = 24;
const branches = 4;
const branchTokens = 4;
const relativeTolerance = 0.1;
/** Natural logarithm; what float32 sums over a vocabulary may differ by. */
const absoluteTolerance = 1e-3;

/** @throws HaetaeError MODEL_INVALID where the model gives no numbers. */
export async function fingerprintModel(model: LanguageModel): Promise<ModelFingerprint> {
  const { vocabSize } = model.config;
  const idAt = (index: number): number => (index * 7919 + 104_729) % vocabSize;
  const scores = await model.score({
    prompt: Array.from({ length: promptTokens }, (_, index) => idAt(index)),
    continuations: Array.from({ length: branches }, (_, branch) =>
      Array.from({ length: branchTokens }, (_, index) => idAt(promptTokens + branch * branchTokens + index)),
    ),
  });
  const logprobs = scores.flatMap((score) => score.logprobs);
  if (!logprobs.every(Number.isFinite)) {
    throw new HaetaeError(
      'MODEL_INVALID',
      'The model gives log-probabilities that are no numbers. Its weights overflow or are damaged: download them again, or quantise them anew.',
    );
  }
  // Six digits are more than two machines agree on.
  return { probe: 1, logprobs: logprobs.map((value) => Number(value.toFixed(6))) };
}

/**
 * @param what names the model in errors.
 * @throws HaetaeError BUNDLE_INVALID where the model does not reproduce the fingerprint.
 */
export async function checkFingerprint(
  model: LanguageModel,
  stored: ModelFingerprint,
  what: string,
): Promise<void> {
  const { logprobs } = await fingerprintModel(model);
  const difference = rms(logprobs.map((value, index) => value - (stored.logprobs[index] ?? Number.NaN)));
  const mean = stored.logprobs.reduce((sum, value) => sum + value, 0) / stored.logprobs.length;
  const tolerance = relativeTolerance * rms(stored.logprobs.map((value) => value - mean)) + absoluteTolerance;
  if (logprobs.length === stored.logprobs.length && difference <= tolerance) return;
  throw new HaetaeError(
    'BUNDLE_INVALID',
    `${what} does not compute what it did when the bundle was made: its probe differs by ${difference.toFixed(4)} (rms of log-probabilities), at most ${tolerance.toFixed(4)} is rounding. Its weights are read wrongly on this machine, or its files are others. Check them with: haetae models verify; make the bundle again with: haetae models import`,
    { difference, tolerance },
  );
}

function rms(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}
