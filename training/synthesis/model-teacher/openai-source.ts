/**
 * A model at a server that speaks the OpenAI protocol: `POST <baseUrl>/chat/completions`.
 *
 *   slot     at most `concurrency` requests at once; one that waits to be repeated keeps its slot
 *   budget   what it can cost at most is reserved, else TEACHER_BUDGET (`budget.ts`)
 *   pace     requests and tokens a minute; a server that says when to come back is believed (`request-pacer.ts`)
 *   request  with a timeout over the whole exchange (`ask-server.ts`)
 *
 * 408, 409, 425, 429, 5xx, failed connections, timeouts and bodies that cannot be read are asked again, `retries`
 * times (`retry-delay.ts`), then TEACHER_UNAVAILABLE. Everything else that is not a reply is TEACHER_REFUSED at once.
 *
 * Not covered: servers that take `max_completion_tokens` only; responses later than five minutes, where Node's `fetch`
 * gives up by itself.
 */
import type { Clock } from '../../../shared/clock.js';
import { HaetaeError } from '../../../shared/errors.js';
import { countTokens } from '../../../shared/text/token-count.js';
import type { OpenAiTeacherConfig } from '../../pipeline/pipeline-config.js';
import { askServer, type Outcome } from './ask-server.js';
import { Budget } from './budget.js';
import type { ChatReply } from './chat-reply.js';
import type { CompletionRequest, CompletionSource, Reply } from './model-teacher.js';
import { RequestPacer } from './request-pacer.js';
import { backOffMs } from './retry-delay.js';
import { Slots } from './slots.js';
import { waitFor } from './wait-for.js';

export interface OpenAiSourceOptions {
  apiKey?: string | undefined;
  /** What earlier processes have spent of `price.limit`. */
  spentBefore: number;
  fetch: typeof globalThis.fetch;
  clock: Clock;
  random: () => number;
  /** Milliseconds since 1970. */
  now: () => number;
  log(line: string): void;
}

export function openAiSource(config: OpenAiTeacherConfig, options: OpenAiSourceOptions): CompletionSource {
  return new OpenAiSource(config, options);
}

class OpenAiSource implements CompletionSource {
  readonly model: string;
  readonly identity: string;
  readonly #config: OpenAiTeacherConfig;
  readonly #options: OpenAiSourceOptions;
  readonly #url: string;
  readonly #slots: Slots;
  readonly #pacer: RequestPacer;
  readonly #budget: Budget;
  readonly #counts = { requests: 0, retries: 0 };

  constructor(config: OpenAiTeacherConfig, options: OpenAiSourceOptions) {
    this.model = config.model;
    // Not the address: the same model may be served from another tomorrow.
    this.identity = `openai:${config.model}`;
    this.#config = config;
    this.#options = options;
    this.#url = completionsUrl(config.baseUrl);
    this.#slots = new Slots(config.concurrency);
    this.#pacer = new RequestPacer(config, options.clock);
    this.#budget = new Budget(config.price.limit, options.spentBefore);
  }

