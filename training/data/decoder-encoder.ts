/**
 * Token sequences for causal language models, from a tokenizer folder in the Hugging Face layout.
 *
 * - text: what the tokenizer puts in front of a text (BOS, where it has one), the text, the end-of-text token;
 * - dialogues and pairs: see `dialogue-parts.ts`; the template is the one that serves.
 *
 * Control tokens inside of others' text are broken apart (`ControlTokens`): a document cannot end itself, a prompt
 * cannot open another turn.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HaetaeError } from '../../shared/errors.js';
import type { ChatMessage, ChatTemplate } from '../../shared/lm/chat-template.js';
import { openChatTemplate, servedTemplateVariables } from '../../shared/lm/chat-template-folder.js';
import { type ControlTokens, readControlTokens } from '../../shared/lm/control-tokens.js';
import { openTokenizer, type Tokenizer } from '../../shared/lm/tokenizer.js';
import { type DialogueStyle, dialogueParts } from './dialogue-parts.js';
import type { SequenceEncoder, SequencePart } from './sequence-encoder.js';
import type { TrainingDocument } from './training-document.js';

export interface DecoderEncoderOptions {
  /** The model's: `DecoderConfig.vocabSize`. */
  vocabSize: number;
  /** The model's: `DecoderConfig.eosTokenIds`, at least one. */
  eosTokenIds: readonly number[];
  /** `none`: prompt and response follow each other as they are, though the folder has a template. */
  chatTemplate?: 'folder' | 'none';
  /** Whether documents give the sequences of a teacher with a prompt of its own, behind theirs. Default: no. */
  teacherPrompts?: boolean;
  /** `keep`: prompts and texts are written with control tokens already, which shall act. Default `neutralize`. */
  controlTokens?: 'neutralize' | 'keep';
}

/** Files that decide the tokens; only the first has to be there. */
const decidingFiles = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
];
const formatVersion = 1;

/**
 * @throws HaetaeError MODEL_INVALID where the folder's files are absent or wrong, or the tokenizer knows more entries
 * than the model.
 */
export async function openDecoderEncoder(
  folder: string,
  options: DecoderEncoderOptions,
): Promise<SequenceEncoder> {
  const { vocabSize, eosTokenIds, chatTemplate = 'folder', controlTokens = 'neutralize' } = options;
  const { teacherPrompts = false } = options;
  const path = join(folder, 'tokenizer.json');
  const [tokenizer, controls, template, key] = await Promise.all([
    openTokenizer(path),
    readControlTokens(path),
    chatTemplate === 'folder' ? openChatTemplate(folder, { variables: servedTemplateVariables }) : null,
    hashFiles(folder, [
      ...[formatVersion, vocabSize, eosTokenIds, chatTemplate, controlTokens],
      ...(teacherPrompts ? ['teacherPrompts'] : []),
    ]),
  ]);
  requireKnownIds(path, tokenizer, vocabSize, eosTokenIds);
  const turnEnd = await turnEndOf(tokenizer, template, eosTokenIds);
  const textEnd = template ? (eosTokenIds.find((id) => id !== turnEnd) ?? turnEnd) : eosTokenIds[0]!;
  return new DecoderEncoder(
    { key, tokenizer, vocabSize, textStart: await textStartOf(tokenizer), textEnd, teacherPrompts },
    { template, turnEnd: { id: turnEnd, text: tokenizer.idToToken(turnEnd) ?? '' } },
    controlTokens === 'neutralize' ? controls : null,
  );
}

interface DecoderEncoderParts {
  key: string;
  tokenizer: Tokenizer;
  vocabSize: number;
  textStart: readonly number[];
  textEnd: number;
  teacherPrompts: boolean;
}

class DecoderEncoder implements SequenceEncoder {
  readonly kinds = ['text', 'dialogue', 'pair'] as const;
  readonly addSpecialTokens = false;
  readonly #parts: DecoderEncoderParts;
  readonly #style: DialogueStyle;
  readonly #controls: ControlTokens | null;

  constructor(parts: DecoderEncoderParts, style: DialogueStyle, controls: ControlTokens | null) {
    this.#parts = parts;
    this.#style = style;
    this.#controls = controls;
  }

  get key(): string {
    return this.#parts.key;
  }

  get tokenizer(): Tokenizer {
    return this.#parts.tokenizer;
  }

  get vocabSize(): number {
    return this.#parts.vocabSize;
  }

