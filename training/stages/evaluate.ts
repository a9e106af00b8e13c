/**
 * Stage `evaluate`: the whole bundle, as it is served, against the one that is.
 *
 *   calibration questions   how it answers, and how sure it is (`answering-modes.ts`)
 *   validation questions    candidate, index with evidence alone, incumbent: the gate
 *   files                   the same three, for the report; they decide nothing
 *
 * models/ holds the candidate, under the id that it is published with. predictions.jsonl holds every answer and
 * modes.jsonl what the modes were chosen by: journals, which a start after a kill goes on with.
 */
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ChoiceModel } from '../../shared/answering/choice-model.js';
import { addBundleFile, type Bundle, readBundle, updateManifest } from '../../shared/bundle/bundle-store.js';
import { loadRuntime } from '../../shared/bundle/load-runtime.js';
import type { BundleManifest } from '../../shared/bundle/manifest.js';
import { maxProbes, takeProbes } from '../../shared/bundle/probes.js';
import { HaetaeError } from '../../shared/errors.js';
import { readFileQuestions } from '../../shared/evaluation/file-questions.js';
import type { MeasuredQuestion } from '../../shared/evaluation/measured-question.js';
import { writeAtomically } from '../../shared/write-atomically.js';
import { openEmbedder } from '../../shared/retrieval/onnx-embedder.js';
import { Journal, readAllJsonLines } from '../formats/json-lines.js';
import { QaPair, type Split } from '../formats/qa-pair.js';
import { completeBundle, draftBundle } from '../model-stages/candidate-bundle.js';
import { answeringSeconds, studentShape } from '../model-stages/estimate-work.js';
import { modelName } from '../model-stages/student-folders.js';
import type { PipelineConfig } from '../pipeline/pipeline-config.js';
import type { StageContext, StageDefinition, StagePlace } from '../pipeline/stage-definition.js';
import { CombinedExample, combinedExampleId, combineModes } from '../predictions/combined-mode.js';
import { answerCosines } from '../predictions/answer-cosines.js';
import {
  answeringModes,
  chooseMode,
  ModeScore,
  measureModes,
  modeScoreId,
} from '../predictions/answering-modes.js';
import {
  answerId,
  answersOf,
  askAll,
  BundleAnswer,
  type BundleRole,
  type QuestionSet,
  unloadable,
} from '../predictions/bundle-answers.js';
import {
  bundleGate,
  evaluationFigures,
  evaluationMetrics,
  gateSet,
  type MeasuredBundle,
  setScores,
} from '../predictions/evaluation-figures.js';
import { sample, splitQuestions } from '../predictions/measured-questions.js';
import { measureRecall, recallQueries } from '../predictions/retrieval-recall.js';
import type { EvaluateDetails, RetrievalScores } from './details.js';

const predictionsName = 'predictions.jsonl';
const modelsName = 'models';
const combinedName = 'combined-model.json';

type Runtime = Awaited<ReturnType<typeof loadRuntime>>;

const indexModels = ({ folderOf }: Pick<StagePlace, 'folderOf'>): string => join(folderOf('index'), 'models');
const studentOf = ({ folderOf }: Pick<StagePlace, 'folderOf'>): string =>
  join(folderOf('quantize'), modelName);
const questionsOf = ({ folderOf }: Pick<StagePlace, 'folderOf'>): string =>
  join(folderOf('synthesize'), 'qa.jsonl');

