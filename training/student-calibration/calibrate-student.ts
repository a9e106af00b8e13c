/**
 * Fits the temperature of a bundle's student on authored validation questions, and writes it into the bundle.
 *
 *   haetae train calibrate [--bundle ID] [--mode label|continuation|verify] [--limit N]
 *
 * Every multiple-choice question of `<folder>/*.csv` is retrieved for and scored as the engine would; the utilities
 * give T (`fit-temperature.ts`). What is reported, and stored, is measured by cross-validation. Questions that
 * accuracy is reported on elsewhere (data/questions) take no part.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { StudentChoiceScorer, StudentMode } from '../../shared/answering/student-choice-scorer.js';
import { readBundle, updateManifest } from '../../shared/bundle/bundle-store.js';
import { type LoadedParts, loadRuntime } from '../../shared/bundle/load-runtime.js';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import { type AnsweredQuestion, readAnsweredQuestions } from '../../shared/evaluation/answered-questions.js';
import { classify } from '../../shared/question/classify.js';
import { seededRandom } from '../../shared/random.js';
import {
  type CalibrationQuality,
  calibrationQuality,
  crossValidate,
  fitTemperature,
  type ScoredQuestion,
} from './fit-temperature.js';

export interface CalibrateOptions {
  modelsDir: string;
  bundleId?: string;
  /** Folder of CSV files with Question and Answer. */
  questions: string;
  /** Default: the bundle's own; a bundle that answers by evidence needs one. It becomes the bundle's. */
  mode?: StudentMode;
  /** A seeded sample of this many questions instead of all. */
  limit?: number;
  threads: number;
  log: (line: string) => void;
}

export interface CalibrationReport extends CalibrationQuality {
  bundleId: string;
  mode: StudentMode;
  temperature: number;
  questions: number;
}

/** Fewer questions say nothing about a temperature. */
const fewest = 20;

/** @throws HaetaeError USAGE, FILE_NOT_FOUND, MODEL_NOT_LOADED; what loading the bundle throws */
export async function calibrateStudent(options: CalibrateOptions): Promise<CalibrationReport> {
  const { modelsDir, bundleId, threads, log } = options;
  const bundle = await readBundle(modelsDir, bundleId);
  const { id, answering } = bundle.manifest;
  const mode = options.mode ?? answering.mode;
  if (mode === 'evidence' || mode === 'combined') {
    throw new HaetaeError(
      'USAGE',
      `Bundle '${id}' answers by ${mode === 'evidence' ? 'evidence' : 'evidence and student together, whose model holds its own temperature'}. Name the mode to calibrate with --mode.`,
    );
  }
  const rows = await readQuestions(options.questions, options.limit);
  const runtime = await loadRuntime({ modelsDir, bundleId: id, threads });
  let questions: ScoredQuestion[];
  try {
    const scorer = runtime.parts.studentScorer?.(mode);
    if (!scorer) {
      throw new HaetaeError(
        'MODEL_NOT_LOADED',
        `Bundle '${id}' has no student to calibrate. Add one with: haetae models import`,
      );
    }
    questions = await scoreAll(rows, runtime.parts, scorer, answering.evidencePassages, log);
  } finally {
    await runtime.close();
  }
  const temperature = Number(fitTemperature(questions).toPrecision(6));
  const quality = crossValidate(questions);
  const before = calibrationQuality(questions, 1);
  log(
    `calibrate: ${mode}, ${questions.length} questions: accuracy ${quality.accuracy.toFixed(3)}, temperature ${temperature.toPrecision(3)}`,
  );
  log(
    `calibrate: ${figures('at temperature 1', before)}; ${figures('calibrated (cross-validated)', quality)}`,
  );
  const calibration = {
    temperature,
    questions: questions.length,
    negativeLogLikelihood: quality.negativeLogLikelihood,
    expectedCalibrationError: quality.expectedCalibrationError,
  };
  await updateManifest(bundle, { answering: { ...answering, mode, calibration } });
  log(`calibrate: wrote it into bundle ${id}. A server that runs takes it up when it is started anew.`);
  return { bundleId: id, mode, temperature, questions: questions.length, ...quality };
}

async function scoreAll(
  rows: readonly AnsweredQuestion[],
  { retriever }: LoadedParts,
  scorer: StudentChoiceScorer,
  topK: number,
  log: (line: string) => void,
): Promise<ScoredQuestion[]> {
  const scored: ScoredQuestion[] = [];
  let failed = 0;
  for (const [index, { question, answer }] of rows.entries()) {
    const classification = classify(question);
    const key = classification.choices.findIndex(({ number }) => String(number) === answer);
    if (key < 0) continue;
    try {
      const { passages } = await retriever.retrieve(question, { topK, rerank: false });
      const { values } = await scorer.utilities({ classification, passages });
      if (!values.every(Number.isFinite)) throw new Error('a score is no number');
      scored.push({ utilities: values, key });
    } catch (error) {
      failed += 1;
      if (failed === 1) log(`calibrate: left out, as the evidence would answer it: ${messageOf(error)}`);
    }
    if ((index + 1) % 100 === 0) log(`calibrate: scored ${index + 1} of ${rows.length} questions`);
  }
  if (failed > 1) log(`calibrate: left out ${failed} questions in all`);
  if (scored.length >= fewest) return scored;
  throw new HaetaeError(
    'USAGE',
    `${scored.length} multiple-choice questions could be scored, at least ${fewest} are needed.`,
  );
}

async function readQuestions(folder: string, limit: number | undefined): Promise<AnsweredQuestion[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw new HaetaeError(
      'FILE_NOT_FOUND',
      `${folder} cannot be read. Name a folder of CSV files with Question and Answer.`,
      { path: folder },
      { cause: error },
    );
  });
  const rows: AnsweredQuestion[] = [];
  for (const name of names.filter((each) => each.endsWith('.csv')).sort())
    rows.push(...(await readAnsweredQuestions(join(folder, name))));
  const choiceRows = rows.filter(({ question }) => classify(question).choices.length > 0);
  if (limit === undefined || limit >= choiceRows.length) return choiceRows;
  const random = seededRandom(1);
  const order = choiceRows.map((row) => ({ row, at: random() })).sort((a, b) => a.at - b.at);
  return order.slice(0, limit).map(({ row }) => row);
}

function figures(label: string, quality: CalibrationQuality): string {
  return `${label}: log-loss ${quality.negativeLogLikelihood.toFixed(3)}, calibration error ${quality.expectedCalibrationError.toFixed(3)}`;
}
