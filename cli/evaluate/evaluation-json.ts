/** An evaluation as one line of JSON: what is asked for most stands at the top; null: the files have no such question. */
import type { Evaluation } from './evaluate-bundle.js';

export function evaluationJson(evaluation: Evaluation): string {
  const { choices, open, recall, speed, latency, ...about } = evaluation;
  const openScore = open && 0.6 * open.cosine + 0.4 * open.keywordRecall;
  const line = {
    ...about,
    accuracy: choices?.accuracy ?? null,
    accuracyLow: choices?.accuracyLow ?? null,
    accuracyHigh: choices?.accuracyHigh ?? null,
    byDomain: choices?.byDomain ?? null,
    byType: choices?.byType ?? null,
    ece: choices?.ece ?? null,
    confidentHalfAccuracy: choices?.confidentHalfAccuracy ?? null,
    keywordRecall: open?.keywordRecall ?? null,
    openCosine: open?.cosine ?? null,
    openScore,
    score: choices && openScore !== null ? 0.5 * choices.accuracy + 0.5 * openScore : null,
    questionsPerSecond: speed?.questionsPerSecond ?? null,
    ...{ choices, open, recall, speed, latency },
  };
  // Six decimals: a line that people can look at.
  return JSON.stringify(line, (_, value: unknown) =>
    typeof value === 'number' ? Number(value.toFixed(6)) : value,
  );
}
