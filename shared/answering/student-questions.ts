/**
 * What the student is asked about a question in each mode, and the answers that are scored behind the prompt:
 *
 *   label         one prompt with all choices; the numbers of the choices
 *   continuation  one prompt without choices; their texts
 *   verify        one prompt for each choice; O and X
 *   open          one prompt; the answer is generated
 *
 * The API asks by it and training learns by it, so that what is learnt is what is scored, token by token.
 */
import type { Tokenizer } from '../lm/tokenizer.js';
import type { Classification } from '../question/question.js';
import type { Passage } from '../retrieval/retriever.js';
import type { ExcerptFinder } from './excerpts.js';
import {
  type AskedPrompt,
  type PromptBudget,
  type PromptPassage,
  type StudentPrompt,
  verdicts,
} from './student-prompt.js';

export type StudentMode = 'label' | 'continuation' | 'verify';

export interface StudentQuestionsParts {
  tokenizer: Pick<Tokenizer, 'encodeBatch'>;
  prompt: StudentPrompt;
  /** Passages that the student reads, best first. */
  passages: number;
  /** Where the prompts show excerpts (see `prompt-wording.ts`); without it passages are shown from their beginning. */
  excerpts?: ExcerptFinder | undefined;
}

export interface QuestionAsked {
  classification: Classification;
  passages: readonly Passage[];
  /** Longest prompt where time is short. Default: what the context allows. */
  maxPromptTokens?: number | undefined;
}

export interface AskedChoices {
  /** `verify`: one for each choice, alike but for it; else one. */
  prompts: AskedPrompt[];
  /** `verify`: of true, of false; else one for each choice. */
  answers: string[];
  /** Tokens of the answers. */
  continuations: number[][];
}

/** Tokens of an open answer. */
export const openAnswerTokens = 64;

export class StudentQuestions {
  readonly #parts: StudentQuestionsParts;

  constructor(parts: StudentQuestionsParts) {
    this.#parts = parts;
  }

  /** @throws HaetaeError LM_CONTEXT_EXCEEDED where the question alone is too long */
  async choices(mode: StudentMode, asked: QuestionAsked): Promise<AskedChoices> {
    const { tokenizer, prompt } = this.#parts;
    const { stem, choices } = asked.classification;
    const answers = this.#answers(mode, asked.classification);
    const continuations = await tokenizer.encodeBatch(answers, { addSpecialTokens: false });
    const budget = budgetOf(asked, Math.max(...continuations.map(({ length }) => length)));
    const chunks = await this.#shown(asked);
    const prompts =
      mode === 'verify'
        ? await prompt.verify(stem, choices, chunks, budget)
        : mode === 'label'
          ? [await prompt.label(stem, choices, chunks, budget)]
          : [await prompt.continuation(stem, chunks, budget)];
    return { prompts, answers, continuations };
  }

  /** @throws HaetaeError LM_CONTEXT_EXCEEDED where the question alone is too long */
  async open(asked: QuestionAsked): Promise<AskedPrompt> {
    const budget = budgetOf(asked, openAnswerTokens);
    return this.#parts.prompt.open(asked.classification.stem, await this.#shown(asked), budget);
  }

  #answers(mode: StudentMode, { choices }: Classification): string[] {
    if (mode === 'verify') return [verdicts.yes, verdicts.no];
    if (mode === 'label') return labelsOf(choices.map(({ number }) => number));
    return choices.map(({ text }) => this.#parts.prompt.answer(text));
  }

  async #shown(asked: QuestionAsked): Promise<PromptPassage[]> {
    const { prompt, excerpts, passages: count } = this.#parts;
    if (count === 0) return [];
    if (excerpts && prompt.showsExcerpts) return excerpts.excerpts(asked);
    return asked.passages.slice(0, count).map(({ chunk }) => chunk);
  }
}

function budgetOf({ maxPromptTokens }: QuestionAsked, reserveTokens: number): PromptBudget {
  return { reserveTokens, ...(maxPromptTokens === undefined ? {} : { maxPromptTokens }) };
}

/** `1`, `2`, …; where one begins another (1, 10), `1번`, `10번`, so that neither has the other's probability. */
export function labelsOf(numbers: readonly number[]): string[] {
  const labels = numbers.map(String);
  const ambiguous = labels.some((label, i) =>
    labels.some((other, j) => i !== j && other !== label && other.startsWith(label)),
  );
  return ambiguous ? labels.map((label) => `${label}번`) : labels;
}
