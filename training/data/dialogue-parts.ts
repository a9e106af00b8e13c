/**
 * A conversation as the model meets it when it serves: the chat template's prompt up to the assistant's turn, then
 * what the assistant says and the token that ends its turn. Only those are learnt. Prompt and response are tokenised
 * apart, as they are in generation.
 *
 * Every assistant's turn is learnt where the template writes a longer conversation as a continuation of the shorter
 * one. Where it rewrites earlier turns (Qwen3 drops their thoughts), only the last one is.
 *
 * Without a template the response follows the prompt as it is.
 */
import { HaetaeError } from '../../shared/errors.js';
import type { ChatMessage, ChatTemplate } from '../../shared/lm/chat-template.js';
import { dataError } from './data-error.js';
import type { SequencePart } from './sequence-encoder.js';

export interface DialogueStyle {
  template: ChatTemplate | null;
  /** Token that ends the assistant's turn, and its text. */
  turnEnd: { id: number; text: string };
}

/**
 * @param messages at least two, the assistant's last.
 * @throws HaetaeError TRAINING_DATA_INVALID where the template refuses the messages, or none is there for them.
 */
export function dialogueParts(
  messages: readonly ChatMessage[],
  style: DialogueStyle,
  where: string,
): SequencePart[] {
  if (!style.template) return plainParts(messages, style, where);
  try {
    // Templates that trim what is said write the next turn behind the trimmed text.
    return (
      everyTurn(messages, style.template, style) ??
      everyTurn(messages.map(trimmed), style.template, style) ??
      lastTurn(messages, style.template, style)
    );
  } catch (error) {
    if (!(error instanceof HaetaeError)) throw error;
    throw dataError(where, error.message, 'Correct or remove it.', error);
  }
}

function everyTurn(
  messages: readonly ChatMessage[],
  template: ChatTemplate,
  style: DialogueStyle,
): SequencePart[] | undefined {
  const parts: SequencePart[] = [];
  let written = '';
  for (const [i, { role, content }] of messages.entries()) {
    if (role !== 'assistant' || i === 0) continue;
    const prompt = template.render(messages.slice(0, i));
    if (!prompt.startsWith(written)) return undefined;
    parts.push({ text: prompt.slice(written.length), isTrained: false }, ...answer(content, style));
    written = prompt + content + style.turnEnd.text;
  }
  return parts;
}

function lastTurn(
  messages: readonly ChatMessage[],
  template: ChatTemplate,
  style: DialogueStyle,
): SequencePart[] {
  const prompt = template.render(messages.slice(0, -1));
  return [{ text: prompt, isTrained: false }, ...answer(messages.at(-1)!.content, style)];
}

function plainParts(messages: readonly ChatMessage[], style: DialogueStyle, where: string): SequencePart[] {
  const [prompt, response] = messages;
  if (messages.length !== 2 || prompt!.role !== 'user') {
    throw dataError(
      where,
      `the conversation has ${messages.length} messages, and the tokenizer's folder has no chat template to write them with.`,
      'Give prompt and response, or a folder with a template.',
    );
  }
  return [{ text: prompt!.content, isTrained: false }, ...answer(response!.content, style)];
}

function answer(content: string, { turnEnd }: DialogueStyle): SequencePart[] {
  return [
    { text: content, isTrained: true },
    { ids: [turnEnd.id], isTrained: true },
  ];
}

function trimmed({ role, content }: ChatMessage): ChatMessage {
  return { role, content: content.trim() };
}
