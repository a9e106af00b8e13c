/**
 * One line of a JSONL data file. Forms, told apart by their fields:
 *
 * ```
 * {text}                                   {messages: [{role, content}, …]}            {prompt, response}
 * {promptId, prompt, chosen, rejected}     chosen and rejected: text, or messages that end with the answer
 * {query, positive, negatives?}
 * ```
 *
 * Dialogues and pairs may have a `teacherPrompt`, a text or messages: what a teacher that sees more reads in place of the
 * prompt, the last answer behind it being the same.
 *
 * `source`, `documentId` or `docId` names the document it was made from; without one a pair is its own source by
 * `promptId`, any other line by file and line number. Further fields are passed over.
 */
import { messageOf } from '../../shared/errors.js';
import type { ChatMessage } from '../../shared/lm/chat-template.js';
import { dataError } from './data-error.js';
import { type DocumentKind, formsOf, type TrainingDocument } from './training-document.js';

type Fields = Readonly<Record<string, unknown>>;

const roles: readonly unknown[] = ['system', 'user', 'assistant'] satisfies ChatMessage['role'][];
const idFields = ['source', 'documentId', 'docId'] as const;

/** Raised while a line is read; `parseJsonDocument` adds where. */
class Unfit extends Error {}

/**
 * @param where `file:line`, also the document's id where the line names none.
 * @param kind what is wanted; without it any form is taken, an answer to a prompt before its plain text.
 * @throws HaetaeError TRAINING_DATA_INVALID
 */
export function parseJsonDocument(line: string, where: string, kind?: DocumentKind): TrainingDocument {
  try {
    const fields = objectOf(line);
    const found = kind ?? kindOf(fields);
    if (!found || !fits(fields, found)) {
      const named = Object.keys(fields).slice(0, 8).join(', ') || 'none';
      throw new Unfit(
        `the fields are ${named}; ${(kind ? [kind] : kinds).map((one) => formsOf[one]).join(', ')} is needed`,
      );
    }
    return parsers[found](fields, { where, documentId: documentIdOf(fields, found) ?? where });
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    throw dataError(where, `${error.message}.`, 'Correct or remove the line.');
  }
}

