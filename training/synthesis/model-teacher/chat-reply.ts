/**
 * What a `/chat/completions` response says. Servers differ: content as text or as parts, a refusal in a field of its
 * own or as a finish reason, an error with status 200, usage that is missing or makes no sense.
 */
export interface ChatReply {
  text: string;
  finishReason: 'stop' | 'length' | 'refused';
  /** Null where the server gives none that makes sense. */
  usage: { promptTokens: number; completionTokens: number } | null;
}

/** The reply, or what is wrong with the body. */
export function readChatReply(body: string): ChatReply | string {
  let response: unknown;
  try {
    response = JSON.parse(body);
  } catch {
    return body.trim() === '' ? 'an empty body' : `a body that is not JSON: ${saidIn(body)}`;
  }
  if (!isObject(response)) return 'a body that is no JSON object';
  const choice: unknown = Array.isArray(response.choices) ? response.choices[0] : undefined;
  if (!isObject(choice) || !isObject(choice.message)) {
    return response.error ? `an error: ${saidIn(body)}` : 'a response without a choice';
  }
  const text = contentOf(choice.message.content);
  if (text === undefined) return 'a message whose content is no text';
  const { finish_reason: reason } = choice;
  const { refusal } = choice.message;
  const refused =
    reason === 'content_filter' || (typeof refusal === 'string' && refusal !== '' && text === '');
  return {
    text: refused && text === '' && typeof refusal === 'string' ? refusal : text,
    finishReason: refused ? 'refused' : reason === 'length' ? 'length' : 'stop',
    usage: usageOf(response.usage),
  };
}

const longestSaying = 300;

/** What a server says is wrong: the message of its JSON, else the text without tags, on one line and not too long. */
export function saidIn(body: string): string {
  let text = body;
  try {
    text = messageIn(JSON.parse(body)) ?? body;
  } catch {
    // not JSON: a page, or plain text
    text = body.replace(/<(script|style)\b[\s\S]*?<\/\1>|<[^>]*>/giu, ' ');
  }
  const line = text
    .slice(0, 20 * longestSaying)
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim();
  return line.length > longestSaying ? `${line.slice(0, longestSaying)}…` : line;
}

function messageIn(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return messageIn(value[0]);
  if (!isObject(value)) return undefined;
  for (const key of ['error', 'message', 'msg', 'detail']) {
    const found = messageIn(value[key]);
    if (found !== undefined) return found;
  }
  return undefined;
}

function contentOf(content: unknown): string | undefined {
  // Nothing but thoughts, calls or a refusal.
  if (content === null || content === undefined) return '';
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return undefined;
  return content.map((part) => (isObject(part) && typeof part.text === 'string' ? part.text : '')).join('');
}

function usageOf(usage: unknown): ChatReply['usage'] {
  if (!isObject(usage)) return null;
  const { prompt_tokens: promptTokens, completion_tokens: completionTokens } = usage;
  return isCount(promptTokens) && isCount(completionTokens) ? { promptTokens, completionTokens } : null;
}

const mostTokens = 100_000_000;

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= mostTokens;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
