/**
 * llama.cpp as a contender, through `node-llama-cpp` (MIT). It is no dependency of this project: it is used from a
 * folder that has it, `npm i --ignore-scripts node-llama-cpp`, whose prebuilt libraries choose the best kernels of
 * the processor themselves. Its settings are the best known here: as many threads as ours, batches of 512, sequences
 * that advance together, and flash attention wherever a trial shows it is faster.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { probeTokens, promptOf, type SpeedRun, type SpeedWorkload } from '../lm-speed.js';
import { processMemory } from '../process-memory.js';

/** What is used of `node-llama-cpp` 3. */
interface LlamaLibrary {
  getLlama(options: Record<string, unknown>): Promise<Llama>;
  LlamaLogLevel: { error: string };
}
interface Llama {
  systemInfo: string;
  llamaCppRelease: { release: string };
  loadModel(options: { modelPath: string }): Promise<LlamaModel>;
}
interface LlamaModel {
  createContext(options: Record<string, unknown>): Promise<LlamaContext>;
}
interface LlamaContext {
  getSequence(): LlamaSequence;
  dispose(): Promise<void>;
}
interface LlamaSequence {
  clearHistory(): Promise<void>;
  evaluate(tokens: readonly number[], options: Record<string, unknown>): AsyncGenerator<number>;
  evaluateWithoutGeneratingNewTokens(tokens: readonly number[]): Promise<void>;
  controlledEvaluate(
    tokens: readonly [number, { generateNext: Record<string, unknown> }][],
  ): Promise<({ next: { token?: number | null } } | undefined)[]>;
}

export interface LlamaTask {
  /** Folder whose `node_modules` has `node-llama-cpp`. */
  library: string;
  /** GGUF file. */
  model: string;
  threads: number;
}

/** Where flash attention pays: with one sequence, and with a batch. */
export interface LlamaSettings {
  single: boolean;
  batch: boolean;
}

const greedy = { temperature: 0, yieldEogToken: true };

/** Its version, or null where the folder has none. */
export async function findLlama(library: string): Promise<string | null> {
  const path = join(resolve(library), 'node_modules/node-llama-cpp/package.json');
  if (!existsSync(path)) return null;
  const { version } = JSON.parse(await readFile(path, 'utf8')) as { version: string };
  return version;
}

/** Times a short prompt and a few tokens with flash attention and without. */
export async function tuneLlama(task: LlamaTask, workload: SpeedWorkload): Promise<LlamaSettings> {
  const { model } = await loadModel(task);
  const time = async (flashAttention: boolean, sequences: number): Promise<number> => {
    const context = await createContext(model, task, workload, sequences, flashAttention);
    const lanes = sequencesOf(context, sequences);
    const times: number[] = [];
    for (let trial = 0; trial < 3; trial++) {
      for (const lane of lanes) await lane.clearHistory();
      const prompts = lanes.map((_, slot) => promptOf(workload, 2, slot));
      times.push((await runBatch(lanes, prompts, workload.newTokens)).totalMs);
    }
    await context.dispose();
    return Math.min(...times);
  };
  const single = (await time(true, 1)) < (await time(false, 1));
  const { batch } = workload;
  return { single, batch: batch > 0 && (await time(true, batch)) < (await time(false, batch)) };
}

export async function runLlama(
  task: LlamaTask,
  workload: SpeedWorkload,
  flashAttention: LlamaSettings,
): Promise<SpeedRun> {
  const { newTokens, prefills, batch } = workload;
  let started = performance.now();
  const lap = () => {
    const now = performance.now();
    const ms = now - started;
    started = now;
    return ms;
  };
  const { model, about } = await loadModel(task);
  const context = await createContext(model, task, workload, 1, flashAttention.single);
  const loadMs = lap() - about.importMs;
  const loaded = processMemory();
  const lane = context.getSequence();

  const prefillMs: number[] = [];
  const stepMs: number[] = [];
  for (let number = 0; number <= prefills; number++) {
    const prompt = promptOf(workload, 0, number);
    await lane.clearHistory();
    lap();
    const isLast = number === prefills;
    let made = 0;
    for await (const _ of lane.evaluate(prompt, greedy)) {
      if (made === 0) prefillMs.push(lap());
      else stepMs.push(lap());
      if (++made > (isLast ? newTokens : 0)) break;
    }
  }
  const single = processMemory();
  await context.dispose();

  let batchTimes: { prefillMs: number; stepMs: number } | null = null;
  let batched: SpeedRun['batched'] = null;
  if (batch > 0) {
    const wide = await createContext(model, task, workload, batch, flashAttention.batch);
    const lanes = sequencesOf(wide, batch);
    const prompts = lanes.map((_, slot) => promptOf(workload, 1, slot));
    batchTimes = await runBatch(lanes, prompts, newTokens);
    batched = processMemory();
    await wide.dispose();
  }
  return {
    loadMs,
    prefillMs: prefillMs.slice(1),
    stepMs,
    batchPrefillMs: batchTimes?.prefillMs ?? null,
    batchStepMs: batchTimes?.stepMs ?? null,
    loaded,
    single,
    batched,
    kvCacheMb: null,
    about: `llama.cpp ${about.release} (${about.features}), flash attention ${flashAttention.single ? 'on' : 'off'}, in the batch ${flashAttention.batch ? 'on' : 'off'}`,
  };
}

