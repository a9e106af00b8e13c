/**
 * `prompts.jsonl` of the stage `respond`: what is asked about the questions that train and calibrate, all of it or a
 * sample, in the order of the questions. Beside it `prompts.report.json`. What is there already is taken as it is: the
 * pipeline empties the folder when anything it was made from has changed.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HaetaeError } from '../../shared/errors.js';
import type { Progress } from '../../shared/progress.js';
import { writeAtomically } from '../../shared/write-atomically.js';
import { readAllJsonLines, writeJsonLines } from '../formats/json-lines.js';
import { QaPair } from '../formats/qa-pair.js';
import { type PromptTask, TaskPrompt } from '../formats/task-prompt.js';
import { type LeftOut, openPromptBuilder, type PromptBuilderOptions } from './prompt-builder.js';
import {
  type PromptCandidate,
  promptCandidates,
  type PromptsPerTask,
  samplePrompts,
} from './sample-prompts.js';

export const promptsName = 'prompts.jsonl';
const reportName = 'prompts.report.json';

export interface WritePromptsOptions extends PromptBuilderOptions {
  /** `qa.jsonl`. */
  questions: string;
  /** Where the files go. */
  folder: string;
  tasks: readonly PromptTask[];
  /** Most prompts, a sample; undefined: all. */
  count: number | undefined;
  /** Most of each task. */
  perTask: PromptsPerTask;
  seed: number;
  /** Only these of the sample, by id of the question. */
  isWanted?: (qaId: string) => boolean;
  signal: AbortSignal;
  progress(total: number): Progress;
}

export type PromptReport = {
  /** Questions that train and calibrate. */
  questions: number;
  /** Prompts that could be made of them. */
  candidates: number;
  /** Prompts of the sample that the API would not ask so (see `leftOutReasons`). */
  leftOut: LeftOut;
};

export interface WrittenPrompts {
  prompts: TaskPrompt[];
  report: PromptReport;
}

/** @throws HaetaeError TRAINING_DATA_INVALID where no question gives a prompt; as `openPromptBuilder` */
export async function writePrompts(options: WritePromptsOptions): Promise<WrittenPrompts> {
  const path = join(options.folder, promptsName);
  const reportPath = join(options.folder, reportName);
  const there = await readFile(path).then(
    () => true,
    () => false,
  );
  // Written after its report, so that where it is the report is.
  if (there) {
    const report = JSON.parse(await readFile(reportPath, 'utf8')) as PromptReport;
    return { prompts: await readAllJsonLines(path, TaskPrompt), report };
  }
  const written = await buildPrompts(options);
  await writeAtomically(reportPath, `${JSON.stringify(written.report, null, 2)}\n`);
  await writeJsonLines(path, written.prompts);
  return written;
}

async function buildPrompts(options: WritePromptsOptions): Promise<WrittenPrompts> {
  const { questions, tasks, count, perTask, seed, isWanted = () => true, signal, progress } = options;
  const pairs = (await readAllJsonLines(questions, QaPair)).filter(({ split }) => split !== 'validation');
  const candidates = pairs.flatMap((qa) => promptCandidates(qa, tasks));
  if (candidates.length === 0) throw noPrompts(questions, tasks, pairs.length);
  const drawn = samplePrompts(candidates, count ?? Number.POSITIVE_INFINITY, seed, perTask);
  const asked = groupByQuestion(
    candidates.filter(({ promptId, qaId }) => drawn.has(promptId) && isWanted(qaId)),
  );
  const builder = await openPromptBuilder(options);
  const bar = progress(asked.size);
  const prompts: TaskPrompt[] = [];
  try {
    for (const qa of pairs) {
      const own = asked.get(qa.qaId);
      if (!own) continue;
      signal.throwIfAborted();
      const wanted = new Set(own.map(({ task }) => task));
      const built = await builder.build(
        qa,
        tasks.filter((task) => wanted.has(task)),
      );
      prompts.push(...built.filter(({ promptId }) => drawn.has(promptId)));
      bar.tick();
    }
    const { leftOut } = builder;
    return { prompts, report: { questions: pairs.length, candidates: candidates.length, leftOut } };
  } finally {
    bar.stop();
    await builder.close();
  }
}

function groupByQuestion(candidates: readonly PromptCandidate[]): Map<string, PromptCandidate[]> {
  const groups = new Map<string, PromptCandidate[]>();
  for (const candidate of candidates) {
    const group = groups.get(candidate.qaId);
    if (group) group.push(candidate);
    else groups.set(candidate.qaId, [candidate]);
  }
  return groups;
}

function noPrompts(path: string, tasks: readonly PromptTask[], questions: number): HaetaeError {
  return new HaetaeError(
    'TRAINING_DATA_INVALID',
    `${path} holds ${questions} questions that train or calibrate, and none gives a prompt for ${tasks.join(', ')}. Ask for more questions (synthesize.questions), or for other tasks (respond.tasks).`,
  );
}
