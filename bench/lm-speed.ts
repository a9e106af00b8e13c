/**
 * What every decoder is asked to do for speed, ours and its peers: read a prompt, make tokens greedily one at a
 * time, and both for several sequences at once. `lm-decoder.ts` and `peers/llama-cpp.ts` do it.
 */
import { seededRandom } from '../shared/random.js';
import type { ProcessMemory } from './process-memory.js';

export interface SpeedWorkload {
  vocabSize: number;
  /** Prompts differ by seed. */
  seed: number;
  promptTokens: number;
  newTokens: number;
  /** Prompts read one by one; tokens are made after the last. One more is read first, to warm up. */
  prefills: number;
  /** Sequences at once; 0: that part is left out. */
  batch: number;
}

export interface SpeedRun {
  /** From opening the model file until a step can be taken. */
  loadMs: number;
  /** Each until its first token is known. */
  prefillMs: number[];
  /** One token after the prompt, each. */
  stepMs: number[];
  /** All prompts of the batch, and a step of all of its sequences; null where left out. */
  batchPrefillMs: number | null;
  batchStepMs: number | null;
  /** After loading; after one sequence; after the batch. */
  loaded: ProcessMemory;
  single: ProcessMemory;
  batched: ProcessMemory | null;
  kvCacheMb: number | null;
  /** In words: how it computes. */
  about: string;
}

/** Seeded ids below the special tokens at the end of the vocabulary. */
export function randomTokens(seed: number, count: number, vocabSize: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => Math.floor(random() * (vocabSize - 2)));
}

/** A prompt nobody has seen before: its seed is drawn from the workload's, the kind of prompt and its number. */
export function promptOf(
  { seed, promptTokens, vocabSize }: SpeedWorkload,
  kind: number,
  number: number,
): number[] {
  return randomTokens(seed * 1_000_003 + kind * 10_007 + number, promptTokens, vocabSize);
}

/** Tokens whose predictions are compared among contenders before any is timed. */
export function probeTokens(vocabSize: number): number[][] {
  return [0, 1, 2, 3].map((number) => randomTokens(77 + number, probeLength - number, vocabSize));
}
export const probeLength = 32;
/** The last tokens of a probe are taken one at a time. */
export const probeSteps = 8;
