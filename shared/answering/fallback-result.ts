/**
 * The answer of last resort, made of the question alone: no knowledge base, no engine, no waiting.
 *
 * It must never throw, because it is what everything else falls back to.
 */
import { splitChoices } from '../question/choices.js';
import { classify } from '../question/classify.js';
import type { Classification } from '../question/question.js';
import type { AnswerResult } from './answer.js';
import { fallbackAnswer } from './choice-fallback.js';

/** `reason` becomes `errorMessage`. */
export function fallbackResult(question: string, reason: string, bundleId = ''): AnswerResult {
  const { classification, answer, confidence } = guess(question);
  return {
    answer,
    confidence,
    usedFallback: true,
    errorMessage: reason,
    classification,
    choices: [],
    citations: [],
    timings: { classificationMs: 0, retrievalMs: 0, inferenceMs: 0, totalMs: 0 },
    bundleId,
  };
}

/** A question that the classifier refuses (empty, too long) still has its stem and choices. */
function classifyAnything(question: string): Classification {
  try {
    return classify(question);
  } catch {
    const { stem, choices } = splitChoices(question);
    const questionType = choices.length > 0 ? 'multiple-choice' : 'open';
    return { questionType, stem, choices, negated: false, domain: 'general', confidence: 0 };
  }
}

function guess(question: string): { classification: Classification; answer: string; confidence: number } {
  const classification = classifyAnything(question);
  return { classification, ...fallbackAnswer(classification) };
}
