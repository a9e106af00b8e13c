/** The messages of a chat completion, as OpenAI writes them, as the chat template takes them. */
import Type from 'typebox';
import type { ChatMessage } from '../../shared/lm/chat-template.js';
import { faultOf } from '../text-check.js';
import { refusal } from './open-ai-error.js';

const maxMessages = 1_000;
const maxParts = 100;
/** Longest text of one message, characters; a context of 128 Ki tokens holds less. */
const maxMessageLength = 1_000_000;

export const Messages = Type.Array(
  Type.Object({
    role: Type.Enum(['system', 'developer', 'user', 'assistant']),
    content: Type.Union([
      Type.String(),
      Type.Array(Type.Object({ type: Type.Literal('text'), text: Type.String() })),
    ]),
    name: Type.Optional(Type.String({ description: 'Ignored' })),
  }),
  { minItems: 1, maxItems: maxMessages },
);

/** What OpenAI puts into an assistant's message besides its text; only absent or empty ones can be honoured. */
const emptyInMessages = ['tool_calls', 'function_call', 'audio', 'refusal', 'annotations'];

/** Throws at the first message that does not fit, naming it as `messages[2].content`. */
export function readMessages(value: unknown): ChatMessage[] {
  if (value === undefined) throw refusal('messages', 'missing_required_parameter', "'messages' is missing.");
  if (!Array.isArray(value) || value.length === 0 || value.length > maxMessages) {
    throw refusal('messages', 'invalid_value', `'messages' must be a list of 1 to ${maxMessages} messages.`);
  }
  return value.map((message, index) => readMessage(message, `messages[${index}]`));
}

function readMessage(value: unknown, param: string): ChatMessage {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refusal(param, 'invalid_value', `'${param}' must be an object with role and content.`);
  const message = new Map<string, unknown>(Object.entries(value));
  const wanted = emptyInMessages.find((name) => !isEmpty(message.get(name)));
  if (wanted !== undefined) {
    throw refusal(
      `${param}.${wanted}`,
      'unsupported_parameter',
      `'${param}.${wanted}' is not supported here.`,
    );
  }
  return { role: readRole(message.get('role'), param), content: readContent(message.get('content'), param) };
}

function readRole(role: unknown, param: string): ChatMessage['role'] {
  if (role === 'developer') return 'system';
  if (role === 'system' || role === 'user' || role === 'assistant') return role;
  throw refusal(
    `${param}.role`,
    'invalid_value',
    `'${param}.role' must be system, developer, user or assistant.`,
  );
}

function readContent(content: unknown, param: string): string {
  const name = `${param}.content`;
  if (typeof content !== 'string' && !Array.isArray(content))
    throw refusal(name, 'invalid_value', `'${name}' must be a text, or a list of parts of type text.`);
  if (content.length > maxParts && Array.isArray(content))
    throw refusal(
      name,
      'invalid_value',
      `'${name}' has ${content.length} parts; at most ${maxParts} are taken.`,
    );
  const text = Array.isArray(content)
    ? content.map((part, index) => readPart(part, `${name}[${index}]`)).join('')
    : content;
  const fault = faultOf(text, maxMessageLength);
  if (fault !== undefined) throw refusal(name, 'invalid_value', `'${name}' ${fault}.`);
  return text;
}

function readPart(part: unknown, name: string): string {
  const { type, text } = (part ?? {}) as { type?: unknown; text?: unknown };
  if (type === 'text' && typeof text === 'string') return text;
  throw refusal(
    name,
    'invalid_value',
    `'${name}' must be a part of type text; nothing else can be read here.`,
  );
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}
