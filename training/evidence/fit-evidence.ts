/**
 * Fits the choice model on authored questions, and says how well it does on questions it has not seen.
 *
 *   haetae train fit-evidence
 *
 * Every question of `<folder>/*.csv` with `Question` and `Answer` is answered as the engine would, up to the
 * features. The strength of the prior (l2) is chosen by cross-validated log-likelihood; the temperature likewise
 * (Guo et al. 2017). The questions that accuracy is reported on elsewhere take no part.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type ChoiceModel, softmax, utilities } from '../../shared/answering/choice-model.js';
import { evidenceFeatures, featureNames } from '../../shared/answering/evidence-features.js';
import { readBundle } from '../../shared/bundle/bundle-store.js';
import { type LoadedParts, loadRuntime } from '../../shared/bundle/load-runtime.js';
import { HaetaeError } from '../../shared/errors.js';
import { readAnsweredQuestions } from '../../shared/evaluation/answered-questions.js';
import { classify } from '../../shared/question/classify.js';
import { seededRandom } from '../../shared/random.js';
import { writeAtomically } from '../../shared/write-atomically.js';
import { type FitExample, fitChoiceModel } from './fit-choice-model.js';

export interface FitEvidenceOptions {
  modelsDir: string;
  questions: string;
  out: string;
  log: (line: string) => void;
}

const strengths = [1, 3, 10, 30, 100];
const folds = 10;

export async function fitEvidence({
  modelsDir,
  questions,
  out,
  log,
}: FitEvidenceOptions): Promise<ChoiceModel> {
  const examples = await collectExamples(modelsDir, questions, log);
  let best = { l2: 0, logLikelihood: -Infinity, accuracy: 0, utilities: [] as number[][] };
  for (const l2 of strengths) {
    const result = crossValidate(examples, l2);
    log(
      `fit-evidence: l2 ${l2}: cross-validated accuracy ${result.accuracy.toFixed(3)}, log-likelihood ${result.logLikelihood.toFixed(4)}`,
    );
    if (result.logLikelihood > best.logLikelihood) best = { l2, ...result };
  }
  const temperature = fitTemperature(examples, best.utilities);
  const model: ChoiceModel = {
    description: `Conditional logit on ${examples.length} authored questions; made by: haetae train fit-evidence`,
    features: [...featureNames],
    ...fitChoiceModel(examples, best.l2),
    temperature,
    fit: {
      questions: examples.length,
      l2: best.l2,
      accuracy: best.accuracy,
      logLikelihood: best.logLikelihood,
    },
  };
  await writeAtomically(out, `${JSON.stringify(roundNumbers(model), null, 2)}\n`);
  log(`fit-evidence: wrote ${out} (temperature ${temperature.toFixed(2)}). Next: npm run setup`);
  return model;
}

async function collectExamples(
  modelsDir: string,
  folder: string,
  log: (line: string) => void,
): Promise<FitExample[]> {
  const { manifest } = await readBundle(modelsDir);
  const neutral = featureNames.map(() => 0);
  const choiceModel: ChoiceModel = {
    description: 'none',
    features: [...featureNames],
    scale: featureNames.map(() => 1),
    positive: neutral,
    negated: neutral,
    temperature: 1,
    fit: {},
  };
  const names = (await listFolder(folder)).filter((name) => name.endsWith('.csv')).sort();
  const runtime = await loadRuntime({ modelsDir, threads: 1, choiceModel });
  const examples: FitExample[] = [];
  try {
    for (const name of names) {
      for (const { question, answer } of await readAnsweredQuestions(join(folder, name))) {
        const example = await exampleOf(runtime.parts, question, answer, manifest.answering.evidencePassages);
        if (example) examples.push(example);
      }
      log(`fit-evidence: ${examples.length} questions after ${name}`);
    }
  } finally {
    await runtime.close();
  }
  if (examples.length < folds) {
    throw new HaetaeError(
      'USAGE',
      `${folder} holds ${examples.length} multiple-choice questions with answers, at least ${folds} are needed.`,
    );
  }
  return examples;
}

async function listFolder(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: unknown) => {
    throw new HaetaeError(
      'FILE_NOT_FOUND',
      `${folder} cannot be read. Name a folder of CSV files with Question and Answer.`,
      { path: folder },
      { cause: error },
    );
  });
}

async function exampleOf(
  { retriever, scorer }: LoadedParts,
  question: string,
  answer: string,
  topK: number,
): Promise<FitExample | undefined> {
  const classification = classify(question);
  const key = classification.choices.findIndex(({ number }) => String(number) === answer);
  if (key < 0) return undefined;
  const { passages } = await retriever.retrieve(question, { topK, rerank: false });
  const features = evidenceFeatures(await scorer.question(classification, passages));
  return {
    rows: features.map((feature) => featureNames.map((name) => feature[name])),
    key,
    negated: classification.negated,
  };
}

/** Utilities of every question from a model that has not seen it. */
function crossValidate(
  examples: readonly FitExample[],
  l2: number,
): { accuracy: number; logLikelihood: number; utilities: number[][] } {
  const random = seededRandom(7);
  const fold = examples.map(() => Math.floor(random() * folds));
  const held: number[][] = new Array(examples.length);
  for (let f = 0; f < folds; f++) {
    const weights = fitChoiceModel(
      examples.filter((_, i) => fold[i] !== f),
      l2,
    );
    const model = { ...weights, description: '', features: [], temperature: 1, fit: {} };
    for (const [i, { rows, negated }] of examples.entries())
      if (fold[i] === f) held[i] = utilities(model, rows, negated);
  }
  let right = 0;
  for (const [i, { key }] of examples.entries()) {
    const scores = held[i] as number[];
    if (scores.indexOf(Math.max(...scores)) === key) right++;
  }
  return {
    accuracy: right / examples.length,
    logLikelihood: meanLogLikelihood(examples, held, 1),
    utilities: held,
  };
}

/** The temperature of best cross-validated likelihood, by golden-section search over 0.3..3. */
function fitTemperature(examples: readonly FitExample[], held: readonly number[][]): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let low = 0.3;
  let high = 3;
  while (high - low > 1e-3) {
    const a = high - ratio * (high - low);
    const b = low + ratio * (high - low);
    if (meanLogLikelihood(examples, held, a) > meanLogLikelihood(examples, held, b)) high = b;
    else low = a;
  }
  return (low + high) / 2;
}

function meanLogLikelihood(
  examples: readonly FitExample[],
  held: readonly number[][],
  temperature: number,
): number {
  const logs = examples.map(({ key }, i) =>
    Math.log(softmax(held[i] as number[], temperature)[key] as number),
  );
  return logs.reduce((sum, value) => sum + value, 0) / logs.length;
}

/** Six significant digits are more than the data can tell, and keep the committed file readable. */
function roundNumbers<T>(value: T): T {
  return JSON.parse(JSON.stringify(value), (_, inner: unknown) =>
    typeof inner === 'number' ? Number(inner.toPrecision(6)) : inner,
  ) as T;
}
