/**
 * The language model as it is served (`language-model.ts`): tokens as they stream out of `generate`, choices as
 * `score` gives them, and memory over many questions. Sessions are timed from outside, so that what is not spent in
 * them is known: that is JavaScript.
 */
import { join } from 'node:path';
import type { Decoder } from '../shared/lm/decoder.js';
import type { EngineLimits } from '../shared/lm/engine-limits.js';
import type { LanguageModel } from '../shared/lm/language-model.js';
import { createLanguageModel } from '../shared/lm/lm-engine.js';
import { openDecoder } from '../shared/lm/open-decoder.js';
import { openTokenizer } from '../shared/lm/tokenizer.js';
import type { Session } from '../shared/onnx/session.js';
import { type DecoderTask, decoderOptions } from './lm-decoder.js';
import { promptOf, randomTokens, type SpeedWorkload } from './lm-speed.js';
import { latencyOf } from './measure.js';
import { type ProcessMemory, processMemory } from './process-memory.js';

export interface ServingRun {
  /** Decoder, tokenizer and engine. */
  loadMs: number;
  /** From asking until the first token of a long prompt, each. */
  firstTokenMs: number[];
  /** Between tokens, each. */
  tokenMs: number[];
  /** Share of the time between tokens that is not spent in the session, 0..1: one sequence, and a batch. */
  overheadShare: number;
  batchOverheadShare: number;
  /** Tokens of all sequences of the batch per second. */
  batchTokensPerSecond: number;
  /** Before loading; after loading and one token; after one long sequence; after the batch. */
  bare: ProcessMemory;
  loaded: ProcessMemory;
  single: ProcessMemory;
  batched: ProcessMemory;
  /** Keys and values at that time, the prefix cache included. */
  singleKvMb: number;
  batchedKvMb: number;
}

/** Time spent inside sessions so far. */
interface SessionClock {
  ms: number;
}

interface Serving {
  decoder: Decoder;
  model: LanguageModel;
  clock: SessionClock;
}

export async function runServing(task: DecoderTask, workload: SpeedWorkload): Promise<ServingRun> {
  const { newTokens, prefills, batch, vocabSize } = workload;
  const bare = processMemory();
  const started = performance.now();
  const { model, clock } = await openServing(task);
  const loadMs = performance.now() - started;
  await stream(model, clock, randomTokens(1, 16, vocabSize), 2);
  const loaded = processMemory();

  const firstTokenMs: number[] = [];
  for (let number = 0; number < prefills; number++) {
    const { firstMs } = await stream(model, clock, promptOf(workload, 3, number), 1);
    firstTokenMs.push(firstMs);
  }
  const one = await stream(model, clock, promptOf(workload, 4, 0), newTokens + 1);
  globalThis.gc?.(); // caches that grew left their smaller selves behind
  const single = processMemory();
  const singleKvMb = model.stats().kvCacheBytes / 1e6;

  // Their beginnings are in the prefix cache by then, so all sequences make tokens at the same time.
  const prompts = Array.from({ length: batch }, (_, slot) => promptOf(workload, 5, slot));
  for (const prompt of prompts) await stream(model, clock, prompt, 1);
  const streams = await Promise.all(prompts.map((prompt) => stream(model, clock, prompt, newTokens + 1)));
  const begin = Math.max(...streams.map(({ times }) => times[0] as number));
  const end = Math.min(...streams.map(({ times }) => times.at(-1) as number));
  if (!(end > begin)) throw new Error('the sequences of the batch did not run at the same time');
  const made = streams.flatMap(({ times }) => times.filter((time) => time > begin && time <= end)).length;
  const spent = sessionMsBetween(streams, begin, end);
  const result: ServingRun = {
    loadMs,
    firstTokenMs,
    tokenMs: one.times.slice(1).map((time, i) => time - (one.times[i] as number)),
    overheadShare: overheadOf(one),
    batchOverheadShare: 1 - spent / (end - begin),
    batchTokensPerSecond: (1000 * made) / (end - begin),
    bare,
    loaded,
    single,
    batched: processMemory(),
    singleKvMb,
    batchedKvMb: model.stats().kvCacheBytes / 1e6,
  };
  await model.close();
  return result;
}

export interface ChoiceRun {
  /** Each question: the prompt once, then all its choices. */
  scoreMs: number[];
  /** Each question: the prompt again for every choice. */
  naiveMs: number[];
  /** Largest difference of a choice's log-probability between the two. */
  difference: number;
}

export interface ChoiceWorkload {
  questions: number;
  promptTokens: number;
  choices: number;
  choiceTokens: number;
  vocabSize: number;
}

export async function runChoices(task: DecoderTask, workload: ChoiceWorkload): Promise<ChoiceRun> {
  const { questions, promptTokens, choices, choiceTokens, vocabSize } = workload;
  const { decoder, model } = await openServing(task);
  const cache = decoder.createCache(1, promptTokens + choiceTokens);
  const run: ChoiceRun = { scoreMs: [], naiveMs: [], difference: 0 };
  for (let question = -1; question < questions; question++) {
    const seed = 1_000 * (question + 2);
    const prompt = randomTokens(seed, promptTokens, vocabSize);
    const continuations = Array.from({ length: choices }, (_, choice) =>
      randomTokens(seed + 1 + choice, choiceTokens, vocabSize),
    );
    let started = performance.now();
    const scores = await model.score({ prompt, continuations });
    const scoreMs = performance.now() - started;
    started = performance.now();
    const sums: number[] = [];
    for (const continuation of continuations)
      sums.push(await scoreNaively(decoder, cache, prompt, continuation));
    const naiveMs = performance.now() - started;
    for (const [choice, { sum }] of scores.entries())
      run.difference = Math.max(run.difference, Math.abs(sum - (sums[choice] as number)));
    if (question < 0) continue; // warm-up
    run.scoreMs.push(scoreMs);
    run.naiveMs.push(naiveMs);
  }
  await model.close();
  return run;
}

