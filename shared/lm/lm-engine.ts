/**
 * A language model that serves many requests at once over one decoder: continuous batching (Yu et al. 2022, Orca).
 *
 * The decoder blocks the process while it computes, so work is cut into steps with a turn of the event loop between
 * them, where messages get in: requests, cancellations. A round is at most two steps:
 *
 *   decode   one token for every running sequence, in one step over slots 0 to n − 1
 *   advance  for the request whose turn it is (`scheduler.ts`): a chunk of its prompt, less what the prefix cache
 *            has; then the branches of a scoring request
 *
 * A step that throws fails the requests in it, and no others.
 */
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../clock.js';
import { HaetaeError } from '../errors.js';
import type { ChatTemplate } from './chat-template.js';
import { checkContext, checkContinuations, checkSampling, checkTokens } from './check-request.js';
import type { Decoder, DecoderStep, StepResult } from './decoder.js';
import { type EngineLimits, engineLimits } from './engine-limits.js';
import type { EngineTask } from './engine-task.js';
import { GenerationTask } from './generation-task.js';
import { KvSlots } from './kv-slots.js';
import type {
  ContinuationScore,
  GenerateEvent,
  GenerateRequest,
  LanguageModel,
  LanguageModelStats,
  ScoreRequest,
} from './language-model.js';
import { PrefixCache } from './prefix-cache.js';
import { SamplerScratch } from './sampler-scratch.js';
import { Scheduler } from './scheduler.js';
import { ScoreTask } from './score-task.js';
import type { Tokenizer } from './tokenizer.js';

export interface LanguageModelOptions {
  decoder: Decoder;
  tokenizer: Tokenizer;
  chatTemplate?: ChatTemplate | null;
  limits?: Partial<EngineLimits>;
  clock?: Clock;
}

/** The decoder belongs to the language model from here on, and is closed with it. */
export function createLanguageModel(options: LanguageModelOptions): LanguageModel {
  return new LanguageModelEngine(options);
}

/** Does not keep a program alive that has nothing else to do: what it waits for is to give memory back. */
const engineClock: Clock = {
  now: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs).unref();
    return () => clearTimeout(timer);
  },
};

class LanguageModelEngine implements LanguageModel {
  readonly config: Decoder['config'];
  readonly tokenizer: Tokenizer;
  readonly chatTemplate: ChatTemplate | null;
  readonly contextLength: number;
  readonly precision: string;
  readonly #decoder: Decoder;
  readonly #limits: EngineLimits;
  readonly #clock: Clock;
  readonly #slots: KvSlots;
  readonly #prefixes: PrefixCache;
  readonly #scheduler: Scheduler<GenerationTask | ScoreTask>;
  readonly #scratch: SamplerScratch;
  /** The sequence in slot i is the i-th. */
  #running: GenerationTask[] = [];
  #loop: Promise<void> | null = null;
  #closed = false;
  #stopIdleTimer: () => void = () => {};
  readonly #counts = { promptTokens: 0, cachedTokens: 0, completionTokens: 0, steps: 0, rows: 0 };

