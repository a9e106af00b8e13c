/**
 * What the student is asked: as messages, as text and as token ids. Training reads the messages, the API the ids; a
 * test holds them to each other.
 *
 *   system      who it is, and that what stands between marks is to be read, not obeyed; the same for every prompt,
 *               so that its keys and values are computed once
 *   user        <자료 …>passages</자료>, <질문>…</질문>, what to write
 *   assistant   begun by the template; of a model without a template: `정답:`
 *
 * Questions and passages are others' texts: marks in them are taken apart, so are control tokens of the model and
 * characters that cannot be seen, so neither can end its place or begin another's.
 *
 * Too much context hurts small models, so a passage is cut to `passageTokens`; where the prompt does not fit the
 * context or the budget, the last passages go first, then the end of the only one left.
 */
import { HaetaeError } from '../errors.js';
import type { ChatMessage } from '../lm/chat-template.js';
import type { ControlTokens } from '../lm/control-tokens.js';
import type { LanguageModel } from '../lm/language-model.js';
import { askedText } from '../question/asked-text.js';
import { positiveStem } from '../question/positive-stem.js';
import type { Choice } from '../question/question.js';
import type { Chunk } from '../retrieval/chunk.js';
import {
  markPattern,
  type PromptSet,
  type PromptTaskName,
  type PromptWording,
  promptWordings,
} from './prompt-wording.js';

export type PromptModel = Pick<LanguageModel, 'tokenizer' | 'chatTemplate' | 'contextLength'>;
/** What a prompt shows of a passage. */
export type PromptPassage = Pick<Chunk, 'title' | 'section' | 'content'>;

export interface AskedPrompt {
  /** As the chat template takes them; of a model without one the text itself, as a user's message. */
  messages: ChatMessage[];
  /** As the model reads it. */
  text: string;
  ids: number[];
}

export interface PromptBudget {
  /** Tokens kept free behind the prompt: for the output, or the longest continuation. */
  reserveTokens: number;
  /** Longest prompt where time is short. Default: what the context allows. */
  maxPromptTokens?: number;
}

const passageTokens = 320;
/** What a cut may cost beyond what it keeps: the dots behind it, and tokens that meet otherwise. */
const cutMargin = 8;
/** Less of a passage says nothing. */
const leastPassageTokens = 24;

/** What is written for true and for false: one token in nearly every vocabulary. */
export const verdicts = { yes: 'O', no: 'X' } as const;

export class StudentPrompt {
  readonly #model: PromptModel;
  readonly #controls: ControlTokens;
  readonly #wording: PromptWording;
  /** Templates of some families have no place for a system message; then it stands above the user's. */
  readonly #takesSystem: boolean;

  constructor(model: PromptModel, controls: ControlTokens, set: PromptSet = 'ko-1') {
    this.#model = model;
    this.#controls = controls;
    this.#wording = promptWordings[set];
    const { system } = this.#wording;
    this.#takesSystem = system !== null && takesSystem(model.chatTemplate, system);
  }

  /** Whether it is given excerpts that fit the question, instead of whole passages. */
  get showsExcerpts(): boolean {
    return this.#wording.excerpts;
  }

  /** Asks for the number of the true choice. */
  label(
    stem: string,
    choices: readonly Choice[],
    passages: readonly PromptPassage[],
    budget: PromptBudget,
  ): Promise<AskedPrompt> {
    const lines = choices.map(({ number, text }) => `${number}. ${this.#line(text)}`);
    const question = this.#wording.question(this.#text(stem), lines);
    return this.#fit('label', [[question]], passages, budget).then(first);
  }

  /** Asks for the text of the answer. */
  continuation(stem: string, passages: readonly PromptPassage[], budget: PromptBudget): Promise<AskedPrompt> {
    return this.#fit('continuation', [[this.#question(stem)]], passages, budget).then(first);
  }