/** The likeliest next token at every position of every probe. */
export async function probeLlama(task: LlamaTask, workload: SpeedWorkload): Promise<number[][]> {
  const { model } = await loadModel(task);
  const context = await createContext(model, task, workload, 1, false);
  const lane = context.getSequence();
  const predicted: number[][] = [];
  for (const probe of probeTokens(workload.vocabSize)) {
    await lane.clearHistory();
    const found = await lane.controlledEvaluate(
      probe.map((token) => [token, { generateNext: { token: true, options: { temperature: 0 } } }]),
    );
    predicted.push(found.map((output) => output?.next.token ?? -1));
  }
  await context.dispose();
  return predicted;
}

/**
 * All prompts but their last tokens at once, then one token a sequence and step until each has made `newTokens`.
 * The time of the prompts' last tokens counts as a step.
 *
 * Sequences are kept in step: each asks for its next token when all have theirs. Left alone, the last to be sampled
 * misses the next batch, for good: 7 of 8 go together, which the kernels (made for multiples of four) take twice as
 * long for as for 8.
 */
async function runBatch(
  lanes: readonly LlamaSequence[],
  prompts: readonly number[][],
  newTokens: number,
): Promise<{ prefillMs: number; stepMs: number; totalMs: number }> {
  const started = performance.now();
  await Promise.all(
    lanes.map((lane, i) => lane.evaluateWithoutGeneratingNewTokens((prompts[i] as number[]).slice(0, -1))),
  );
  const prefilled = performance.now();
  const streams = lanes.map((lane, i) => lane.evaluate((prompts[i] as number[]).slice(-1), greedy));
  for (let made = 0; made < newTokens; made++) await Promise.all(streams.map((stream) => stream.next()));
  const ended = performance.now();
  await Promise.all(streams.map((stream) => stream.return(undefined)));
  return {
    prefillMs: prefilled - started,
    stepMs: (ended - prefilled) / newTokens,
    totalMs: ended - started,
  };
}

async function loadModel({ library, model: modelPath, threads }: LlamaTask): Promise<{
  model: LlamaModel;
  about: { release: string; features: string; importMs: number };
}> {
  const started = performance.now();
  const folder = join(resolve(library), 'node_modules/node-llama-cpp');
  const { getLlama, LlamaLogLevel } = (await import(
    pathToFileURL(join(folder, 'dist/index.js')).href
  )) as LlamaLibrary;
  const importMs = performance.now() - started;
  const llama = await getLlama({
    build: 'never',
    skipDownload: true,
    gpu: false,
    progressLogs: false,
    logLevel: LlamaLogLevel.error,
    maxThreads: threads,
  });
  const model = await llama.loadModel({ modelPath });
  const features = ['AMX_INT8', 'AVX512_VNNI', 'AVX_VNNI', 'AVX512', 'AVX2', 'NEON'].find((name) =>
    llama.systemInfo.includes(`${name} = 1`),
  );
  return {
    model,
    about: { release: llama.llamaCppRelease.release, features: features ?? 'plain', importMs },
  };
}

function createContext(
  model: LlamaModel,
  { threads }: LlamaTask,
  { promptTokens, newTokens }: SpeedWorkload,
  sequences: number,
  flashAttention: boolean,
): Promise<LlamaContext> {
  return model.createContext({
    contextSize: promptTokens + newTokens + 1,
    batchSize: 512,
    threads,
    sequences,
    flashAttention,
    batching: { dispatchSchedule: 'nextCycle' },
  });
}

const sequencesOf = (context: LlamaContext, count: number): LlamaSequence[] =>
  Array.from({ length: count }, () => context.getSequence());
