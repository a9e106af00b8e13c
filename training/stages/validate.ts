/**
 * Stage `validate`: which iteration's student goes on, and whether it may.
 *
 *   calibration questions   the start and each iteration: the best iteration is chosen (of equals the earlier one)
 *   validation questions    the start, the chosen one, the incumbent's student: the gate
 *
 * All read the same questions and passages, in one mode, by the code that serves them. The documents of the validation
 * questions were in no training data. The incumbent is measured as it is served: quantised, where it is.
 *
 * predictions.jsonl is a journal, which a start after a kill goes on with.
 */
import { join } from 'node:path';
import { readBundle } from '../../shared/bundle/bundle-store.js';
import { loadRuntime } from '../../shared/bundle/load-runtime.js';
import { HaetaeError } from '../../shared/errors.js';
import { type Rate, rateOf, rateText } from '../../shared/evaluation/wilson-interval.js';
import { Journal, readAllJsonLines } from '../formats/json-lines.js';
import { QaPair, type Split } from '../formats/qa-pair.js';
import { accuracyGate, compareAnswers } from '../gates/accuracy-gate.js';
import { answeringSeconds, studentShape } from '../model-stages/estimate-work.js';
import { studentAfter } from '../model-stages/student-folders.js';
import type { PipelineConfig } from '../pipeline/pipeline-config.js';
import type { StageContext, StageDefinition, StagePlace } from '../pipeline/stage-definition.js';
import { unloadable } from '../predictions/bundle-answers.js';
import { chosenName, writeChosen } from '../predictions/chosen-iteration.js';
import { splitQuestions } from '../predictions/measured-questions.js';
import {
  type PreparedQuestion,
  predict,
  predictionId,
  prepareQuestions,
  StudentPrediction,
} from '../predictions/student-predictions.js';
import type { GateDetails, StudentScores, ValidateDetails } from './details.js';

const predictionsName = 'predictions.jsonl';

const indexModels = ({ folderOf }: Pick<StagePlace, 'folderOf'>): string => join(folderOf('index'), 'models');
const questionsOf = ({ folderOf }: Pick<StagePlace, 'folderOf'>): string =>
  join(folderOf('synthesize'), 'qa.jsonl');
const iterations = ({ config }: Pick<StagePlace, 'config'>): number[] =>
  Array.from({ length: config.distill.iterations }, (_, i) => i + 1);

export const validate: StageDefinition = {
  name: 'validate',
  about: 'students against each other and the incumbent',
  isWanted: () => true,
  options: ({ config }) => ({
    ...{ seed: config.seed, validate: config.validate, iterations: config.distill.iterations },
    ...{ contextLength: config.student.contextLength, passages: config.student.passages },
    prompts: config.student.prompts,
  }),
  readsIncumbent: true,
  isGate: true,
  inputs(place) {
    const students = [0, ...iterations(place)].map((iteration) => studentAfter(place, iteration));
    return [questionsOf(place), indexModels(place), ...students];
  },
  outputs: [predictionsName, chosenName],
  code: {
    folders: [
      '../model',
      ...['../predictions', '../gates', '../prompts', '../data', '../formats', '../model-stages'],
      ...['../../shared/answering', '../../shared/lm', '../../shared/question', '../../shared/retrieval'],
      ...['../../shared/onnx', '../../shared/text', '../../shared/evaluation'],
    ],
    libraries: ['onnxruntime-node', 'tokenizers'],
  },
  async estimate(place) {
    const { config, incumbentId } = place;
    return {
      facts: [
        ['students', `${config.distill.iterations} and what they began as`],
        ['incumbent', incumbentId ?? 'none'],
        ['questions', `at most ${config.validate.questions} of calibration, as many of validation`],
      ],
      seconds: answeringSeconds(config, await studentShape(config), measuredAnswers(config)),
    };
  },
  async run(context) {
    const { folder, config, incumbentId, modelsDir } = context;
    const incumbent = incumbentId === null ? null : await incumbentStudent(modelsDir, incumbentId);
    const measuring = await openMeasuring(context, incumbent !== null);
    let details: ValidateDetails;
    try {
      const start = studentAfter(context, 0);
      const students: StudentScores[] = [
        await measuring.measure('start', start, 'calibration'),
        ...(await inTurn(iterations(context), (iteration) =>
          measuring.measure(nameOf(iteration), studentAfter(context, iteration), 'calibration'),
        )),
      ];
      const chosen = bestIteration(students.slice(1));
      students.push(await measuring.measure('start', start, 'validation'));
      students.push(await measuring.measure(nameOf(chosen), studentAfter(context, chosen), 'validation'));
      const served = incumbent && (await measuring.measureServed(incumbent));
      if (served) students.push(served);
      details = {
        ...{ mode: config.validate.mode, chosen, students: joined(students) },
        gate: gateOf(measuring.predictions, nameOf(chosen), served !== null, config.validate.minGain),
      };
      await writeChosen(folder, chosen);
    } finally {
      await measuring.close();
    }
    return {
      figures: figuresOf(details),
      details,
      ...(details.gate.passed ? {} : { rejected: details.gate.sentence }),
    };
  },
};

const nameOf = (iteration: number): string => `iteration ${iteration}`;

