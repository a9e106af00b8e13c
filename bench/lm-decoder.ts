/** Our decoder as a contender: its speed, and what it predicts, straight through the contract of `decoder.ts`. */
import type { Decoder, KvCache, StepResult, StepRow } from '../shared/lm/decoder.js';
import { type OpenDecoderOptions, openDecoder } from '../shared/lm/open-decoder.js';
import { argmax } from '../shared/lm/token-logprobs.js';
import { type KernelChoice, kernelsInUse } from './kernels-in-use.js';
import {
  probeLength,
  probeSteps,
  probeTokens,
  promptOf,
  type SpeedRun,
  type SpeedWorkload,
} from './lm-speed.js';
import { processMemory } from './process-memory.js';

export interface DecoderTask {
  /** Model folder. */
  folder: string;
  threads: number;
  /** `native` insists on what `auto` takes where it can. Default `auto`. */
  kernels?: KernelChoice;
}

/** As `openDecoder` takes them. */
export function decoderOptions({ threads, kernels }: DecoderTask): OpenDecoderOptions {
  return { threads, kernels: kernels === 'runtime' ? 'runtime' : 'auto' };
}

export async function runDecoder(task: DecoderTask, workload: SpeedWorkload): Promise<SpeedRun> {
  const { vocabSize, promptTokens, newTokens, prefills, batch } = workload;
  const capacity = promptTokens + newTokens;
  let started = performance.now();
  const lap = () => {
    const now = performance.now();
    const ms = now - started;
    started = now;
    return ms;
  };
  const decoder = await openDecoder(task.folder, decoderOptions(task));
  const cache = decoder.createCache(1, capacity);
  const loadMs = lap();
  kernelsInUse(decoder, task.kernels);
  const loaded = processMemory();

  const prefillMs: number[] = [];
  let next = 0;
  for (let number = 0; number <= prefills; number++) {
    const prompt = promptOf(workload, 0, number);
    cache.truncate(0, 0);
    lap();
    const { logits } = await decoder.step({ cache, rows: [{ slot: 0, tokens: prompt }] });
    next = argmax(logits);
    prefillMs.push(lap());
  }
  const stepMs: number[] = [];
  for (let made = 0; made < newTokens; made++) {
    lap();
    const { logits } = await decoder.step({ cache, rows: [{ slot: 0, tokens: [next] }] });
    next = argmax(logits);
    stepMs.push(lap());
  }
  const single = processMemory();

  let batchPrefillMs: number | null = null;
  let batchStepMs: number | null = null;
  let batched: SpeedRun['batched'] = null;
  let cacheBytes = cache.bytes;
  if (batch > 0) {
    const slots = decoder.createCache(batch, capacity);
    cacheBytes = slots.bytes;
    const prompts = Array.from({ length: batch }, (_, slot) => promptOf(workload, 1, slot));
    lap();
    // One after the other, as the engine does: reading prompts keeps the processor busy, and memory stays small.
    let nexts: number[] = [];
    for (const [slot, tokens] of prompts.entries())
      nexts.push(argmax((await decoder.step({ cache: slots, rows: [{ slot, tokens }] })).logits));
    batchPrefillMs = lap();
    for (let made = 0; made < newTokens; made++)
      nexts = likeliest(
        await decoder.step({ cache: slots, rows: nexts.map((token, slot) => ({ slot, tokens: [token] })) }),
        vocabSize,
      );
    batchStepMs = lap() / newTokens;
    batched = processMemory();
  }
  const about = `${decoder.precision}, ${decoder.kernels} kernels`;
  await decoder.close();
  return {
    loadMs,
    prefillMs: prefillMs.slice(1),
    stepMs,
    batchPrefillMs,
    batchStepMs,
    loaded,
    single,
    batched,
    kvCacheMb: cacheBytes / 1e6,
    about,
  };
}

export interface ProbeRun {
  /** The likeliest next token at every position of every probe. */
  predicted: number[][];
  /** `[n, vocabSize]`: logits of the last positions of every probe. */
  logits: Float32Array;
  /** Largest difference of a logit computed in the batch from the same computed alone, in standard deviations. */
  batchError: number;
  kernels: 'runtime' | 'native';
}

/** The probes as a batch of unequal lengths, then token by token; the first once more alone. */
export async function probeDecoder(task: DecoderTask, vocabSize: number): Promise<ProbeRun> {
  const decoder = await openDecoder(task.folder, decoderOptions(task));
  const probes = probeTokens(vocabSize);
  const batch = await predict(decoder, decoder.createCache(probes.length, probeLength), probes, vocabSize);
  const alone = await predict(decoder, decoder.createCache(1, probeLength), probes.slice(0, 1), vocabSize);
  const kernels = kernelsInUse(decoder, task.kernels);
  await decoder.close();
  const kept = probeSteps + 1;
  const logits = new Float32Array(probes.length * kept * vocabSize);
  let at = 0;
  for (const rows of batch) {
    for (const row of rows.slice(-kept)) {
      logits.set(row, at);
      at += vocabSize;
    }
  }
  let batchError = 0;
  for (const [position, row] of (alone[0] as Float32Array[]).entries())
    batchError = Math.max(batchError, largestError(row, batch[0]?.[position] as Float32Array));
  return {
    predicted: batch.map((rows) => rows.map((logits) => argmax(logits))),
    logits,
    batchError,
    kernels,
  };
}

/** Between two rows, in standard deviations of the first. */
function largestError(row: Float32Array, other: Float32Array): number {
  const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
  let squares = 0;
  let largest = 0;
  for (const [i, value] of row.entries()) {
    squares += (value - mean) ** 2;
    largest = Math.max(largest, Math.abs(value - (other[i] as number)));
  }
  return largest / Math.sqrt(squares / row.length);
}

/** Logits of every position of every sequence. */
async function predict(
  decoder: Decoder,
  cache: KvCache,
  sequences: readonly number[][],
  vocabSize: number,
): Promise<Float32Array[][]> {
  const found = sequences.map((): Float32Array[] => []);
  const keep = (rows: readonly StepRow[], { logits }: StepResult) => {
    let at = 0;
    for (const [i, { tokens }] of rows.entries())
      for (const _ of tokens) {
        found[i]?.push(logits.slice(at, at + vocabSize));
        at += vocabSize;
      }
  };
  const first = sequences.map((tokens, slot) => ({ slot, tokens: tokens.slice(0, -probeSteps) }));
  const wanted = first.flatMap(({ tokens }, row) => tokens.map((_, index) => [row, index] as const));
  keep(first, await decoder.step({ cache, rows: first, wanted }));
  for (let left = probeSteps; left > 0; left--) {
    const rows = sequences.map((tokens, slot) => ({ slot, tokens: [tokens.at(-left) as number] }));
    keep(rows, await decoder.step({ cache, rows }));
  }
  return found;
}

function likeliest({ logits }: StepResult, vocabSize: number): number[] {
  const tokens: number[] = [];
  for (let at = 0; at < logits.length; at += vocabSize)
    tokens.push(argmax(logits.subarray(at, at + vocabSize)));
  return tokens;
}
