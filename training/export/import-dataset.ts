/**
 * Pairs that were made elsewhere, in the layouts that the DistiLLM-2 code and TRL read, as ours: a file with one JSON
 * list, or an object a line. Forms of an item:
 *
 * ```
 * {prompt, chosen, rejected}   prompt: text or messages; chosen, rejected: text, the answer as one message, or messages
 * {chosen, rejected}           messages that begin alike
 * ```
 *
 * `prompt_id`, `promptId` or `id` names the item, else a hash of its prompt does; `source`, `documentId` or `document_id`
 * the document, else the item is its own. These layouts have no prompt of the teacher's own, and none is read.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import { dataError } from '../data/data-error.js';
import { parseJsonDocument } from '../data/parse-json-document.js';
import type { ResponsePair } from '../formats/response-pair.js';

type Fields = Readonly<Record<string, unknown>>;

interface Item {
  value: unknown;
  /** `train.json[3]`, or `train.jsonl:4`. */
  where: string;
}

/**
 * @throws HaetaeError FILE_NOT_FOUND; TRAINING_DATA_INVALID naming the item and what is wrong with it
 */
export async function importDataset(path: string): Promise<ResponsePair[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new HaetaeError('FILE_NOT_FOUND', `${path} cannot be read: ${messageOf(error)}.`, { path });
  });
  const pairs: ResponsePair[] = [];
  const named = new Map<string, string>();
  const prompts = new Map<string, number>();
  for (const { value, where } of itemsOf(text, basename(path))) {
    const fields = objectOf(value, where);
    const pair = pairOf(fields, where);
    const own = idOf(fields, ['prompt_id', 'promptId', 'id'], where);
    let promptId = own;
    if (promptId === undefined) {
      const hash = hashOf(pair.messages);
      const before = prompts.get(hash) ?? 0;
      prompts.set(hash, before + 1);
      promptId = before === 0 ? hash : `${hash}-${before + 1}`;
    }
    const other = named.get(promptId);
    if (other !== undefined) {
      throw dataError(
        where,
        `it is named '${promptId}', as ${other} is.`,
        'Give each item a prompt_id of its own.',
      );
    }
    named.set(promptId, where);
    const source = idOf(fields, ['source', 'documentId', 'document_id'], where) ?? promptId;
    const { messages, chosen, rejected } = pair;
    pairs.push({
      promptId,
      prompt: messages.findLast(({ role }) => role === 'user')?.content ?? '',
      chosen: [...messages, { role: 'assistant', content: chosen }],
      rejected: [...messages, { role: 'assistant', content: rejected }],
      source,
    });
  }
  if (pairs.length === 0) throw dataError(basename(path), 'it holds no items.', 'Name another file.');
  return pairs;
}

function* itemsOf(text: string, name: string): Generator<Item> {
  const whole = text.replace(/^\uFEFF/u, '');
  if (whole.trimStart().startsWith('[')) {
    const list = parse(whole, name);
    if (!Array.isArray(list)) throw dataError(name, 'it is no list.', 'Correct the file.');
    for (const [index, value] of list.entries()) yield { value, where: `${name}[${index}]` };
    return;
  }
  for (const [index, line] of whole.split('\n').entries()) {
    const where = `${name}:${index + 1}`;
    if (line.trim() !== '') yield { value: parse(line, where), where };
  }
}

function parse(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw dataError(where, `this is not JSON (${messageOf(error)}).`, 'Correct the file.', error);
  }
}

function objectOf(value: unknown, where: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw dataError(where, 'the item is no object.', '{prompt, chosen, rejected} is needed.');
}

interface Pair {
  messages: ResponsePair['chosen'];
  chosen: string;
  rejected: string;
}

/** In the form of our own files, whose reader says what is wrong. */
function pairOf(fields: Fields, where: string): Pair {
  const { prompt } = fields;
  const before = Array.isArray(prompt) ? (prompt as unknown[]) : [];
  const answer = (side: unknown): unknown => {
    // TRL gives the answer alone where the prompt stands in a field of its own.
    if (before.length === 0) return side;
    if (typeof side === 'string') return [...before, { role: 'assistant', content: side }];
    return Array.isArray(side) && side.length === 1 ? [...before, ...(side as unknown[])] : side;
  };
  const { chosen, rejected } = fields;
  const hasMessages = Array.isArray(chosen) && chosen.length > 1;
  const ours = {
    // With messages, the prompt is what they begin with.
    prompt: typeof prompt === 'string' ? prompt : before.length > 0 || hasMessages ? 'messages' : prompt,
    chosen: answer(chosen),
    rejected: answer(rejected),
  };
  const read = parseJsonDocument(JSON.stringify(ours), where, 'pair');
  if (read.kind !== 'pair') throw new TypeError(`${where} was read as ${read.kind}`);
  const messages = read.prompt.map(({ role, content }) => ({ role, content }));
  return { messages, chosen: read.chosen, rejected: read.rejected };
}

function idOf(fields: Fields, names: readonly string[], where: string): string | undefined {
  for (const name of names) {
    const value = fields[name];
    if (value === undefined || value === null) continue;
    if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
    if (typeof value === 'string' && value.trim() !== '') return value;
    throw dataError(
      where,
      `${name} is ${JSON.stringify(value).slice(0, 60)}.`,
      'A text or a whole number is needed.',
    );
  }
  return undefined;
}

function hashOf(messages: ResponsePair['chosen']): string {
  return createHash('sha256').update(JSON.stringify(messages)).digest('hex').slice(0, 16);
}
