/** Questions of `qa.jsonl` as they come over the wire, by split; their choices dealt anew; samples of them. */
import { createHash } from 'node:crypto';
import type { MeasuredQuestion } from '../../shared/evaluation/measured-question.js';
import { splitChoices } from '../../shared/question/choices.js';
import { seededRandom } from '../../shared/random.js';
import { shuffle } from '../data/shuffle.js';
import type { QaPair, Split } from '../formats/qa-pair.js';
import { questionText } from '../prompts/question-text.js';

/** The questions of a split, at most `count`: a sample by the seed, in the order of the file. */
export function splitQuestions(
  pairs: readonly QaPair[],
  split: Split,
  { count, seed }: { count: number; seed: number },
): MeasuredQuestion[] {
  const questions = pairs.filter((pair) => pair.split === split).map(questionOf);
  return sample(questions, count, seed);
}

export function questionOf(pair: QaPair): MeasuredQuestion {
  const { qaId, choices, answer, negated, domain, form } = pair;
  return {
    ...{ id: qaId, answer, negated, domain, form },
    text: questionText(pair),
    isOpen: choices === undefined,
    keywords: null,
  };
}

/** The same question with its choices dealt anew, by the seed and its text; `deal` 0 is as it was written. */
export function dealt<T extends MeasuredQuestion>(question: T, deal: number, seed: number): T {
  if (deal === 0 || question.isOpen) return question;
  const { stem, choices } = splitChoices(question.text);
  const random = seededRandom(
    createHash('sha256').update(`deal\n${seed}\n${deal}\n${question.text}`).digest().readUInt32BE(),
  );
  const order = shuffle([...choices], random);
  const key = order.findIndex(({ number }) => String(number) === question.answer);
  return {
    ...question,
    text: questionText({ question: stem, choices: order.map(({ text }) => text) }),
    answer: String(key + 1),
  };
}

/** A part of them drawn by the seed, in their order. */
export function sample<T>(items: readonly T[], count: number, seed: number): T[] {
  if (items.length <= count) return [...items];
  const order = Uint32Array.from(items, (_, index) => index);
  return [...shuffle(order, seededRandom(seed)).subarray(0, count)]
    .sort((a, b) => a - b)
    .map((index) => items[index] as T);
}