/** The prompt and one choice in a single forward pass. */
async function scoreNaively(
  decoder: Decoder,
  cache: ReturnType<Decoder['createCache']>,
  prompt: readonly number[],
  continuation: readonly number[],
): Promise<number> {
  cache.truncate(0, 0);
  const tokens = [...prompt, ...continuation.slice(0, -1)];
  const { logprobs } = await decoder.step({
    cache,
    rows: [{ slot: 0, tokens }],
    wanted: continuation.map((_, i) => [0, prompt.length - 1 + i] as const),
    targets: continuation,
  });
  return logprobs.reduce((sum, logprob) => sum + logprob, 0);
}

export interface GrowthRun {
  questionMs: { p50Ms: number; p99Ms: number };
  /** Numbers of questions answered, and resident memory then. */
  questions: number[];
  rssMb: number[];
}

/** Small questions in a row; memory is read after a collection, every fiftieth of them. */
export async function runGrowth(task: DecoderTask, questions: number, vocabSize: number): Promise<GrowthRun> {
  // A prefix cache that is full at once: its growth up to its bound is no leak.
  const { model } = await openServing(task, { prefixCacheBytes: 4 * 2 ** 20 });
  const times: number[] = [];
  const run: GrowthRun = { questionMs: { p50Ms: 0, p99Ms: 0 }, questions: [], rssMb: [] };
  const every = Math.max(1, Math.floor(questions / 50));
  const warmUp = Math.ceil(questions / 10);
  for (let question = 1 - warmUp; question <= questions; question++) {
    const seed = 50_000 + 10 * question;
    const prompt = randomTokens(seed, 8 + (Math.abs(question) % 12), vocabSize);
    const continuations = [1, 2].map((choice) => randomTokens(seed + choice, 2, vocabSize));
    const started = performance.now();
    await model.score({ prompt, continuations });
    if (question < 1) continue;
    times.push(performance.now() - started);
    if (question % every === 0) {
      globalThis.gc?.();
      run.questions.push(question);
      run.rssMb.push(processMemory().rssMb);
    }
  }
  await model.close();
  const { p50Ms, p99Ms } = latencyOf(times);
  return { ...run, questionMs: { p50Ms, p99Ms } };
}

interface Streamed {
  firstMs: number;
  /** When each token came. */
  times: number[];
  /** What the session's clock showed then. */
  sessionMs: number[];
}

async function stream(
  model: LanguageModel,
  clock: SessionClock,
  prompt: readonly number[],
  maxNewTokens: number,
): Promise<Streamed> {
  const streamed: Streamed = { firstMs: 0, times: [], sessionMs: [] };
  const started = performance.now();
  for await (const event of model.generate({ prompt, maxNewTokens, temperature: 0, ignoreEos: true })) {
    if (event.type !== 'token') continue;
    streamed.times.push(performance.now());
    streamed.sessionMs.push(clock.ms);
  }
  if (streamed.times.length !== maxNewTokens)
    throw new Error(`asked for ${maxNewTokens} tokens, got ${streamed.times.length}`);
  streamed.firstMs = (streamed.times[0] as number) - started;
  return streamed;
}

/** From the first token to the last. */
function overheadOf({ times, sessionMs }: Streamed): number {
  const spent = (sessionMs.at(-1) as number) - (sessionMs[0] as number);
  return 1 - spent / ((times.at(-1) as number) - (times[0] as number));
}

/** The clock is shared by all sequences: any of them shows what it was at a time. */
function sessionMsBetween(streams: readonly Streamed[], begin: number, end: number): number {
  const at = (wanted: number): number => {
    for (const { times, sessionMs } of streams) {
      const index = times.indexOf(wanted);
      if (index >= 0) return sessionMs[index] as number;
    }
    throw new Error('no sequence has a token of that time');
  };
  return at(end) - at(begin);
}

async function openServing(task: DecoderTask, limits: Partial<EngineLimits> = {}): Promise<Serving> {
  const clock: SessionClock = { ms: 0 };
  const decoder = await openDecoder(task.folder, {
    ...decoderOptions(task),
    wrapSession: (session) => timed(session, clock),
  });
  const tokenizer = await openTokenizer(join(task.folder, 'tokenizer.json'));
  const model = createLanguageModel({ decoder, tokenizer, limits });
  return { decoder, model, clock };
}

function timed(session: Session, clock: SessionClock): Session {
  return {
    inputs: session.inputs,
    outputs: session.outputs,
    writesInPlace: session.writesInPlace,
    async run(...args) {
      const started = performance.now();
      try {
        return await session.run(...args);
      } finally {
        clock.ms += performance.now() - started;
      }
    },
    close: () => session.close(),
  };
}
