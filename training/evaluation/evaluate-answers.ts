/**
 * Accuracy of the served orchestrator on questions with answers.
 *
 *   haetae train evaluate [FILE] [--bundle ID] [--shuffles N]
 *
 * Answers are the evidence's or the student's, in the mode of the bundle. Multiple choice: accuracy with its standard error, by polarity and by domain, mean confidence, expected
 * calibration error (Guo et al. 2017, ten bins); with `--shuffles`, also over re-shuffled choices, since a
 * figure that moves with their order is no measure of anything else. Where the file names the supporting article
 * (`title`, `section`), the share of questions with a citation that points to it. Open questions (a `Keyword`
 * column): keyword recall and cosine to the reference under the bundle's embedder.
 */
import type { AnswerResult } from '../../shared/answering/answer.js';
import { loadRuntime } from '../../shared/bundle/load-runtime.js';
import { type AnsweredQuestion, readAnsweredQuestions } from '../../shared/evaluation/answered-questions.js';
import { expectedCalibrationError } from '../../shared/evaluation/calibration.js';
import { splitChoices } from '../../shared/question/choices.js';
import { seededRandom } from '../../shared/random.js';
import { articleKey } from './article-queries.js';

export interface EvaluateOptions {
  file: string;
  modelsDir: string;
  /** Default: the active one. */
  bundleId?: string;
  shuffles: number;
  /** Of native work; default 1. */
  threads?: number;
  log: (line: string) => void;
}

export interface AnswerScores {
  questions: number;
  accuracy: number;
  calibrationError: number;
  /** Share of questions whose named article is cited; NaN where the file names none. */
  citationHits: number;
}

interface Graded {
  correct: boolean;
  result: AnswerResult;
  row: AnsweredQuestion;
}

export async function evaluateAnswers({
  file,
  modelsDir,
  bundleId,
  shuffles,
  threads = 1,
  log,
}: EvaluateOptions): Promise<AnswerScores> {
  const runtime = await loadRuntime({ modelsDir, threads, ...(bundleId === undefined ? {} : { bundleId }) });
  const { student } = runtime.info;
  log(
    `bundle ${runtime.info.bundleId}: ${student && student.mode !== 'evidence' ? `student (${student.description}), ${student.mode}` : 'evidence'}`,
  );
  const rows = await readAnsweredQuestions(file);
  const choiceRows = rows.filter(({ question }) => splitChoices(question).choices.length > 0);
  const openRows = rows.filter((row) => !choiceRows.includes(row));
  const grade = async (list: readonly AnsweredQuestion[]): Promise<Graded[]> => {
    const graded: Graded[] = [];
    for (const row of list) {
      const result = await runtime.answer(row.question);
      graded.push({ correct: result.answer === row.answer, result, row });
    }
    return graded;
  };

  const graded = await grade(choiceRows);
  const scores = scoresOf(graded);
  if (graded.length > 0) report(graded, scores, log);
  if (shuffles > 0 && graded.length > 0) {
    const random = seededRandom(1);
    const accuracies: number[] = [];
    for (let i = 0; i < shuffles; i++) {
      accuracies.push(scoresOf(await grade(choiceRows.map((row) => shuffleChoices(row, random)))).accuracy);
    }
    log(
      `accuracy over ${shuffles} shuffles of the choices: ${accuracies.map((x) => x.toFixed(3)).join(' ')}`,
    );
  }
  if (openRows.length > 0) await reportOpen(openRows, runtime, log);
  await runtime.close();
  return scores;
}

function scoresOf(graded: readonly Graded[]): AnswerScores {
  const cited = graded.filter(({ row }) => row.columns.title && row.columns.section);
  const hits = cited.filter(({ result, row }) => {
    const wanted = articleKey({ title: row.columns.title as string, section: row.columns.section as string });
    return result.citations.some((citation) => articleKey(citation) === wanted);
  });
  return {
    questions: graded.length,
    accuracy: share(graded),
    calibrationError: expectedCalibrationError(
      graded.map(({ result, correct }) => ({ confidence: result.confidence, correct })),
    ),
    citationHits: hits.length / cited.length,
  };
}

function report(graded: readonly Graded[], scores: AnswerScores, log: (line: string) => void): void {
  const n = graded.length;
  const error = Math.sqrt((scores.accuracy * (1 - scores.accuracy)) / n);
  log(
    `accuracy ${scores.accuracy.toFixed(3)} ± ${error.toFixed(3)} (${n} questions), fallbacks ${graded.filter(({ result }) => result.usedFallback).length}`,
  );
  log(`expected calibration error ${scores.calibrationError.toFixed(3)}`);
  if (!Number.isNaN(scores.citationHits))
    log(`named article among the citations: ${scores.citationHits.toFixed(3)}`);
  for (const [label, members] of groups(graded))
    log(`  ${label.padEnd(24)} ${share(members).toFixed(3)}  (${members.length})`);
}

function groups(graded: readonly Graded[]): Map<string, Graded[]> {
  const map = new Map<string, Graded[]>();
  for (const item of graded) {
    const labels = [
      item.result.classification.negated ? 'negated stem' : 'positive stem',
      item.row.columns.domain ?? '',
    ];
    for (const label of labels.filter((name) => name !== ''))
      map.set(label, [...(map.get(label) ?? []), item]);
  }
  return map;
}

async function reportOpen(
  rows: readonly AnsweredQuestion[],
  runtime: Awaited<ReturnType<typeof loadRuntime>>,
  log: (line: string) => void,
): Promise<void> {
  let recall = 0;
  let cosine = 0;
  for (const { question, answer, columns } of rows) {
    const result = await runtime.answer(question);
    const keywords = (columns.Keyword ?? '').split(/[,\s]+/u).filter((word) => word !== '');
    recall += keywords.filter((word) => result.answer.includes(word)).length / Math.max(1, keywords.length);
    const vectors = await runtime.parts.embedder.embed([result.answer, answer]);
    const d = vectors.length / 2;
    for (let i = 0; i < d; i++) cosine += (vectors[i] as number) * (vectors[d + i] as number);
  }
  const n = rows.length;
  log(
    `open questions (${n}): keyword recall ${(recall / n).toFixed(3)}, cosine ${(cosine / n).toFixed(3)}, score ${((0.6 * cosine + 0.4 * recall) / n).toFixed(3)}`,
  );
}

function shuffleChoices(row: AnsweredQuestion, random: () => number): AnsweredQuestion {
  const { stem, choices } = splitChoices(row.question);
  const order = choices.map((choice) => ({ choice, at: random() })).sort((a, b) => a.at - b.at);
  const lines = order.map(({ choice }, index) => `${index + 1} ${choice.text}`);
  const key = order.findIndex(({ choice }) => String(choice.number) === row.answer);
  return { question: `${stem}\n${lines.join('\n')}`, answer: String(key + 1), columns: row.columns };
}

function share(graded: readonly Graded[]): number {
  return graded.filter(({ correct }) => correct).length / Math.max(1, graded.length);
}