function objectOf(line: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new Unfit(`the line is not JSON (${messageOf(error)})`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Unfit('the line is JSON, but no object');
  return value as Fields;
}

/** Forms from the most particular one: a pair has a prompt too, and any line may carry its text besides. */
const kinds = ['pair', 'retrieval', 'dialogue', 'text'] as const satisfies DocumentKind[];

function kindOf(fields: Fields): DocumentKind | undefined {
  return kinds.find((kind) => fits(fields, kind));
}

function fits(fields: Fields, kind: DocumentKind): boolean {
  const has = (...names: string[]) => names.every((name) => fields[name] !== undefined);
  if (kind === 'pair') return has('prompt', 'chosen', 'rejected');
  if (kind === 'retrieval') return has('query', 'positive');
  if (kind === 'dialogue') return has('messages') || has('prompt', 'response');
  return has('text');
}

function documentIdOf(fields: Fields, kind: DocumentKind): string | undefined {
  for (const name of kind === 'pair' ? [...idFields, 'promptId'] : idFields) {
    const value = fields[name];
    if (value === undefined || value === null) continue;
    if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
    if (typeof value === 'string' && value.trim() !== '') return value;
    throw new Unfit(`${name} is ${shown(value)}; a text or a whole number is needed`);
  }
  return undefined;
}

type Located = Pick<TrainingDocument, 'where' | 'documentId'>;
const parsers: Record<DocumentKind, (fields: Fields, located: Located) => TrainingDocument> = {
  text: (fields, located) => ({ kind: 'text', ...located, text: textOf(fields.text, 'text', true) }),
  dialogue: (fields, located) => ({
    ...{ kind: 'dialogue', ...located, messages: dialogueOf(fields) },
    ...teacherPromptOf(fields),
  }),
  pair: pairOf,
  retrieval: (fields, located) => ({
    kind: 'retrieval',
    ...located,
    query: textOf(fields.query, 'query'),
    positive: textOf(fields.positive, 'positive'),
    negatives: listOf(fields.negatives ?? [], 'negatives').map((text, i) => textOf(text, `negatives[${i}]`)),
  }),
};

function dialogueOf(fields: Fields): ChatMessage[] {
  if (fields.messages !== undefined) return messagesOf(fields.messages, 'messages');
  return [
    { role: 'user', content: textOf(fields.prompt, 'prompt') },
    { role: 'assistant', content: textOf(fields.response, 'response') },
  ];
}

function pairOf(fields: Fields, located: Located): TrainingDocument {
  const prompt = textOf(fields.prompt, 'prompt');
  const chosen = answerOf(fields.chosen, 'chosen', prompt);
  const rejected = answerOf(fields.rejected, 'rejected', prompt);
  if (JSON.stringify(chosen.prompt) !== JSON.stringify(rejected.prompt))
    throw new Unfit('chosen and rejected answer different messages; a pair shares its prompt');
  const { promptId } = fields;
  return {
    kind: 'pair',
    ...located,
    promptId: typeof promptId === 'string' || typeof promptId === 'number' ? `${promptId}` : located.where,
    prompt: chosen.prompt,
    chosen: chosen.answer,
    rejected: rejected.answer,
    ...teacherPromptOf(fields),
  };
}

function teacherPromptOf({ teacherPrompt }: Fields): { teacherPrompt?: ChatMessage[] } {
  if (teacherPrompt === undefined || teacherPrompt === null) return {};
  if (!Array.isArray(teacherPrompt)) {
    return { teacherPrompt: [{ role: 'user', content: textOf(teacherPrompt, 'teacherPrompt') }] };
  }
  const messages = listedMessages(teacherPrompt, 'teacherPrompt');
  if (messages.length === 0 || messages.at(-1)!.role === 'assistant')
    throw new Unfit('teacherPrompt has to end with a message that the assistant answers');
  return { teacherPrompt: messages };
}

function answerOf(value: unknown, name: string, prompt: string): { prompt: ChatMessage[]; answer: string } {
  if (!Array.isArray(value))
    return { prompt: [{ role: 'user', content: prompt }], answer: textOf(value, name) };
  const messages = messagesOf(value, name);
  return { prompt: messages.slice(0, -1), answer: messages.at(-1)!.content };
}

/** At least one message of somebody, then the assistant's. */
function messagesOf(value: unknown, name: string): ChatMessage[] {
  const messages = listedMessages(value, name);
  if (messages.length < 2 || messages.at(-1)!.role !== 'assistant')
    throw new Unfit(`${name} has to end with an assistant's message that answers another`);
  return messages;
}

function listedMessages(value: unknown, name: string): ChatMessage[] {
  return listOf(value, name).map((message, i): ChatMessage => {
    const { role, content } = (message ?? {}) as { role?: unknown; content?: unknown };
    if (!roles.includes(role))
      throw new Unfit(`${name}[${i}].role is ${shown(role)}; one of ${roles.join(', ')} is needed`);
    const isSystem = role === 'system';
    return {
      role: role as ChatMessage['role'],
      content: textOf(content, `${name}[${i}].content`, isSystem),
    };
  });
}

function textOf(value: unknown, name: string, mayBeBlank = false): string {
  if (typeof value !== 'string') throw new Unfit(`${name} is ${shown(value)}; a text is needed`);
  if (!mayBeBlank && value.trim() === '') throw new Unfit(`${name} is empty`);
  if (/\p{Surrogate}/u.test(value))
    throw new Unfit(`${name} holds half of a character (a lone surrogate, which is no Unicode text)`);
  return value;
}

function listOf(value: unknown, name: string): unknown[] {
  if (!Array.isArray(value)) throw new Unfit(`${name} is ${shown(value)}; a list is needed`);
  return value;
}

function shown(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value).slice(0, 60);
}