  constructor({
    decoder,
    tokenizer,
    chatTemplate = null,
    limits,
    clock = engineClock,
  }: LanguageModelOptions) {
    this.#decoder = decoder;
    this.config = decoder.config;
    this.precision = decoder.precision;
    this.tokenizer = tokenizer;
    this.chatTemplate = chatTemplate;
    this.#clock = clock;
    this.#limits = engineLimits(limits);
    const { kvCacheBytes, prefixCacheBytes, maxTokens, maxSlots, maxQueue, turnTokens } = this.#limits;
    const bytesPerPosition = positionBytes(this.config);
    const prefixBytes = Math.min(prefixCacheBytes, Math.floor(kvCacheBytes / 2));
    const positions = Math.min(maxTokens, Math.floor((kvCacheBytes - prefixBytes) / bytesPerPosition));
    this.contextLength = Math.min(this.config.maxPositions, positions, this.#limits.contextLength);
    if (this.contextLength < 2) {
      throw new HaetaeError(
        'CONFIG_INVALID',
        `The engine's limits leave ${this.contextLength} positions, of ${bytesPerPosition} bytes each. Raise kvCacheBytes or maxTokens.`,
        { kvCacheBytes, bytesPerPosition },
      );
    }
    this.#slots = new KvSlots(decoder, maxSlots, positions, this.contextLength);
    this.#prefixes = new PrefixCache(decoder, bytesPerPosition, prefixBytes);
    this.#scheduler = new Scheduler(maxQueue, turnTokens);
    this.#scratch = new SamplerScratch(this.config.vocabSize);
  }

  async *generate(request: GenerateRequest, signal?: AbortSignal): AsyncGenerator<GenerateEvent, void> {
    const requestedAt = this.#clock.now();
    this.#checkOpen(signal);
    const sampling = checkSampling(request);
    const prompt = await this.#tokens('The prompt', request.prompt);
    checkContext(prompt.length, sampling.maxNewTokens, this.contextLength);
    const task = new GenerationTask(prompt, sampling, {
      tokenizer: this.tokenizer,
      eosTokenIds: this.config.eosTokenIds,
      scratch: this.#scratch,
      clock: this.#clock,
      requestedAt,
      ...(signal && { signal }),
    });
    this.#submit(task, signal);
    try {
      for (;;) {
        const event = await task.nextEvent();
        yield event;
        if (event.type === 'end') return;
      }
    } finally {
      task.leave();
    }
  }

  async score(request: ScoreRequest, signal?: AbortSignal): Promise<ContinuationScore[]> {
    const requestedAt = this.#clock.now();
    this.#checkOpen(signal);
    checkContinuations(request);
    const prompt = await this.#tokens('The prompt', request.prompt);
    const continuations = await Promise.all(
      request.continuations.map((text, i) => this.#tokens(`Continuation ${i + 1}`, text)),
    );
    for (const { length } of continuations) checkContext(prompt.length, length, this.contextLength);
    const task = new ScoreTask(prompt, continuations, {
      budget: Math.min(this.#limits.stepTokens, this.contextLength - prompt.length),
      branches: this.#decoder.supportsBranches,
      clock: this.#clock,
      requestedAt,
      ...(signal && { signal }),
    });
    this.#submit(task, signal);
    const scores = await task.scores;
    request.onUsage?.({
      promptTokens: prompt.length,
      cachedTokens: task.cachedTokens,
      completionTokens: continuations.reduce((sum, { length }) => sum + length, 0),
    });
    return scores;
  }

  stats(): LanguageModelStats {
    return {
      slots: this.#slots.slots,
      slotsInUse: this.#slots.inUse,
      queued: this.#scheduler.waiting,
      kvCacheBytes: this.#slots.bytes + this.#prefixes.bytes,
      ...this.#counts,
    };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#loop;
    this.#stopIdleTimer();
    this.#prefixes.clear();
    await this.#decoder.close();
  }

  #checkOpen(signal?: AbortSignal): void {
    if (this.#closed) throw closedError();
    signal?.throwIfAborted();
  }

  async #tokens(what: string, given: string | readonly number[]): Promise<readonly number[]> {
    const tokens =
      typeof given === 'string'
        ? await this.tokenizer.encode(given, { addSpecialTokens: false })
        : [...given];
    checkTokens(what, tokens, this.config.vocabSize);
    return tokens;
  }

  #submit(task: GenerationTask | ScoreTask, signal?: AbortSignal): void {
    this.#checkOpen(signal);
    this.#scheduler.add(task, this.#limits.maxSlots - this.#slots.inUse);
    this.#stopIdleTimer();
    this.#loop ??= this.#work();
  }

  async #work(): Promise<void> {
    // requests of the same turn of the event loop are seen together
    await setImmediate();
    try {
      while (this.#dropUnwanted()) {
        if (this.#running.length > 0) {
          await this.#decode();
          await setImmediate();
          if (!this.#dropUnwanted()) break;
        }
        if (this.#scheduler.size > 0) {
          await this.#advance();
          await setImmediate();
        }
      }
    } catch (error) {
      // no step failed, but what holds them together: nobody may wait for ever
      for (const task of [...this.#running, ...this.#scheduler.all()]) {
        this.#scheduler.remove(task);
        this.#slots.release(task);
        task.fail(error);
      }
      this.#running = [];
    }
    this.#loop = null;
    if (!this.#closed) this.#stopIdleTimer = this.#clock.after(this.#limits.idleMs, () => this.#rest());
  }

  /** Gives back the slots' memory; known prefixes stay. */
  #rest(): void {
    if (this.#slots.inUse === 0) this.#slots.clear();
  }

  /** Ends what nobody waits for, and everything when the model is closed. Returns whether work is left. */
  #dropUnwanted(): boolean {
    for (const task of [...this.#running, ...this.#scheduler.all()]) {
      if (this.#closed) this.#end(task, closedError());
      else if (task.cancelled) this.#end(task, task.cancelReason);
    }
    return this.#running.length + this.#scheduler.size > 0;
  }

  /** Takes a task out of the engine; with an error, it fails. */
  #end(task: GenerationTask | ScoreTask, error?: unknown): void {
    this.#scheduler.remove(task);
    this.#slots.release(task);
    const at = this.#running.indexOf(task as GenerationTask);
    if (at >= 0) {
      const last = this.#running.pop()!;
      if (last !== task) {
        this.#running[at] = last;
        this.#slots.place(last, at);
      }
    }
    if (error !== undefined) task.fail(error);
  }

  async #decode(): Promise<void> {
    const tasks = [...this.#running];
    const rows = tasks.map((task) => ({ slot: task.slot, tokens: [task.output.at(-1)!] }));
    let logits: Float32Array;
    try {
      ({ logits } = await this.#step({ cache: this.#slots.cache, rows }));
    } catch (error) {
      for (const task of tasks) this.#end(task, error);
      return;
    }
    const { vocabSize } = this.config;
    // all are drawn before anything is awaited: the logits are the decoder's
    const drawn = tasks.filter((task, row) => {
      try {
        task.draw(logits.subarray(row * vocabSize, (row + 1) * vocabSize));
        return true;
      } catch (error) {
        this.#end(task, error);
        return false;
      }
    });
    await Promise.all(drawn.map((task) => this.#deliver(task)));
  }

  async #advance(): Promise<void> {
    const task = this.#nextTask();
    if (!task) return;
    try {
      if (!task.prefilled) await this.#prefill(task);
      else if (task instanceof ScoreTask) await this.#scoreStep(task);
    } catch (error) {
      this.#end(task, error);
    }
  }

  #nextTask(): GenerationTask | ScoreTask | null {
    const failed: { task: EngineTask; error: unknown }[] = [];
    const task = this.#scheduler.next((waiting) => {
      try {
        return this.#admit(waiting);
      } catch (error) {
        failed.push({ task: waiting, error });
        return false;
      }
    });
    for (const { task: waiting, error } of failed) this.#end(waiting as GenerationTask, error);
    return task;
  }

  #admit(task: EngineTask): boolean {
    if (!this.#slots.acquire(task)) return false;
    task.startedAt = this.#clock.now();
    this.#counts.promptTokens += task.prompt.length;
    return true;
  }

  async #prefill(task: GenerationTask | ScoreTask): Promise<void> {
    const { cache } = this.#slots;
    const cached = this.#prefixes.fill(task.walk, cache, task.slot, task.prompt);
    task.cachedTokens += cached;
    this.#counts.cachedTokens += cached;
    const from = cache.length(task.slot);
    const budget = this.#running.length > 0 ? this.#limits.stepTokensBesideDecode : this.#limits.stepTokens;
    const tokens = task.prompt.slice(from, from + budget);
    const isLast = from + tokens.length === task.prompt.length;
    const step: DecoderStep = { cache, rows: [{ slot: task.slot, tokens }] };
    // the head is a quarter of a small model: only the prompt's last token needs it
    const { logits } = await this.#step(isLast ? step : { ...step, wanted: [] });
    this.#scheduler.use(tokens.length);
    this.#prefixes.keep(task.walk, cache, task.slot, task.prompt);
    if (!isLast) return;
    task.prefilled = true;
    if (task instanceof ScoreTask) {
      task.scorer.takePrompt(logits);
      this.#finishScore(task);
    } else {
      task.draw(logits);
      this.#scheduler.remove(task);
      this.#slots.place(task, this.#running.length);
      this.#running.push(task);
      await this.#deliver(task);
    }
  }

  async #scoreStep(task: ScoreTask): Promise<void> {
    const step = task.scorer.nextStep(this.#slots.cache, task.slot);
    task.scorer.take(await this.#step(step));
    this.#scheduler.use(step.rows[0]!.tokens.length);
    this.#finishScore(task);
  }

  #finishScore(task: ScoreTask): void {
    if (!task.scorer.done) return;
    this.#end(task);
    task.finish();
  }

  async #deliver(task: GenerationTask): Promise<void> {
    const before = task.output.length;
    try {
      const goesOn = await task.deliver();
      this.#counts.completionTokens += task.output.length - before;
      if (goesOn) return;
      this.#prefixes.keep(task.walk, this.#slots.cache, task.slot, [...task.prompt, ...task.output]);
      this.#end(task);
    } catch (error) {
      this.#end(task, error);
    }
  }

  async #step(step: DecoderStep): Promise<StepResult> {
    this.#counts.steps++;
    this.#counts.rows += step.rows.length;
    return this.#decoder.step(step);
  }
}

/** Bytes of the keys and values of one token in all layers, at float32: what caches hold, or (float16) half of it. */
function positionBytes({ nLayer, nKvHead, headDim }: Decoder['config']): number {
  return nLayer * 2 * nKvHead * headDim * 4;
}

function closedError(): HaetaeError {
  return new HaetaeError('ENGINE_UNAVAILABLE', 'The language model was closed. Open it again.');
}
