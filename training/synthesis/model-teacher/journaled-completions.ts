/**
 * Completions that are asked for once: a reply is on disk before anybody sees it, keyed by what was asked, so that a
 * process that is killed and started again asks only for what is missing. The same request, asked twice at the same
 * time, is one.
 */
import { createHash } from 'node:crypto';
import Type, { type Static } from 'typebox';
import { SingleFlight } from '../../../shared/cache/single-flight.js';
import type { Clock } from '../../../shared/clock.js';
import { HaetaeError } from '../../../shared/errors.js';
import { Journal } from '../../formats/json-lines.js';
import type { Completion, CompletionRequest, CompletionSource } from './model-teacher.js';
import { isRefusalOfPrompt, promptRefused } from './refusal.js';

const ReplyRecord = Type.Object(
  {
    key: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'sha256 of the request' }),
    model: Type.String(),
    text: Type.String({ description: 'As it came' }),
    finishReason: Type.Union([Type.Literal('stop'), Type.Literal('length'), Type.Literal('refused')]),
    promptTokens: Type.Integer({ minimum: 0 }),
    completionTokens: Type.Integer({ minimum: 0 }),
    estimated: Type.Boolean(),
    cost: Type.Number({ minimum: 0 }),
  },
  { additionalProperties: false },
);
type ReplyRecord = Static<typeof ReplyRecord>;
export type ReplyJournal = Journal<typeof ReplyRecord>;

/** @throws HaetaeError TRAINING_DATA_INVALID where a line but the last is broken */
export function openReplyJournal(path: string): Promise<ReplyJournal> {
  return Journal.open(path, ReplyRecord, ({ key }) => key, { durable: true });
}

/** What all replies in it have cost. */
export function costOf(journal: ReplyJournal): number {
  return journal.records().reduce((sum, { cost }) => sum + cost, 0);
}

export class JournaledCompletions {
  readonly #source: CompletionSource;
  readonly #journal: ReplyJournal;
  readonly #clock: Clock;
  readonly #flights = new SingleFlight<ReplyRecord>();
  readonly #working = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();
  readonly #counts = { fromJournal: 0, refused: 0, promptTokens: 0, completionTokens: 0, seconds: 0 };

  /** Both belong to it from here on, and are closed with it. */
  constructor(source: CompletionSource, journal: ReplyJournal, clock: Clock) {
    this.#source = source;
    this.#journal = journal;
    this.#clock = clock;
  }

  counts() {
    return { ...this.#source.counts(), ...this.#counts };
  }

  async complete(request: CompletionRequest, signal: AbortSignal): Promise<Completion> {
    const key = keyOf(request, this.#source.identity);
    const either = AbortSignal.any([signal, this.#closing.signal]);
    const work = (flightSignal: AbortSignal) => this.#tracked(this.#recordOf(key, request, flightSignal));
    try {
      const { value } = await this.#flights.run(key, work, either);
      return this.#completionOf(value);
    } catch (error) {
      if (isRefusalOfPrompt(error)) this.#counts.refused += 1;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new HaetaeError('CANCELLED', 'The teacher was closed.'));
    // What has just come is written down before the journal closes.
    await Promise.allSettled(this.#working);
    await this.#source.close();
    await this.#journal.close();
  }

  #completionOf(record: ReplyRecord): Completion {
    const { text, finishReason, promptTokens, completionTokens, estimated } = record;
    if (finishReason === 'refused') {
      throw promptRefused(`${this.#source.model} refuses this prompt: ${text || 'it was filtered'}`);
    }
    const usage = { promptTokens, completionTokens, estimated };
    return { text: withoutThoughts(text), finishReason, usage };
  }

  /** Looks into the journal inside the flight: what it finds there is on disk. */
  async #recordOf(key: string, request: CompletionRequest, signal: AbortSignal): Promise<ReplyRecord> {
    const known = this.#journal.get(key);
    if (known) {
      this.#counts.fromJournal += 1;
      return known;
    }
    const startedAt = this.#clock.now();
    try {
      const record = { key, model: this.#source.model, ...(await this.#source.reply(request, signal)) };
      await this.#journal.append(record);
      this.#counts.promptTokens += record.promptTokens;
      this.#counts.completionTokens += record.completionTokens;
      return record;
    } finally {
      this.#counts.seconds += (this.#clock.now() - startedAt) / 1000;
    }
  }

  #tracked<T>(work: Promise<T>): Promise<T> {
    const done = work.finally(() => this.#working.delete(done));
    this.#working.add(done);
    return done;
  }
}

/** Of everything that decides the reply, in a fixed order. */
function keyOf(request: CompletionRequest, identity: string): string {
  const { messages, temperature, topP, maxNewTokens, seed } = request;
  const asked = messages.map(({ role, content }) => [role, content]);
  const canonical = JSON.stringify([identity, asked, temperature, topP, maxNewTokens, seed]);
  return createHash('sha256').update(canonical).digest('hex');
}

/** Some servers leave the thoughts of a model in its text; templates may have written the mark that begins them. */
function withoutThoughts(text: string): string {
  const end = text.lastIndexOf('</think>');
  if (end >= 0) return text.slice(end + '</think>'.length).trim();
  return text.trimStart().startsWith('<think>') ? '' : text;
}
