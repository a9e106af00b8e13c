/**
 * What a decoder picks among the choices of questions, by the mean log-probability of a choice's tokens after the
 * stem: two models that agree on most questions answer alike, whatever they know.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readAnsweredQuestions } from '../../evaluation/answered-questions.js';
import { splitChoices } from '../../question/choices.js';
import { seededRandom } from '../../random.js';
import type { Decoder } from '../decoder.js';
import type { Tokenizer } from '../tokenizer.js';

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
      if (choices[right]) questions.push({ stem, choices: choices.map(({ text }) => text), answer: right });
    }
  }
  const random = seededRandom(seed);
  for (let i = 0; i < Math.min(count, questions.length); i++) {
    const j = i + Math.floor(random() * (questions.length - i));
    [questions[i], questions[j]] = [questions[j]!, questions[i]!];
  }
  return questions.slice(0, count);
}

/** Index of the likeliest choice of each question; null where stem and choice do not fit the model's positions. */
export async function pickChoices(
  decoder: Decoder,
  tokenizer: Tokenizer,
  questions: readonly ChoiceQuestion[],
  options: { onQuestion?: () => void; signal?: AbortSignal } = {},
): Promise<(number | null)[]> {
  const capacity = Math.min(2048, decoder.config.maxPositions);
  const cache = decoder.createCache(1, capacity);
  const picks: (number | null)[] = [];
  for (const { stem, choices } of questions) {
    options.signal?.throwIfAborted();
    const [prompt, ...continuations] = await tokenizer.encodeBatch(
      [`${stem}\n정답: `, ...choices.map((choice) => choice.trim() || ' ')],
      { addSpecialTokens: false },
    );
    picks.push(
      prompt!.length + Math.max(...continuations.map((ids) => ids.length)) > capacity
        ? null
        : await likeliest(prompt!, continuations),
    );
    options.onQuestion?.();
  }
  return picks;

  async function likeliest(prompt: readonly number[], continuations: readonly number[][]): Promise<number> {
    const context = prompt.slice(0, -1);
    const last = prompt.at(-1)!;
    cache.truncate(0, 0);
    if (context.length > 0) {
      await decoder.step({ cache, rows: [{ slot: 0, tokens: context }], targets: [last] });
    }
    let best = { index: 0, mean: -Infinity };
    for (const [index, ids] of continuations.entries()) {
      cache.truncate(0, context.length);
      const { logprobs } = await decoder.step({
        cache,
        rows: [{ slot: 0, tokens: [last, ...ids.slice(0, -1)] }],
        wanted: ids.map((_, i) => [0, i] as const),
        targets: ids,
      });
      const mean = logprobs.reduce((sum, logprob) => sum + logprob, 0) / ids.length;
      if (mean > best.mean) best = { index, mean };
    }
    return best.index;
  }
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