  sequences(document: TrainingDocument): SequencePart[][] {
    const { where } = document;
    if (document.kind === 'text') {
      return [
        [
          { ids: this.#parts.textStart, isTrained: true },
          { text: this.#plain(document.text), isTrained: true },
          { ids: [this.#parts.textEnd], isTrained: true },
        ],
      ];
    }
    if (document.kind === 'dialogue') {
      const messages = this.#messages(document.messages);
      const own = dialogueParts(messages, this.#style, where);
      const teacherPrompt = this.#teacherPrompt(document);
      if (!teacherPrompt) return [own];
      // The teacher's prompt is one to the last answer.
      const taught = dialogueParts([...teacherPrompt, messages.at(-1)!], this.#style, where);
      return [own, taught].map(onlyLastTrained);
    }
    if (document.kind === 'pair') {
      const teacherPrompt = this.#teacherPrompt(document);
      const prompts = [this.#messages(document.prompt), ...(teacherPrompt ? [teacherPrompt] : [])];
      return prompts.flatMap((prompt) =>
        [document.chosen, document.rejected].map((answer) =>
          onlyLastTrained(
            dialogueParts(
              [...prompt, { role: 'assistant', content: this.#plain(answer) }],
              this.#style,
              where,
            ),
          ),
        ),
      );
    }
    throw new TypeError(`${where} is a ${document.kind} document, which is for encoders`);
  }

  #teacherPrompt({ teacherPrompt }: { teacherPrompt?: readonly ChatMessage[] }): ChatMessage[] | undefined {
    return this.#parts.teacherPrompts && teacherPrompt ? this.#messages(teacherPrompt) : undefined;
  }

  #messages(messages: readonly ChatMessage[]): ChatMessage[] {
    return messages.map(({ role, content }) => ({ role, content: this.#plain(content) }));
  }

  #plain(text: string): string {
    return this.#controls?.neutralize(text) ?? text;
  }
}

/** Of a pair the answer is compared; earlier turns are its prompt. */
function onlyLastTrained(parts: SequencePart[]): SequencePart[] {
  return parts.map((part, i) => (i < parts.length - 2 ? { ...part, isTrained: false } : part));
}

/** What the post-processor puts before a text. */
async function textStartOf(tokenizer: Tokenizer): Promise<number[]> {
  const [[plain = []], [whole = []]] = await Promise.all([
    tokenizer.encodeBatch(['a'], { addSpecialTokens: false }),
    tokenizer.encodeBatch(['a'], { addSpecialTokens: true }),
  ]);
  const start = whole.findIndex((_, i) => plain.every((id, j) => whole[i + j] === id));
  return start > 0 ? whole.slice(0, start) : [];
}

/** The token that the template writes behind an answer, where it is one that ends generation. */
async function turnEndOf(
  tokenizer: Tokenizer,
  template: ChatTemplate | null,
  eosTokenIds: readonly number[],
): Promise<number> {
  const fallback = eosTokenIds[0]!;
  if (!template) return fallback;
  const answer = 'answer-7f3a';
  const rendered = template.render(
    [
      { role: 'user', content: 'question' },
      { role: 'assistant', content: answer },
    ],
    { addGenerationPrompt: false },
  );
  const behind = rendered.slice(rendered.lastIndexOf(answer) + answer.length);
  const [first] = await tokenizer.encode(behind.trimStart(), { addSpecialTokens: false });
  return first !== undefined && eosTokenIds.includes(first) ? first : fallback;
}

function requireKnownIds(
  path: string,
  tokenizer: Tokenizer,
  vocabSize: number,
  eosTokenIds: readonly number[],
): void {
  if (tokenizer.vocabSize > vocabSize) {
    throw new HaetaeError(
      'MODEL_INVALID',
      `${path} has ${tokenizer.vocabSize} entries, the model knows ${vocabSize}. They are not of the same model: take the tokenizer of the model, or a model of that size.`,
      { tokenizer: tokenizer.vocabSize, model: vocabSize },
    );
  }
  const unknown = eosTokenIds.find((id) => tokenizer.idToToken(id) === undefined);
  if (eosTokenIds.length > 0 && unknown === undefined) return;
  throw new HaetaeError(
    'MODEL_INVALID',
    unknown === undefined
      ? `${path}: no end-of-text token is named, so that a model could never learn to stop. Set eos_token_id in config.json.`
      : `${path} has no token ${unknown}, which the model ends a text with. Correct eos_token_id in config.json.`,
    { eosTokenIds: [...eosTokenIds] },
  );
}

async function hashFiles(folder: string, options: readonly unknown[]): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(options));
  for (const name of decidingFiles) {
    const bytes = await readFile(join(folder, name)).catch(() => undefined);
    hash.update(bytes ? `\n${name} ${bytes.length}\n` : `\nno ${name}`).update(bytes ?? '');
  }
  return hash.digest('hex');
}