export const evaluate: StageDefinition = {
  name: 'evaluate',
  about: 'the whole bundle, as it is served, against the incumbent',
  isWanted: () => true,
  options: ({ config }) => ({
    ...{ name: config.name, seed: config.seed, evaluate: config.evaluate, student: config.student },
    ...{ mode: config.publish.mode, minGain: config.publish.minGain, queries: config.index.queries },
  }),
  readsIncumbent: true,
  isGate: true,
  inputs: (place) => [
    ...[questionsOf(place), indexModels(place), studentOf(place)],
    ...place.config.evaluate.files,
    ...place.config.evaluate.fitFiles,
  ],
  outputs: [modelsName, predictionsName],
  code: {
    folders: [
      '../model',
      ...['../predictions', '../evidence', '../gates', '../model-stages', '../prompts', '../evaluation'],
      ...['../student-calibration', '../../shared/bundle', '../../shared/answering', '../../shared/lm'],
      ...['../../shared/question', '../../shared/retrieval', '../../shared/text', '../../shared/onnx'],
      ...['../data', '../formats', '../../shared/evaluation', '../../shared/licence'],
    ],
    libraries: ['onnxruntime-node', 'tokenizers', 'garu-ko'],
  },
  async estimate({ config, incumbentId }) {
    const { files, questions, shuffles } = config.evaluate;
    return {
      facts: [
        ['questions', `at most ${questions} of validation, dealt ${shuffles + 1} times`],
        ['files', files.join(', ') || 'none'],
        ['incumbent', incumbentId ?? 'none'],
      ],
      seconds: answeringSeconds(config, await studentShape(config), evaluatedAnswers(config)),
    };
  },
  async run(context) {
    const { folder, config, incumbentId, now, signal } = context;
    const modelsDir = join(folder, modelsName);
    const pairs = await readAllJsonLines(questionsOf(context), QaPair);
    const sets = await questionSets(context, pairs);
    const journals = {
      modes: await Journal.open(join(folder, 'modes.jsonl'), ModeScore, modeScoreId),
      combined: await Journal.open(join(folder, 'combined.jsonl'), CombinedExample, combinedExampleId),
      answers: await Journal.open(join(folder, predictionsName), BundleAnswer, answerId),
    };
    const ask = askWith(context, sets, journals.answers);
    try {
      // The draft is made anew by every start; what it has said stands in the journals.
      await rm(modelsDir, { recursive: true, force: true });
      const draft = await draftBundle(context, {
        ...{ student: studentOf(context), indexModels: indexModels(context), modelsDir },
      });
      const { bundle, modes } = await settleMode(context, draft, pairs, journals);
      const { retrieval, probes, ...candidate } = await withRuntime(context, bundle, async (runtime) => ({
        ...(await ask('candidate', bundle, runtime)),
        retrieval: await recallOf(context, runtime, pairs),
        probes: await takeProbes(runtime, probeQuestions(context, pairs)),
      }));
      const base = await readBundle(indexModels(context));
      const baseline = await withRuntime(context, base, (runtime) => ask('baseline', base, runtime));
      const incumbent = await askIncumbent(context, ask);

      const bundles = { candidate, baseline, incumbent };
      const answers = [candidate, baseline, incumbent].flatMap((each) => each?.answers ?? []);
      const cosines = await cosinesOf(context, base, sets, answers);
      const details: EvaluateDetails = {
        ...{ mode: bundle.manifest.answering.mode, modes, retrieval, probes: probes.length },
        sets: sets.map((set) => setScores(set, bundles, cosines)),
        gate: bundleGate(sets[0] as QuestionSet, bundles, config.publish.minGain),
      };
      const { manifest } = await completeBundle(bundle, {
        ...{ modelsDir, name: config.name, parent: incumbentId, probes, now, signal },
        metrics: { ...bundle.manifest.metrics, ...evaluationMetrics(details) },
      });
      for (const { candidate: scores } of details.sets) scores.bundleId = manifest.id;
      return {
        figures: evaluationFigures(details),
        details,
        ...(details.gate.passed ? {} : { rejected: details.gate.sentence }),
      };
    } finally {
      await Promise.all(Object.values(journals).map((journal) => journal.close()));
    }
  },
};

/** Rows of the bundled files of measured questions, about; three bundles answer them. */
const fileQuestionsAbout = 100;

/** Of all bundles, as far as a plan can know. */
function evaluatedAnswers({ synthesize, evaluate: { questions, shuffles, files } }: PipelineConfig): number {
  const validation = Math.min(questions, synthesize.questions * synthesize.validationShare);
  const calibration = Math.min(questions, synthesize.questions * synthesize.calibrationShare);
  return 3 * (validation * (shuffles + 1) + files.length * fileQuestionsAbout) + 2 * calibration;
}

/** The validation questions first, then the files. */
async function questionSets({ config }: StageContext, pairs: readonly QaPair[]): Promise<QuestionSet[]> {
  const { questions: count, shuffles, files } = config.evaluate;
  const validation = splitQuestions(pairs, 'validation', { count, seed: config.seed });
  const sets: QuestionSet[] = [{ name: gateSet, questions: validation, shuffles }];
  for (const file of files) {
    const { questions } = await readFileQuestions(file);
    sets.push({ name: file, questions, shuffles: 0 });
  }
  return sets;
}

async function withRuntime<T>(
  { threads }: StageContext,
  { folder, manifest }: Bundle,
  work: (runtime: Runtime) => Promise<T>,
): Promise<T> {
  const runtime = await loadRuntime({ modelsDir: dirname(folder), bundleId: manifest.id, threads });
  try {
    return await work(runtime);
  } finally {
    await runtime.close();
  }
}

