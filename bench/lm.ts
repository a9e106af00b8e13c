/**
 * The language model: a checkpoint of Qwen2.5-0.5B's shape with random weights (`lm-checkpoint.ts`), as float32
 * straight from the checkpoint, as int4, and in llama.cpp as Q4_0 with exactly the same weights.
 *
 * First it is checked that all compute the same: int4 against float32 by the correlation of logits and the tokens
 * predicted, choices against one full pass a choice; what is wrong is disqualified. llama.cpp's predictions are
 * compared and reported. Then contenders take turns, each time in a fresh process, over several rounds, in an order
 * that is turned round from round to round; ratios are taken within a round (`lm-statistics.ts`).
 *
 * Speeds of `int4…` and `fp32…` are those of the decoder with the likeliest token taken in JavaScript, which is what
 * llama.cpp is timed at; `serving…` are those of `generate`, with all there is between a request and its events.
 */
import { availableParallelism } from 'node:os';
import { messageOf } from '../shared/errors.js';
import { runContender } from './lm-contenders.js';
import type { DecoderTask } from './lm-decoder.js';
import {
  type ContenderRuns,
  ratioFigures,
  residentFigure,
  servingFigures,
  speedFigures,
} from './lm-figures.js';
import { type LmFiles, weightBytes } from './lm-files.js';
import { comparePredictions } from './lm-predictions.js';
import type { SpeedRun, SpeedWorkload } from './lm-speed.js';
import { median } from './measure.js';
import { findLlama, type LlamaTask } from './peers/llama-cpp.js';
import type { BenchOptions, PartReport } from './report.js';

/** Of a choice's log-probability, scored beside the others or in a pass of its own, in float32. */
const choiceTolerance = 1e-4;
const howToGetLlama =
  'node-llama-cpp was not found: npm i --ignore-scripts node-llama-cpp in an empty folder, then --llama FOLDER';

interface Plan {
  workload: SpeedWorkload;
  rounds: number;
  questions: number;
  choiceQuestions: number;
}

function planOf(files: LmFiles, quick: boolean): Plan {
  const { vocabSize } = files.shape;
  return quick
    ? {
        workload: { vocabSize, seed: 0, promptTokens: 64, newTokens: 8, prefills: 2, batch: 8 },
        rounds: 2,
        questions: 50,
        choiceQuestions: 2,
      }
    : {
        workload: { vocabSize, seed: 0, promptTokens: 512, newTokens: 64, prefills: 3, batch: 8 },
        rounds: 3,
        questions: 1000,
        choiceQuestions: 4,
      };
}

/** By contender and number of threads, e.g. `int4/2`; by round. */
type Speeds = Map<string, SpeedRun[]>;
type Contender = keyof ContenderRuns;

const contenderNames: readonly Contender[] = ['int4', 'int4Runtime', 'fp32', 'llama'];

