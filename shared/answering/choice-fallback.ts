/**
 * The last resort: an answer from the question alone, when no engine can be asked in time. It needs no knowledge
 * base and cannot fail, so that every row of a batch is written.
 *
 * Of the choices, the most informative is picked (the longest; known to be right more often than chance), for a
 * negated stem the most categorical (`모든`, `반드시`, `만`, …), since false statements in exams are over-stated.
 */
import type { Classification } from '../question/question.js';
import { overstatement } from './wording.js';

export interface FallbackAnswer {
  answer: string;
  /** Chance level of the question's form; an honest figure for a guess. */
  confidence: number;
}

const openAnswer =
  '제시된 자료만으로는 근거를 확인할 수 없어 답변을 확정할 수 없습니다. 관련 법령과 지침의 해당 조항을 확인하시기 바랍니다.';

export function fallbackAnswer(classification: Classification): FallbackAnswer {
  const { choices, negated } = classification;
  const [first, ...others] = choices;
  if (!first) return { answer: openAnswer, confidence: 0 };
  const score = (text: string): number => (negated ? overstatement(text) * 100 : text.length);
  let best = first;
  for (const choice of others) if (score(choice.text) > score(best.text)) best = choice;
  return { answer: String(best.number), confidence: 1 / choices.length };
}
