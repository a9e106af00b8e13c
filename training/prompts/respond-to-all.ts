/**
 * A response to each prompt that has none yet: several at once, each in the journal as soon as it is there. The first
 * failure stops the others, and what has come by then is kept.
 */
import type { Journal } from '../formats/json-lines.js';
import type { Response } from '../formats/response.js';
import type { TaskPrompt } from '../formats/task-prompt.js';

export interface Reply {
  text: string;
  finishReason: Response['finishReason'];
}

export interface Responder {
  /** Folder or name; `statute`. */
  readonly model: string;
  /** Prompts to be worked on at once, ≥ 1. */
  readonly atOnce: number;
  /** Null where it will not answer this prompt, but may the next. */
  respond(prompt: TaskPrompt, signal: AbortSignal): Promise<Reply | null>;
  close(): Promise<void>;
}

export type ResponseJournal = Journal<typeof Response>;

export interface RespondOptions {
  signal: AbortSignal;
  /** A prompt is done. */
  tick(): void;
}

/** @throws the signal's reason; what the responder throws */
export async function respondToAll(
  prompts: readonly TaskPrompt[],
  responder: Responder,
  journal: ResponseJournal,
  { signal, tick }: RespondOptions,
): Promise<void> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const left = prompts.values();
  const work = async (): Promise<void> => {
    // All workers take from one iterator: the next prompt goes to whoever is free.
    for (const prompt of left) {
      either.throwIfAborted();
      if (!isAnswered(prompt, journal)) {
        const reply = await responder.respond(prompt, either);
        if (reply) await journal.append(responseTo(prompt, responder.model, reply));
      }
      tick();
    }
  };
  const stopped = (error: unknown): never => {
    stop.abort(error);
    throw error;
  };
  const workers = Array.from({ length: responder.atOnce }, () => work().catch(stopped));
  const ends = await Promise.allSettled(workers);
  signal.throwIfAborted();
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed) throw stop.signal.reason;
}

/** A response to other words than those of the prompt is none. */
export function isAnswered(prompt: TaskPrompt, journal: ResponseJournal): boolean {
  return journal.get(prompt.promptId)?.formatPrompt === prompt.formatPrompt;
}

/** Responses in the order of the prompts, whatever the order they came in. */
export function inOrderOf(prompts: readonly TaskPrompt[], journal: ResponseJournal): Response[] {
  return prompts.flatMap((prompt) =>
    isAnswered(prompt, journal) ? [journal.get(prompt.promptId) as Response] : [],
  );
}

function responseTo(
  { promptId, messages, formatPrompt }: TaskPrompt,
  model: string,
  { text, finishReason }: Reply,
): Response {
  const prompt = messages.findLast(({ role }) => role === 'user')?.content ?? '';
  return { promptId, prompt, formatPrompt, generatedText: text, model, finishReason };
}
