/** A rule of the quality evaluator: one thing that can be wrong with a question. */
import type { QuestionFacts } from './question-facts.js';

export interface QualityRule {
  /** Of one word or two, for counting. */
  name: string;
  /** Share of the score that a question loses which fails it altogether, 0..1. Above 0.3: such a question is not kept. */
  weight: number;
  check(facts: QuestionFacts): Finding;
}

export interface Finding {
  /** 0 fails altogether .. 1 nothing is wrong. */
  score: number;
  /** What is wrong, in words; empty where nothing is. */
  reason: string;
}

export const fine: Finding = { score: 1, reason: '' };

export function flaw(score: number, reason: string): Finding {
  return score >= 1 ? fine : { score: Math.max(0, score), reason };
}

/** 0 at `low` and beyond, 1 at `high` and beyond, linear between; `low` may be the larger. */
export function ramp(value: number, low: number, high: number): number {
  return Math.min(1, Math.max(0, (value - low) / (high - low)));
}

/** A text cut short, to be named in a reason. */
export function brief(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