  counts() {
    return { ...this.#counts, cost: this.#budget.spent - this.#options.spentBefore };
  }

  async close(): Promise<void> {}

  async reply(request: CompletionRequest, signal: AbortSignal): Promise<Reply> {
    const release = await this.#slots.take(signal);
    try {
      return await this.#askUntilAnswered(request, signal);
    } finally {
      release();
    }
  }

  async #askUntilAnswered(request: CompletionRequest, signal: AbortSignal): Promise<Reply> {
    const { clock, random, log } = this.#options;
    const attempts = this.#config.retries + 1;
    let reason = '';
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (attempt > 0) this.#counts.retries += 1;
      const outcome = await this.#ask(request, signal);
      if (outcome.kind === 'replied') return outcome.reply;
      reason = this.#withoutKey(outcome.reason);
      if (outcome.kind === 'refused') throw this.#refused(outcome, reason);
      const asked = outcome.retryAfterMs;
      if (asked !== null) this.#pacer.pause(asked);
      if (attempt + 1 === attempts) break;
      const delayMs = (asked ?? 0) + backOffMs(asked === null ? attempt : 0, random);
      log(
        `The teacher gave ${reason}. Attempt ${attempt + 2} of ${attempts} in ${(delayMs / 1000).toFixed(1)} s.`,
      );
      await waitFor(clock, delayMs, signal);
    }
    throw new HaetaeError(
      'TEACHER_UNAVAILABLE',
      `The teacher at ${this.#url} does not answer: ${attempts} attempts, and the last gave ${reason}. See whether the server is up; what was answered so far is kept.`,
      { attempts, reason },
    );
  }

  /** One request, paid for and counted. */
  async #ask(
    request: CompletionRequest,
    signal: AbortSignal,
  ): Promise<Exclude<Outcome, { kind: 'replied' }> | { kind: 'replied'; reply: Reply }> {
    const mostPrompt = mostPromptTokens(request);
    const mostCost = this.#price(mostPrompt, request.maxNewTokens);
    const reservation = await this.#budget.reserve(mostCost, signal);
    let cost = 0;
    try {
      const admission = await this.#pacer.admit(mostPrompt + request.maxNewTokens, signal);
      this.#counts.requests += 1;
      // Should it be aborted, nobody knows.
      cost = mostCost;
      const outcome = await askServer(
        { ...this.#options, url: this.#url, apiKey: this.#options.apiKey, timeoutMs: this.#config.timeoutMs },
        this.#body(request),
        signal,
      );
      if (outcome.kind === 'replied') {
        const reply = this.#counted(outcome.reply, request);
        cost = reply.cost;
        admission.settle(reply.promptTokens + reply.completionTokens);
        return { kind: 'replied', reply };
      }
      if (outcome.kind === 'refused' || !outcome.mayBePaid) cost = 0;
      return outcome;
    } finally {
      reservation.settle(cost);
    }
  }

  #body({ messages, temperature, topP, maxNewTokens, seed }: CompletionRequest): string {
    return JSON.stringify({
      model: this.#config.model,
      messages,
      temperature,
      top_p: topP,
      max_tokens: maxNewTokens,
      seed,
      stream: false,
    });
  }

  #counted({ text, finishReason, usage }: ChatReply, { messages }: CompletionRequest): Reply {
    const { promptTokens, completionTokens } = usage ?? {
      promptTokens: messages.reduce((sum, { content }) => sum + countTokens(content) + templateTokens, 0),
      completionTokens: countTokens(text),
    };
    const cost = this.#price(promptTokens, completionTokens);
    return { text, finishReason, promptTokens, completionTokens, estimated: usage === null, cost };
  }

  #price(promptTokens: number, completionTokens: number): number {
    const { prompt, completion } = this.#config.price;
    return (promptTokens * prompt + completionTokens * completion) / 1e6;
  }

  #refused({ status, ofPrompt }: Extract<Outcome, { kind: 'refused' }>, reason: string): HaetaeError {
    const remedy =
      status === 401 || status === 403
        ? 'Check the key in the variable that apiKeyEnv names.'
        : 'Check baseUrl and model, and what the server allows.';
    return new HaetaeError(
      'TEACHER_REFUSED',
      ofPrompt
        ? `The teacher at ${this.#url} refuses this prompt: ${reason}`
        : `The teacher at ${this.#url} refuses: ${reason}. ${remedy}`,
      { status, reason, ofPrompt },
    );
  }

  #withoutKey(text: string): string {
    const { apiKey } = this.#options;
    return apiKey ? text.replaceAll(apiKey, '[key]') : text;
  }
}

/** What a chat template adds to a message. */
const templateTokens = 8;
/** A system message that a template brings along. */
const ownSystemTokens = 64;

/** No tokeniser makes more tokens than a text has bytes. */
function mostPromptTokens({ messages }: CompletionRequest): number {
  return messages.reduce(
    (sum, { content }) => sum + Buffer.byteLength(content) + templateTokens,
    ownSystemTokens,
  );
}

/** @throws HaetaeError CONFIG_INVALID */
function completionsUrl(baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new HaetaeError(
      'CONFIG_INVALID',
      `baseUrl of the teacher must be an http or https address, e.g. http://127.0.0.1:8000/v1, got ${baseUrl}.`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new HaetaeError(
      'CONFIG_INVALID',
      'baseUrl of the teacher holds a user or password, which would show in messages. Put the key into the variable that apiKeyEnv names.',
    );
  }
  url.pathname = `${url.pathname.replace(/\/+$/u, '')}/chat/completions`;
  return url.href;
}
