/** An evaluation as one line of JSON: what is asked for most stands at the top; null: the files have no such question. */
import type { Evaluation } from './evaluate-bundle.js';

const noChoices = {
  ...{ accuracy: null, accuracyLow: null, accuracyHigh: null, byDomain: null, byType: null, ece: null },
  confidentHalfAccuracy: null,
};

export function evaluationJson(evaluation: Evaluation): string {
  const { choices, open, recall, speed, latency, ...about } = evaluation;
  const { accuracy, accuracyLow, accuracyHigh, byDomain, byType, ece, confidentHalfAccuracy, ...more } =
    choices ?? noChoices;
  const openScore = open && 0.6 * open.cosine + 0.4 * open.keywordRecall;
  const line = {
    ...about,
    ...{ accuracy, accuracyLow, accuracyHigh, byDomain, byType, ece, confidentHalfAccuracy },
    keywordRecall: open?.keywordRecall ?? null,
    openCosine: open?.cosine ?? null,
    openScore,
    score: accuracy !== null && openScore !== null ? 0.5 * accuracy + 0.5 * openScore : null,
    questionsPerSecond: speed?.questionsPerSecond ?? null,
    ...{ choices: choices && more, open, recall, speed, latency },
  };
  // Six decimals: a line that people can look at.
  return JSON.stringify(line, (_, value: unknown) =>
    typeof value === 'number' ? Number(value.toFixed(6)) : value,
  );
}
