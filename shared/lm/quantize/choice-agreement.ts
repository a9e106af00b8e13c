/**
 * What a language model picks among the choices of questions, by the mean log-probability of a choice's tokens after the
 * stem: two models that agree on most questions answer alike, whatever they know.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { HaetaeError } from '../../errors.js';
import { readAnsweredQuestions } from '../../evaluation/answered-questions.js';
import { splitChoices } from '../../question/choices.js';
import { seededRandom } from '../../random.js';
import type { LanguageModel } from '../language-model.js';

export interface ChoiceQuestion {
  stem: string;
  choices: readonly string[];
  /** Index of the right choice. */
  answer: number;
}

export interface ChoiceAgreement {
  questions: number;
  /** Share of questions with the same pick. */
  agreement: number;
  /** Shares of right picks: of the reference, of the other. */
  accuracy: readonly [reference: number, other: number];
}

/** The multiple-choice questions of every CSV of a folder, `count` of them drawn by the seed. */
export async function sampleQuestions(folder: string, count: number, seed = 1): Promise<ChoiceQuestion[]> {
  const questions: ChoiceQuestion[] = [];
  const files = (await readdir(folder)).filter((name) => name.endsWith('.csv')).sort();
  for (const file of files) {
    for (const { question, answer } of await readAnsweredQuestions(join(folder, file))) {
      const { stem, choices } = splitChoices(question);
      const right = Number(answer) - 1;
      const texts = choices.map(({ text }) => text);
      if (texts[right] && texts.every((text) => text !== ''))
        questions.push({ stem, choices: texts, answer: right });
    }
  }
  const random = seededRandom(seed);
  for (let i = 0; i < Math.min(count, questions.length); i++) {
    const j = i + Math.floor(random() * (questions.length - i));
    [questions[i], questions[j]] = [questions[j]!, questions[i]!];
  }
  return questions.slice(0, count);
}

/** Index of the likeliest choice of each question; null where stem and choices do not fit the model's context. */
export async function pickChoices(
  model: Pick<LanguageModel, 'score'>,
  questions: readonly ChoiceQuestion[],
  options: { onQuestion?: () => void; signal?: AbortSignal } = {},
): Promise<(number | null)[]> {
  const picks: (number | null)[] = [];
  for (const { stem, choices } of questions) {
    const request = { prompt: `${stem}\n정답: `, continuations: choices };
    const scores = await model.score(request, options.signal).catch((error: unknown) => {
      if (error instanceof HaetaeError && error.code === 'LM_CONTEXT_EXCEEDED') return null;
      throw error;
    });
    picks.push(scores && likeliest(scores.map(({ sum, tokens }) => sum / tokens.length)));
    options.onQuestion?.();
  }
  return picks;
}

/** Of equals the first. */
function likeliest(means: readonly number[]): number {
  return means.reduce((best, mean, i) => (mean > means[best]! ? i : best), 0);
}

/** Questions that either model could not hold are left out. */
export function compareChoices(
  questions: readonly ChoiceQuestion[],
  reference: readonly (number | null)[],
  other: readonly (number | null)[],
): ChoiceAgreement {
  const both = questions
    .map(({ answer }, i) => ({ answer, reference: reference[i] ?? null, other: other[i] ?? null }))
    .filter((row) => row.reference !== null && row.other !== null);
  const share = (holds: (row: (typeof both)[number]) => boolean) =>
    both.length === 0 ? 0 : both.filter(holds).length / both.length;
  return {
    questions: both.length,
    agreement: share((row) => row.reference === row.other),
    accuracy: [share((row) => row.reference === row.answer), share((row) => row.other === row.answer)],
  };
}
