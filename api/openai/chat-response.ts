/** Chat completions and their chunks, made of what the student generates. */
import { HaetaeError } from '../../shared/errors.js';
import type { FinishReason, GenerateEvent, GenerationUsage } from '../../shared/lm/language-model.js';
import { eventFrame } from '../event-stream.js';

type TokenEvent = Extract<GenerateEvent, { type: 'token' }>;
type EndEvent = Extract<GenerateEvent, { type: 'end' }>;

/** What every chunk of one completion has in common. */
export interface CompletionHead {
  id: string;
  /** Unix time, seconds. */
  created: number;
  /** Id of the bundle. */
  model: string;
}

interface Logprob {
  token: string;
  logprob: number;
  /** UTF-8; null where the token alone is no whole character. */
  bytes: number[] | null;
}

/** The whole completion, when it is there. */
export async function completionOf(
  events: AsyncIterable<GenerateEvent>,
  head: CompletionHead,
  withLogprobs: boolean,
): Promise<object> {
  const content: object[] = [];
  let end: EndEvent | undefined;
  for await (const event of events) {
    if (event.type === 'end') end = event;
    else if (withLogprobs) content.push(logprobOf(event));
  }
  if (end === undefined) throw cutShort();
  return {
    ...frameOf(head, 'chat.completion'),
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: end.text, refusal: null },
        logprobs: withLogprobs ? { content, refusal: null } : null,
        finish_reason: end.finishReason,
      },
    ],
    usage: usageOf(end.usage),
  };
}

/** The same as server-sent events: the role, the text as it comes, the reason of the end, `[DONE]`. */
export async function* chunksOf(
  events: AsyncIterable<GenerateEvent>,
  head: CompletionHead,
  { withLogprobs, includeUsage }: { withLogprobs: boolean; includeUsage: boolean },
): AsyncGenerator<string, void, undefined> {
  const chunk = (delta: object, logprobs: object | null, finishReason: FinishReason | null) =>
    eventFrame({
      ...frameOf(head, 'chat.completion.chunk'),
      choices: [{ index: 0, delta, logprobs, finish_reason: finishReason }],
      ...(includeUsage ? { usage: null } : {}),
    });
  let begun = false;
  let end: EndEvent | undefined;
  for await (const event of events) {
    if (!begun) yield chunk({ role: 'assistant', content: '', refusal: null }, null, null);
    begun = true;
    if (event.type === 'end') {
      end = event;
      yield chunk({}, null, event.finishReason);
    } else if (withLogprobs) {
      yield chunk({ content: event.text }, { content: [logprobOf(event)], refusal: null }, null);
    } else if (event.text !== '') {
      yield chunk({ content: event.text }, null, null);
    }
  }
  if (end === undefined) throw cutShort();
  if (includeUsage) {
    const usage = usageOf(end.usage);
    yield eventFrame({ ...frameOf(head, 'chat.completion.chunk'), choices: [], usage });
  }
  yield eventFrame('[DONE]');
}

function frameOf({ id, created, model }: CompletionHead, object: string): object {
  return { id, object, created, model, system_fingerprint: model };
}

function usageOf({ promptTokens, cachedTokens, completionTokens }: GenerationUsage): object {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  };
}

/** A token's own text is in the list of the likeliest; what became certain with it may be less, or more. */
function logprobOf({ id, text, logprob = 0, topLogprobs = [] }: TokenEvent): object {
  const own = topLogprobs.find((other) => other.id === id)?.text ?? text;
  return {
    ...asLogprob(own, logprob),
    top_logprobs: topLogprobs.map((other) => asLogprob(other.text, other.logprob)),
  };
}

function asLogprob(token: string, logprob: number): Logprob {
  return { token, logprob, bytes: token.includes('\ufffd') ? null : [...Buffer.from(token)] };
}

function cutShort(): HaetaeError {
  return new HaetaeError('INTERNAL', 'The student stopped without an end.');
}
