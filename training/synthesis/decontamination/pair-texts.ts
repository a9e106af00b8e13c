/** The texts of a question and its answer that a model may learn from, as `Decontamination` compares them. */
import type { QaDraft } from '../../formats/qa-pair.js';

/** Stem; stem with choices; answer in words; explanation. */
export function pairTexts({
  question,
  choices,
  answer,
  explanation,
}: Pick<QaDraft, 'question' | 'choices' | 'answer' | 'explanation'>): (readonly string[])[] {
  return [
    [question],
    choices === undefined ? [answer] : [question, ...choices],
    ...(explanation === undefined ? [] : [[explanation]]),
  ];
}
