/**
 * The quality of a question, 0 useless .. 10 faultless, by rules:
 *
 *     10 × Π (1 − weight · (1 − score))      over all rules
 *
 * so that one bad flaw is not made up for by much that is well: a rule of weight above 0.3 that fails altogether keeps
 * the score below 7. The rules see the draft and the chunks it names, nothing else.
 */
import { distractorRules } from './distractor-rules.js';
import { formRules } from './form-rules.js';
import { groundingRules } from './grounding-rules.js';
import { keyRules } from './key-rules.js';
import { leakRules } from './leak-rules.js';
import type { QualityRule } from './quality-rule.js';
import type { QuestionFacts } from './question-facts.js';

export const qualityRules: readonly QualityRule[] = [
  ...keyRules,
  ...groundingRules,
  ...leakRules,
  ...distractorRules,
  ...formRules,
];

export interface Evaluation {
  /** 0..10, two decimals. */
  score: number;
  /** The costliest first. */
  flaws: { rule: string; reason: string; cost: number }[];
}

export function evaluateQuestion(facts: QuestionFacts): Evaluation {
  let score = 10;
  const flaws: Evaluation['flaws'] = [];
  for (const { name, weight, check } of qualityRules) {
    const finding = check(facts);
    const cost = weight * (1 - finding.score);
    score *= 1 - cost;
    if (cost > 0) flaws.push({ rule: name, reason: finding.reason, cost });
  }
  return { score: Math.round(score * 100) / 100, flaws: flaws.sort((a, b) => b.cost - a.cost) };
}