export async function benchLm({ quick, llama, lmWork, kernels }: BenchOptions): Promise<PartReport> {
  const files = await runContender('files', lmWork, quick);
  const plan = planOf(files, quick);
  const { workload } = plan;
  const cores = availableParallelism();
  const fullThreads = Math.min(2, cores);
  const int4 = (threads = fullThreads): DecoderTask => ({ folder: files.int4, threads, kernels });
  const plainTask: DecoderTask = { ...int4(), folder: files.checkpoint };
  const version = llama === null ? null : await findLlama(llama);
  const peer = (threads = fullThreads): LlamaTask => ({ library: llama ?? '', model: files.gguf, threads });

  const checked = await comparePredictions(
    files,
    fullThreads,
    kernels,
    version === null ? null : { task: peer(), workload },
  );
  const settings =
    version === null
      ? null
      : await runContender('llamaTune', peer(), tuning(workload)).catch((error: unknown) => {
          checked.notes.push(`llama.cpp was left out: ${messageOf(error)}`);
          return null;
        });

  const runOf = async (name: Contender, threads: number, given: SpeedWorkload): Promise<SpeedRun | null> => {
    switch (name) {
      case 'int4':
        return runContender('decoder', int4(threads), given);
      case 'int4Runtime':
        if (checked.kernels !== 'native') return null;
        return runContender('decoder', { ...int4(threads), kernels: 'runtime' }, given).catch(
          (error: unknown) => {
            checked.notes.push(`int4 on ONNX Runtime's kernels was left out: ${messageOf(error)}`);
            return null;
          },
        );
      case 'fp32':
        return runContender('decoder', { ...plainTask, threads }, given);
      case 'llama':
        return settings === null ? null : runContender('llama', peer(threads), given, settings);
    }
  };
  const speeds: Speeds = new Map();
  const measure = async (name: Contender, threads: number, given: SpeedWorkload): Promise<void> => {
    const run = await runOf(name, threads, given);
    if (run !== null) speeds.set(`${name}/${threads}`, [...(speeds.get(`${name}/${threads}`) ?? []), run]);
  };
  for (let round = 0; round < plan.rounds; round++) {
    const given = { ...workload, seed: round + 1 };
    const slow = { ...given, prefills: 1, batch: round === 0 ? given.batch : 0 };
    const turns = [
      () => measure('int4', fullThreads, given),
      () => measure('llama', fullThreads, given),
      () => measure('int4Runtime', fullThreads, slow),
      () => measure('fp32', fullThreads, slow),
    ];
    for (const turn of round % 2 === 0 ? turns : turns.reverse()) await turn();
  }
  if (fullThreads > 1) {
    const given = { ...workload, seed: 101, prefills: 1 };
    await measure('int4', 1, given);
    await measure('llama', 1, given);
    await measure('fp32', 1, { ...given, batch: 0 });
  }
  const head8Task = { ...int4(), folder: files.int4Head8 };
  const head8 = await runContender('decoder', head8Task, { ...workload, prefills: 1, batch: 0 });
  const serving = await runContender('serving', int4(), workload);
  const served8 = await runContender('serving', head8Task, workload);
  const asked = {
    questions: plan.choiceQuestions,
    promptTokens: workload.promptTokens,
    choices: 5,
    choiceTokens: 8,
    vocabSize: workload.vocabSize,
  };
  const few = { ...asked, questions: 1, promptTokens: Math.ceil(workload.promptTokens / 4) };
  const exact = await runContender('choices', plainTask, few);
  if (!(exact.difference <= choiceTolerance))
    throw new Error(`choice scoring is disqualified: off by ${exact.difference} from one full pass a choice`);
  const choices = await runContender('choices', int4(), asked);
  const growth = await runContender('growth', int4(), plan.questions, workload.vocabSize);

  const int4FileMb = (await weightBytes(files.int4)) / 1e6;
  const runsWith = (threads: number): ContenderRuns => {
    const of = (name: keyof ContenderRuns) => speeds.get(`${name}/${threads}`) ?? [];
    return { int4: of('int4'), int4Runtime: of('int4Runtime'), fp32: of('fp32'), llama: of('llama') };
  };
  const full = runsWith(fullThreads);
  const eachSpeed = (runs: ContenderRuns, suffix: string) =>
    contenderNames.flatMap((name) => speedFigures(name, suffix, runs[name], workload));
  return {
    figures: [
      ...ratioFigures(full, howToGetLlama),
      {
        key: 'choiceVsNaive',
        value: median(choices.naiveMs) / median(choices.scoreMs),
        budget: { atLeast: 4 },
        note: 'five choices after a long prompt, against one full pass a choice',
      },
      ...servingFigures(serving, growth, int4FileMb),
      residentFigure('rssDefaultMb', served8, (await weightBytes(files.int4Head8)) / 1e6),
      { key: 'choiceQuestionsPerSecond', value: 1000 / median(choices.scoreMs) },
      { key: 'choiceNaiveQuestionsPerSecond', value: 1000 / median(choices.naiveMs) },
      { key: 'choiceDifference', value: exact.difference, note: 'of a log-probability to naive, float32' },
      { key: 'choiceDifferenceInt4', value: choices.difference, note: 'activations rounded the other way' },
      ...checked.figures,
      ...eachSpeed(full, ''),
      ...(fullThreads > 1 ? eachSpeed(runsWith(1), 'OneThread') : []),
      { key: 'int4Head8DecodeTokensPerSecond', value: 1000 / median(head8.stepMs) },
      { key: 'int4FileMb', value: int4FileMb },
    ],
    notes: [
      `prompts of ${workload.promptTokens} tokens, ${workload.newTokens} new ones, batch ${workload.batch}, ${fullThreads} threads of ${cores} cores, ${plan.rounds} rounds`,
      `model files ${files.seconds === 0 ? 'were there' : `made in ${files.seconds.toFixed(0)} s`}, below ${lmWork}`,
      `int4: ${full.int4[0]?.about}`,
      `fp32: ${full.fp32[0]?.about}`,
      version === null ? howToGetLlama : `llama: ${full.llama[0]?.about}, node-llama-cpp ${version}`,
      ...checked.notes,
    ],
  };
}

/** Short, to choose settings by. */
function tuning(workload: SpeedWorkload): SpeedWorkload {
  return {
    ...workload,
    promptTokens: Math.ceil(workload.promptTokens / 4),
    newTokens: Math.ceil(workload.newTokens / 4),
  };
}