/** Measures the modes that come into question, and sets the draft to the best. */
async function settleMode(
  context: StageContext,
  draft: Bundle,
  pairs: readonly QaPair[],
  journals: { modes: Journal<typeof ModeScore>; combined: Journal<typeof CombinedExample> },
): Promise<{ bundle: Bundle; modes: EvaluateDetails['modes'] }> {
  const { config, progress, signal, log } = context;
  const { mode: wanted } = config.publish;
  const count = config.evaluate.questions;
  const questions = splitQuestions(pairs, 'calibration', { count, seed: config.seed }).filter(
    ({ isOpen }) => !isOpen,
  );
  const { evidencePassages, model } = draft.manifest.answering;
  const answering = {
    mode: 'label',
    model,
    evidencePassages,
    studentPassages: config.student.passages,
  } as const;
  const asked = await updateManifest(draft, { answering });
  const modes = wanted === 'auto' ? answeringModes : wanted === 'combined' ? [] : [wanted];
  const authored = await authoredQuestions(config.evaluate.fitFiles);
  const combines = wanted === 'auto' || wanted === 'combined';
  const bar = progress(
    'modes',
    questions.length * new Set(['evidence', ...modes]).size +
      (combines ? questions.length + authored.length : 0),
  );
  const { results, combined } = await withRuntime(context, asked, async ({ parts }) => {
    const options = { evidencePassages, progress: bar, signal };
    const results = await measureModes(questions, parts, { ...options, modes, journal: journals.modes });
    const combined = combines
      ? await combineModes(parts, {
          ...{ ...options, calibration: questions, authored, journal: journals.combined, log },
        })
      : null;
    return { results: combined ? [...results, combined.result] : results, combined };
  }).finally(() => bar.stop());
  const { name, calibration } = chooseMode(results, wanted);
  for (const { name: mode, rate, questions: n } of results)
    log(`${mode}: ${rate.toFixed(3)} of ${n} calibration questions`);
  const chosen = { ...answering, mode: name, ...(calibration ? { calibration } : {}) };
  return {
    bundle:
      combined && name === 'combined'
        ? await withChoiceModel(asked, combined.model, chosen)
        : await updateManifest(asked, { answering: chosen }),
    modes: results.map(({ calibration: _, ...result }) => result),
  };
}

/** The draft with the model that combines evidence and student; open questions stay with the evidence. */
async function withChoiceModel(
  { folder, manifest }: Bundle,
  model: ChoiceModel,
  answering: BundleManifest['answering'],
): Promise<Bundle> {
  await writeAtomically(join(folder, combinedName), `${JSON.stringify(model, null, 2)}\n`);
  const changed = await addBundleFile({ folder, manifest }, combinedName);
  return updateManifest(changed, { answering: { ...answering, combined: combinedName, open: 'evidence' } });
}

/** Multiple-choice questions of files other than those that are measured on. */
async function authoredQuestions(files: readonly string[]): Promise<MeasuredQuestion[]> {
  const all = await Promise.all(files.map((file) => readFileQuestions(file)));
  return all.flatMap(({ questions }) => questions).filter(({ isOpen }) => !isOpen);
}

type Ask = (role: BundleRole, bundle: Bundle, runtime: Runtime) => Promise<MeasuredBundle>;

function askWith(
  { config, progress, signal }: StageContext,
  sets: readonly QuestionSet[],
  journal: Journal<typeof BundleAnswer>,
): Ask {
  return async (role, { manifest }, runtime) => {
    const bar = progress(
      `answers of the ${role}`,
      sets.reduce((sum, set) => sum + answersOf(set), 0),
    );
    try {
      const options = { bundle: role, seed: config.seed, journal, progress: bar, signal };
      const answers = await askAll(runtime, sets, options);
      return { bundleId: manifest.id, mode: manifest.answering.mode, answers };
    } finally {
      bar.stop();
    }
  };
}

/** Null where none is active, or what is cannot be loaded by this program: then it cannot be served by it either. */
async function askIncumbent(context: StageContext, ask: Ask): Promise<MeasuredBundle | null> {
  const { incumbentId, modelsDir, log } = context;
  if (incumbentId === null) return null;
  try {
    const bundle = await readBundle(modelsDir, incumbentId);
    return await withRuntime(context, bundle, (runtime) => ask('incumbent', bundle, runtime));
  } catch (error) {
    if (!(error instanceof HaetaeError) || !unloadable.has(error.code)) throw error;
    log(`the active bundle ${incumbentId} is not compared with, as it cannot be loaded: ${error.message}`);
    return null;
  }
}

/** Spread over the validation questions; where there are none, over those that calibrate or train. */
function probeQuestions({ config }: StageContext, pairs: readonly QaPair[]): string[] {
  const of = (split: Split): MeasuredQuestion[] =>
    splitQuestions(pairs, split, { count: maxProbes, seed: config.seed });
  const questions =
    (['validation', 'calibration', 'train'] as const).map(of).find(({ length }) => length > 0) ?? [];
  return sample(questions, Math.min(config.evaluate.probes, maxProbes), config.seed).map(({ text }) => text);
}

function recallOf(
  { config, signal }: StageContext,
  runtime: Runtime,
  pairs: readonly QaPair[],
): Promise<RetrievalScores[]> {
  const validation = sample(
    pairs.filter(({ split }) => split === 'validation'),
    config.evaluate.questions,
    config.seed,
  );
  const options = { perKind: config.index.queries, seed: config.seed };
  return measureRecall(runtime, recallQueries(runtime.parts.chunks, validation, options), signal);
}

async function cosinesOf(
  { threads }: StageContext,
  { folder, manifest }: Bundle,
  sets: readonly QuestionSet[],
  answers: readonly BundleAnswer[],
): Promise<Map<string, number>> {
  const embedder = await openEmbedder(join(folder, manifest.embedder.path), { threads });
  try {
    return await answerCosines(embedder, sets, answers);
  } finally {
    await embedder.close();
  }
}