  /**
   * Asks of each choice whether it is true of what the stem asks about: one prompt a choice, alike but for it. What a
   * negated stem asks about is the opposite of what it asks for.
   */
  verify(
    stem: string,
    choices: readonly Choice[],
    passages: readonly PromptPassage[],
    budget: PromptBudget,
  ): Promise<AskedPrompt[]> {
    const question = this.#question(askedText(positiveStem(stem)));
    const bodies = choices.map(({ text }) => [question, this.#wording.statement(this.#text(text))]);
    return this.#fit('verify', bodies, passages, budget);
  }

  /** Asks for a few sentences. */
  open(stem: string, passages: readonly PromptPassage[], budget: PromptBudget): Promise<AskedPrompt> {
    return this.#fit('open', [[this.#question(stem)]], passages, budget).then(first);
  }

  /** Asks whether a text answers the query, which stands first: it is the same for all texts. */
  async rerank(query: string, text: string, budget: PromptBudget): Promise<AskedPrompt> {
    const question = this.#question(askedText(query));
    const room = this.#limit(budget);
    const shown = await this.#cut(text, passageTokens);
    const render = (part: string): Promise<AskedPrompt> =>
      this.#ask('rerank', [question, this.#wording.candidate(this.#text(part))]);
    const whole = await render(shown);
    if (whole.ids.length <= room) return whole;
    const bare = await render('');
    const shorter = await render(await this.#cut(shown, Math.max(0, room - bare.ids.length)));
    if (shorter.ids.length <= room) return shorter;
    if (bare.ids.length <= room) return bare;
    throw tooLong(bare.ids.length, room);
  }

  /** An answer's text, without control tokens: as it is scored, and as training learns it. */
  answer(text: string): string {
    return this.#controls.neutralize(text);
  }

  /** Prompts over the same passages, as many of them as fit the longest. */
  async #fit(
    task: PromptTaskName,
    bodies: readonly (readonly string[])[],
    passages: readonly PromptPassage[],
    budget: PromptBudget,
  ): Promise<AskedPrompt[]> {
    const room = this.#limit(budget);
    const render = (shown: readonly PromptPassage[]): Promise<AskedPrompt[]> =>
      Promise.all(bodies.map((body) => this.#ask(task, [...shown.map(this.#passage), ...body])));
    let shown: PromptPassage[] = await Promise.all(
      passages.map(async (passage) => ({
        ...passage,
        content: await this.#cut(passage.content, passageTokens),
      })),
    );
    for (let mayCut = true; ; ) {
      const prompts = await render(shown);
      const longest = Math.max(...prompts.map(({ ids }) => ids.length));
      if (longest <= room) return prompts;
      const [only, ...others] = shown;
      if (!only) throw tooLong(longest, room);
      if (others.length > 0) {
        shown = shown.slice(0, -1);
        continue;
      }
      const tokens = await this.#model.tokenizer.encode(only.content, { addSpecialTokens: false });
      const kept = tokens.length - (longest - room) - cutMargin;
      shown =
        mayCut && kept >= leastPassageTokens
          ? [{ ...only, content: await this.#cut(only.content, kept) }]
          : [];
      mayCut = false;
    }
  }

  readonly #passage = ({ title, section, content }: PromptPassage, index: number): string =>
    this.#wording.passage(this.#line(`${title} ${section}`), this.#text(content), index);

  #question(text: string): string {
    return this.#wording.question(this.#text(text));
  }

  #limit({ reserveTokens, maxPromptTokens = Infinity }: PromptBudget): number {
    return Math.min(this.#model.contextLength - reserveTokens, maxPromptTokens);
  }

  async #ask(task: PromptTaskName, parts: readonly string[]): Promise<AskedPrompt> {
    const { chatTemplate, tokenizer } = this.#model;
    const { system, cue, compose } = this.#wording;
    const user = compose(task, parts);
    const plain = system === null ? user : `${system}\n\n${user}`;
    // Whole messages, as training does it: of some tokenizers words of ours are control tokens.
    const say = (role: ChatMessage['role'], content: string): ChatMessage => ({
      role,
      content: this.#controls.neutralize(content),
    });
    const messages =
      this.#takesSystem && system !== null
        ? [say('system', system), say('user', user)]
        : [say('user', chatTemplate ? plain : `${plain}${cue}`)];
    const text = chatTemplate?.render(messages) ?? messages.map(({ content }) => content).join('');
    return { messages, text, ids: await tokenizer.encode(text, { addSpecialTokens: false }) };
  }

  /** The beginning of a text, in tokens. */
  async #cut(text: string, maxTokens: number): Promise<string> {
    const { tokenizer } = this.#model;
    const ids = await tokenizer.encode(text, { addSpecialTokens: false });
    if (ids.length <= maxTokens) return text;
    const kept = await tokenizer.decode(ids.slice(0, Math.max(0, maxTokens)), { skipSpecialTokens: false });
    // The last character may be cut in the middle of its bytes.
    return `${kept.replace(/\uFFFD+$/u, '').trimEnd()} …`;
  }

  /** Others' text, of which nothing is a mark or a control token. */
  #text(text: string): string {
    const visible = text
      .normalize('NFC')
      .replace(/\r\n?/gu, '\n')
      .replace(/[^\P{C}\n\t]/gu, '');
    const unmarked = visible.replace(markPattern, '‹');
    return this.#controls.neutralize(unmarked.replace(/\n{3,}/gu, '\n\n').trim());
  }

  #line(text: string): string {
    return this.#text(text.replace(/\s+/gu, ' ')).replaceAll('>', '›');
  }
}

function takesSystem(template: LanguageModel['chatTemplate'], system: string): boolean {
  if (!template) return false;
  try {
    const rendered = template.render([
      { role: 'system', content: system },
      { role: 'user', content: 'O' },
    ]);
    return rendered.includes(system);
  } catch {
    return false;
  }
}

function first<T>(list: readonly T[]): T {
  return list[0] as T;
}

function tooLong(tokens: number, room: number): HaetaeError {
  return new HaetaeError(
    'LM_CONTEXT_EXCEEDED',
    `The question alone is ${tokens} tokens, the model has room for ${room}. Shorten it.`,
    { tokens, room },
  );
}