/** Folder of the student of a bundle; null where it has none. */
async function incumbentStudent(modelsDir: string, id: string): Promise<string | null> {
  const { folder, manifest } = await readBundle(modelsDir, id);
  return manifest.student && join(folder, manifest.student.path);
}

interface Measuring {
  measure(name: string, folder: string, split: 'calibration' | 'validation'): Promise<StudentScores>;
  /** The incumbent's; null where this program cannot open it, so that it cannot serve it either. */
  measureServed(folder: string): Promise<StudentScores | null>;
  /** Of all that was measured so far. */
  readonly predictions: StudentPrediction[];
  close(): Promise<void>;
}

async function openMeasuring(context: StageContext, hasIncumbent: boolean): Promise<Measuring> {
  const { config, threads, signal } = context;
  const { questions: count, mode } = config.validate;
  const pairs = (await readAllJsonLines(questionsOf(context), QaPair)).filter(({ choices }) => choices);
  const { manifest } = await readBundle(indexModels(context));
  const runtime = await loadRuntime({ modelsDir: indexModels(context), bundleId: manifest.id, threads });
  try {
    const { retriever, scorer: evidence } = runtime.parts;
    const { evidencePassages } = manifest.answering;
    const prepare = (split: Split): Promise<PreparedQuestion[]> =>
      prepareQuestions(
        splitQuestions(pairs, split, { count, seed: config.seed }),
        ...([retriever, evidencePassages, signal] as const),
      );
    const questions = {
      calibration: await prepare('calibration'),
      validation: await prepare('validation'),
    };
    const journal = await Journal.open(
      join(context.folder, predictionsName),
      StudentPrediction,
      predictionId,
    );
    const progress = context.progress(
      'answers',
      questions.calibration.length * (config.distill.iterations + 1) +
        questions.validation.length * (hasIncumbent ? 3 : 2),
    );
    const { contextLength, passages, prompts } = config.student;
    const all: StudentPrediction[] = [];
    const measuring: Measuring = {
      predictions: all,
      measureServed: (folder) =>
        measuring.measure('incumbent', folder, 'validation').catch((error: unknown) => {
          if (!(error instanceof HaetaeError) || !unloadable.has(error.code)) throw error;
          context.log(`the student that is served is not compared with: ${error.message}`);
          return null;
        }),
      async measure(name, folder, split) {
        const { precision, predictions } = await predict(questions[split], {
          ...{ name, folder, split, mode, prompts, passages, contextLength, threads },
          ...{ evidence, journal, progress, signal },
        });
        all.push(...predictions);
        const right = predictions.filter(({ correct }) => correct).length;
        const rates: Record<typeof split, Rate | null> = { calibration: null, validation: null };
        rates[split] = rateOf(right, predictions.length);
        context.log(`${name}: ${rateText(rateOf(right, predictions.length))} of ${split}`);
        return { name, precision, ...rates };
      },
      async close() {
        progress.stop();
        await Promise.all([journal.close(), runtime.close()]);
      },
    };
    return measuring;
  } catch (error) {
    await runtime.close();
    throw error;
  }
}

/** Of all students on both splits, as far as a plan can know. */
function measuredAnswers({ synthesize, validate, distill }: PipelineConfig): number {
  const { questions, openShare, calibrationShare, validationShare } = synthesize;
  const of = (share: number): number => Math.min(validate.questions, questions * (1 - openShare) * share);
  return (distill.iterations + 1) * of(calibrationShare) + 3 * of(validationShare);
}

/** From 1; of equals the earlier: what further iterations did not better is not worth more. */
export function bestIteration(scores: readonly Pick<StudentScores, 'calibration'>[]): number {
  const rates = scores.map(({ calibration }) => calibration?.rate ?? 0);
  return rates.indexOf(Math.max(...rates)) + 1;
}

function gateOf(
  predictions: readonly StudentPrediction[],
  chosen: string,
  hasIncumbent: boolean,
  minGain: number,
): GateDetails {
  const of = (student: string): StudentPrediction[] =>
    predictions.filter((it) => it.student === student && it.split === 'validation');
  const [candidate, incumbent] = [of(chosen), of('incumbent')];
  const pairs = candidate.map(({ correct }, i) => ({
    candidate: correct,
    incumbent: incumbent[i]?.correct ?? false,
  }));
  const comparison = hasIncumbent ? compareAnswers(pairs) : null;
  return accuracyGate({ questions: pairs.length, comparison }, minGain, {
    candidate: 'The student',
    incumbent: 'student that is served',
  });
}

/** One entry for each student, with what was measured of it. */
function joined(scores: readonly StudentScores[]): StudentScores[] {
  const byName = new Map<string, StudentScores>();
  for (const score of scores) {
    const { calibration, validation } = byName.get(score.name) ?? { calibration: null, validation: null };
    byName.set(score.name, {
      ...score,
      calibration: score.calibration ?? calibration,
      validation: score.validation ?? validation,
    });
  }
  return [...byName.values()];
}

function figuresOf({ chosen, students, gate }: ValidateDetails): Record<string, number> {
  const accuracy = students.find(({ name }) => name === nameOf(chosen))?.validation?.rate;
  const { comparison } = gate;
  return {
    chosen,
    ...(accuracy === undefined ? {} : { accuracy: Number(accuracy.toFixed(4)) }),
    ...(comparison ? { incumbent: Number(comparison.incumbent.rate.toFixed(4)) } : {}),
  };
}

async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}
