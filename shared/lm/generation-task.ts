/**
 * One generation: from logits to a token (logits processors, sampler), from the token to text (streamer, stop
 * texts), from both to events.
 */
import type { Clock } from '../clock.js';
import { seededRandom } from '../random.js';
import type { CheckedSampling } from './check-request.js';
import { EngineTask } from './engine-task.js';
import type { FinishReason, GenerateEvent, TokenLogprob } from './language-model.js';
import { type LogitsProcessor, repetitionPenalty } from './logits-processor.js';
import { sampleToken } from './sampler.js';
import type { SamplerScratch } from './sampler-scratch.js';
import { isEndOfSequence, StopText } from './stopping-criteria.js';
import { TextStreamer } from './text-streamer.js';
import { largestTokens, logSumExp } from './token-logprobs.js';
import type { Tokenizer } from './tokenizer.js';

/** A token that was drawn and not yet delivered. */
interface Drawn {
  id: number;
  logprob: number;
  top: { id: number; logprob: number }[];
}

type TokenEvent = Extract<GenerateEvent, { type: 'token' }>;

export class GenerationTask extends EngineTask {
  readonly output: number[] = [];
  readonly #sampling: CheckedSampling;
  readonly #tokenizer: Tokenizer;
  readonly #eosTokenIds: readonly number[];
  readonly #scratch: SamplerScratch;
  readonly #random: () => number;
  readonly #processors: LogitsProcessor[];
  readonly #streamer: TextStreamer;
  readonly #stopText: StopText;
  #drawn: Drawn | null = null;
  /** The last token, as long as text is held back: should none follow, that text is its own. */
  #pending: TokenEvent | null = null;
  #text = '';
  #firstTokenAt = 0;
  /** Events nobody has taken yet, and who waits for one. */
  readonly #events: GenerateEvent[] = [];
  #failure: { error: unknown } | null = null;
  #wake: () => void = () => {};

  constructor(
    prompt: readonly number[],
    sampling: CheckedSampling,
    options: {
      tokenizer: Tokenizer;
      eosTokenIds: readonly number[];
      scratch: SamplerScratch;
      clock: Clock;
      requestedAt: number;
      signal?: AbortSignal;
    },
  ) {
    // the last token is given out, never fed
    super(
      prompt,
      prompt.length + sampling.maxNewTokens - 1,
      options.clock,
      options.requestedAt,
      options.signal,
    );
    this.#sampling = sampling;
    this.#tokenizer = options.tokenizer;
    this.#eosTokenIds = options.eosTokenIds;
    this.#scratch = options.scratch;
    // Neighbouring seeds start far apart; unmixed, 0 draws a one-in-3,000 token second.
    this.#random = seededRandom(Math.imul(sampling.seed, 0x9e3779b1) + 0x7f4a7c15);
    const { repetitionPenalty: penalty } = sampling;
    this.#processors = penalty === 1 ? [] : [repetitionPenalty(penalty, prompt)];
    this.#streamer = new TextStreamer(options.tokenizer);
    this.#stopText = new StopText(sampling.stop);
  }

  /** Draws the next token. `logits` [vocabSize] are written to. */
  draw(logits: Float32Array): void {
    const { topLogprobs } = this.#sampling;
    // log-probabilities are those of the model: before anything is done to its logits
    const norm = topLogprobs === null ? 0 : logSumExp(logits);
    const top = largestTokens(logits, topLogprobs ?? 0).map((id) => ({ id, logprob: logits[id]! - norm }));
    const unprocessed = topLogprobs === null || this.#processors.length === 0 ? logits : logits.slice();
    for (const processor of this.#processors) processor.process(logits);
    const id = sampleToken(logits, this.#sampling, this.#random, this.#scratch);
    for (const processor of this.#processors) processor.accept(id);
    this.#drawn = { id, logprob: unprocessed[id]! - norm, top };
  }

  /** Gives out the token drawn last, and the end where it is one. Returns whether the generation goes on. */
  async deliver(): Promise<boolean> {
    const { id, logprob, top } = this.#drawn!;
    const { maxNewTokens, topLogprobs, ignoreEos } = this.#sampling;
    if (this.#firstTokenAt === 0) this.#firstTokenAt = this.clock.now();
    if (isEndOfSequence(id, this.#eosTokenIds, ignoreEos)) {
      await this.#finish('stop', null);
      return false;
    }
    this.output.push(id);
    const { text, stopText } = this.#stopText.push(await this.#streamer.push(id));
    const event: TokenEvent = { type: 'token', id, text };
    if (topLogprobs !== null) {
      event.logprob = logprob;
      event.topLogprobs = await Promise.all(top.map((entry) => this.#named(entry)));
    }
    this.#giveOut(this.#pending);
    this.#pending = event;
    if (stopText !== null) {
      await this.#finish('stop', stopText);
    } else if (this.output.length === maxNewTokens) {
      await this.#finish('length', null);
    } else {
      if (!this.#streamer.holds && !this.#stopText.holds) {
        this.#giveOut(event);
        this.#pending = null;
      }
      return true;
    }
    return false;
  }

  /** Events as they come, to the end or the failure. */
  async nextEvent(): Promise<GenerateEvent> {
    for (;;) {
      const event = this.#events.shift();
      if (event) return event;
      if (this.#failure) throw this.#failure.error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  override fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  /** Text that was held back belongs to the last token, which was held back with it. */
  async #finish(finishReason: FinishReason, stopText: string | null): Promise<void> {
    let stop = stopText;
    if (stop === null && this.#pending) {
      const rest = this.#stopText.push(await this.#streamer.end());
      stop = rest.stopText;
      this.#pending.text += rest.text + this.#stopText.end();
    }
    this.#giveOut(this.#pending);
    const now = this.clock.now();
    this.#push({
      type: 'end',
      finishReason: stop === null ? finishReason : 'stop',
      stopText: stop,
      text: this.#text,
      usage: {
        promptTokens: this.prompt.length,
        cachedTokens: this.cachedTokens,
        completionTokens: this.output.length,
      },
      timings: {
        queueMs: this.startedAt - this.requestedAt,
        prefillMs: this.#firstTokenAt - this.startedAt,
        decodeMs: now - this.#firstTokenAt,
        timeToFirstTokenMs: this.#firstTokenAt - this.requestedAt,
      },
    });
  }

  #giveOut(event: TokenEvent | null): void {
    if (event) {
      this.#text += event.text;
      this.#push(event);
    }
  }

  #push(event: GenerateEvent): void {
    this.#events.push(event);
    this.#wake();
  }

  async #named({ id, logprob }: { id: number; logprob: number }): Promise<TokenLogprob> {
    return { id, text: await this.#tokenizer.decode([id], { skipSpecialTokens: false }), logprob };
  }
}
