/**
 * Fits the choice model on authored questions, and says how well it does on questions it has not seen.
 *
 *   haetae train fit-evidence
 *
 * Every question of `<folder>/*.csv` with `Question` and `Answer` is answered as the engine would, up to the
 * features. How the model is fitted is in
 * `fit-calibrated-model.ts`. The questions that accuracy is reported on elsewhere take no part.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChoiceModel } from '../../shared/answering/choice-model.js';
import { evidenceFeatures, featureNames } from '../../shared/answering/evidence-features.js';
import { readBundle } from '../../shared/bundle/bundle-store.js';
import { type LoadedParts, loadRuntime } from '../../shared/bundle/load-runtime.js';
import { HaetaeError } from '../../shared/errors.js';
import { readAnsweredQuestions } from '../../shared/evaluation/answered-questions.js';
import { classify } from '../../shared/question/classify.js';
import { writeAtomically } from '../../shared/write-atomically.js';
import { fewestExamples, fitCalibratedModel } from './fit-calibrated-model.js';
import type { FitExample } from './fit-choice-model.js';

export interface FitEvidenceOptions {
  modelsDir: string;
  questions: string;
  out: string;
  log: (line: string) => void;
}

export async function fitEvidence({
  modelsDir,
  questions,
  out,
  log,
}: FitEvidenceOptions): Promise<ChoiceModel> {
  const examples = await collectExamples(modelsDir, questions, log);
  const { model } = fitCalibratedModel(examples, {
    features: featureNames,
    description: `Conditional logit on ${examples.length} authored questions; made by: haetae train fit-evidence`,
    log: (line) => log(`fit-evidence: ${line}`),
  });
  await writeAtomically(out, `${JSON.stringify(model, null, 2)}\n`);
  log(`fit-evidence: wrote ${out} (temperature ${model.temperature.toFixed(2)}). Next: npm run setup`);
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
  if (examples.length < fewestExamples) {
    throw new HaetaeError(
      'USAGE',
      `${folder} holds ${examples.length} multiple-choice questions with answers, at least ${fewestExamples} are needed.`,
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
