/**
 * The answer of last resort, made of the question alone: no knowledge base, no engine, no waiting.
 *
 * It must never throw, because it is what everything else falls back to; so even a classifier that fails on
 * some text leaves an answer: choice 1.
 */
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

function guess(question: string): { classification: Classification; answer: string; confidence: number } {
  try {
    const classification = classify(question);
    return { classification, ...fallbackAnswer(classification) };
  } catch {
    return {
      classification: {
        questionType: 'open',
        stem: question,
        choices: [],
        negated: false,
        domain: 'general',
        confidence: 0,
      },
      answer: '1',
      confidence: 0,
    };
  }
}
