/**
 * The work of the stage `respond`, whole or a shard of it: prompts, a response of the teacher to each, a response of
 * the student to each. Responses go to journals as they come, so that a stage that was stopped asks only for the rest;
 * at the end they stand in the order of the prompts.
 */
import { join, relative } from 'node:path';
import { Journal } from '../formats/json-lines.js';
import { Response } from '../formats/response.js';
import type { TaskPrompt } from '../formats/task-prompt.js';
import { studentAfter } from '../model-stages/student-folders.js';
import type { TeacherConfig } from '../pipeline/pipeline-config.js';
import type { StageContext, StagePlace } from '../pipeline/stage-definition.js';
import { apiKeyOf } from '../synthesis/model-teacher/api-key.js';
import { inOrderOf, isAnswered, type Responder, respondToAll } from './respond-to-all.js';
import {
  openStudentResponder,
  openTeacherResponder,
  type ResponseSampling,
  referenceResponder,
} from './responders.js';
import type { ShardResponses } from './response-shards.js';
import { type PromptReport, writePrompts } from './write-prompts.js';

export interface RespondWork {
  /** Where prompts and journals go. */
  folder: string;
  /** Only these questions. */
  isWanted?: (qaId: string) => boolean;
  /** Responses that were made elsewhere. */
  known?: readonly ShardResponses[];
}

export interface Responded extends ShardResponses {
  prompts: TaskPrompt[];
  report: PromptReport;
}

const sides = ['teacher', 'student'] as const;
type Side = (typeof sides)[number];

/** @throws the signal's reason; as the responders */
export async function respondToPrompts(context: StageContext, work: RespondWork): Promise<Responded> {
  const { config, iteration, signal, threads, folderOf } = context;
  const { respond, student, seed } = config;
  const { folder, isWanted, known = [] } = work;
  const written = await writePrompts({
    ...{ folder, threads, signal, seed: seed + iteration, tasks: respond.tasks, count: respond.prompts },
    perTask: respond.promptsPerTask,
    ...{ contextLength: student.contextLength, passages: student.passages },
    prompts: student.prompts,
    bundleModelsDir: join(folderOf('index'), 'models'),
    modelFolder: askedStudent(context),
    questions: questionsOf(context),
    ...(isWanted ? { isWanted } : {}),
    progress: (total) => context.progress('prompts', total),
  });
  const { prompts } = written;
  const responses: ShardResponses = { teacher: [], student: [] };
  for (const side of sides) {
    const own = known.flatMap((shard) => shard[side]);
    responses[side] = await responsesOf(context, side, folder, prompts, own);
  }
  return { ...written, ...responses };
}

async function responsesOf(
  context: StageContext,
  side: Side,
  folder: string,
  prompts: readonly TaskPrompt[],
  known: readonly Response[],
): Promise<Response[]> {
  const { signal } = context;
  signal.throwIfAborted();
  const path = join(folder, `journal.${side}.jsonl`);
  const journal = await Journal.open(path, Response, ({ promptId }) => promptId);
  try {
    const asked = new Map(prompts.map((prompt) => [prompt.promptId, prompt]));
    for (const response of known) {
      const prompt = asked.get(response.promptId);
      if (!prompt || prompt.formatPrompt !== response.formatPrompt || isAnswered(prompt, journal)) continue;
      await journal.append(response);
    }
    if (prompts.every((prompt) => isAnswered(prompt, journal))) return inOrderOf(prompts, journal);
    const responder = await openResponder(context, side);
    const bar = context.progress(side, prompts.length);
    try {
      await respondToAll(prompts, responder, journal, { signal, tick: () => bar.tick() });
    } finally {
      bar.stop();
      await responder.close();
    }
    return inOrderOf(prompts, journal);
  } finally {
    await journal.close();
  }
}

async function openResponder(context: StageContext, side: Side): Promise<Responder> {
  const { config, iteration, threads, env, log, cacheFolder } = context;
  const { temperature, topP, maxNewTokens } = config.respond;
  const sampling: ResponseSampling = { temperature, topP, maxNewTokens, seed: config.seed, iteration };
  if (side === 'student') {
    const { contextLength, slots } = config.student;
    return openStudentResponder(
      {
        folder: askedStudent(context),
        name: modelOf(context, 'student'),
        ...{ contextLength, slots, threads },
      },
      sampling,
    );
  }
  const teacher = teacherOf(context);
  if (teacher.kind === 'statute') return referenceResponder;
  // Outside the stage's folder, which is emptied when its inputs change: replies of a server were paid for.
  const journal = join(cacheFolder, 'teacher', 'respond.jsonl');
  return openTeacherResponder(teacher, sampling, { journal, threads, log, apiKey: apiKeyOf(teacher, env) });
}

export function questionsOf({ folderOf }: Pick<StagePlace, 'folderOf'>): string {
  return join(folderOf('synthesize'), 'qa.jsonl');
}

/** Folder of the student that is asked: the one that this iteration goes on from. */
export function askedStudent(place: Pick<StagePlace, 'config' | 'folderOf' | 'iteration'>): string {
  return studentAfter(place, place.iteration - 1);
}

export function teacherOf({ config }: Pick<StagePlace, 'config'>): TeacherConfig {
  return config.respond.teacher ?? config.synthesize.teacher;
}

/** What it is called in the responses: as configured, or where in the pipeline's work it lies. */
export function modelOf(place: StagePlace, side: Side): string {
  if (side === 'teacher') {
    const teacher = teacherOf(place);
    return teacher.kind === 'statute' ? referenceResponder.model : teacher.model;
  }
  const folder = askedStudent(place);
  return folder === place.config.student.from ? folder : relative(join(place.folder, '..'), folder);
}
