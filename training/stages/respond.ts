/**
 * Stage `respond-N`: a response of teacher and student to each prompt.
 *
 *   synthesize/qa.jsonl, index/models, the student so far → prompts.jsonl, responses.{teacher,student}.jsonl
 *
 * It can be shared among machines (`respondShard`): what their shards hold is taken, and only the rest is asked for.
 */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../shared/errors.js';
import { openTokenizer } from '../../shared/lm/tokenizer.js';
import { readAllJsonLines, writeJsonLines } from '../formats/json-lines.js';
import { QaPair } from '../formats/qa-pair.js';
import { answeringSeconds, studentShape, trainingPrompts } from '../model-stages/estimate-work.js';
import type { StageContext, StageDefinition, StagePlace } from '../pipeline/stage-definition.js';
import { stageKey } from '../pipeline/stage-manifest.js';
import {
  askedStudent,
  modelOf,
  questionsOf,
  type Responded,
  respondToPrompts,
  teacherOf,
} from '../prompts/respond.js';
import {
  countPrompts,
  type PromptCounts,
  type ResponseExample,
  type ResponseFigures,
  responseExamples,
  responseFigures,
} from '../prompts/response-figures.js';
import {
  beginShard,
  findShards,
  readShard,
  type ShardPart,
  type ShardResponses,
  shardFolder,
  shardOf,
  studentName,
  teacherName,
  writeShard,
} from '../prompts/response-shards.js';
import { promptCandidates } from '../prompts/sample-prompts.js';
import { type PromptReport, promptsName } from '../prompts/write-prompts.js';
import { stableJson } from './stage.js';

export type RespondDetails = {
  iteration: number;
  /** By task and split. */
  prompts: PromptCounts;
  report: PromptReport;
  teacher: ResponseFigures;
  student: ResponseFigures;
  examples: ResponseExample[];
};

export const respond: StageDefinition = {
  name: 'respond',
  about: 'a response of teacher and student to each prompt',
  isWanted: () => true,
  options: (place) => {
    const { respond: section, student, seed } = place.config;
    const { temperature, topP, maxNewTokens, tasks, prompts, promptsPerTask } = section;
    const { contextLength, passages } = student;
    const asked = student.prompts;
    const teacher = teacherOf(place);
    return {
      ...{
        temperature,
        topP,
        maxNewTokens,
        tasks,
        prompts,
        promptsPerTask,
        contextLength,
        passages,
        seed,
        asked,
      },
      teacher: { kind: teacher.kind, model: modelOf(place, 'teacher') },
    };
  },
  inputs: (place) => {
    const teacher = teacherOf(place);
    return [
      questionsOf(place),
      join(place.folderOf('index'), 'models'),
      askedStudent(place),
      ...(teacher.kind === 'local' ? [teacher.model] : []),
    ];
  },
  outputs: [promptsName, teacherName, studentName],
  code: {
    folders: [
      '../model',
      ...['../prompts', '../formats', '../model-stages', '../synthesis/model-teacher', '../synthesis/split'],
      ...['../../shared/answering', '../../shared/question', '../../shared/retrieval', '../../shared/lm'],
      ...['../../shared/onnx', '../../shared/text'],
    ],
    libraries: ['garu-ko', 'tokenizers', 'onnxruntime-node', '@huggingface/jinja'],
  },
  estimate,
  async run(context) {
    const known = await knownResponses(context);
    const responded = await respondToPrompts(context, { folder: context.folder, known });
    await writeJsonLines(join(context.folder, teacherName), responded.teacher);
    await writeJsonLines(join(context.folder, studentName), responded.student);
    const details = await describe(context, responded);
    const { label, verify } = details.student.exactMatch;
    return {
      figures: {
        prompts: responded.prompts.length,
        teacher: responded.teacher.length,
        student: responded.student.length,
        ...(label ? { 'label right': label.matches / label.responses } : {}),
        ...(verify ? { 'verify right': verify.matches / verify.responses } : {}),
      },
      details,
    };
  },
};

/**
 * The part of a stage that falls to one machine of several, into a folder of its own (`OUT/shards/respond-N/i-of-n`).
 * It takes what the stages before have made: copy OUT there, and the folder back.
 */
export async function respondShard(
  context: StageContext,
  part: ShardPart,
): Promise<{ folder: string; responses: number }> {
  const folder = shardFolder(context.folder, part);
  const shard = { ...part, key: await responseKey(context) };
  await beginShard(folder, shard);
  const isWanted = (qaId: string): boolean => shardOf(qaId, part.count) === part.index;
  const { teacher, student } = await respondToPrompts(context, { folder, isWanted });
  await writeShard(folder, shard, { teacher, student });
  return { folder, responses: teacher.length + student.length };
}

/** What decides the responses, wherever they are made: equal code has other hashes once it is compiled. */
async function responseKey(place: StagePlace): Promise<string> {
  const { options, inputs } = await stageKey(respond, place);
  return createHash('sha256')
    .update(stableJson({ options, inputs: Object.values(inputs) }))
    .digest('hex');
}

async function knownResponses(context: StageContext): Promise<ShardResponses[]> {
  const folders = await findShards(context.folder);
  if (folders.length === 0) return [];
  const key = await responseKey(context);
  const known: ShardResponses[] = [];
  for (const folder of folders) {
    try {
      const shard = await readShard(folder);
      const isOurs = shard.key === key;
      if (isOurs) known.push(shard);
      context.log(
        `${folder}: ${isOurs ? 'taken' : 'left, it was made from other questions, models or options'}`,
      );
    } catch (error) {
      context.log(`${folder}: left, ${messageOf(error)}`);
    }
  }
  return known;
}

async function describe(
  context: StageContext,
  { prompts, report, teacher, student }: Responded,
): Promise<RespondDetails> {
  const tokenizer = await openTokenizer(join(askedStudent(context), 'tokenizer.json'));
  return {
    ...{ iteration: context.iteration, prompts: countPrompts(prompts), report },
    teacher: await responseFigures(prompts, teacher, modelOf(context, 'teacher'), tokenizer),
    student: await responseFigures(prompts, student, modelOf(context, 'student'), tokenizer),
    examples: responseExamples(prompts, teacher, student),
  };
}

/** A model of half a billion weights at 16 bits takes 1.3 s for a prompt and its response, on two cores. */
const secondsPerPromptAndByte = 1.3e-9;

async function estimate(place: StagePlace): ReturnType<StageDefinition['estimate']> {
  const { tasks, prompts: most = Number.POSITIVE_INFINITY } = place.config.respond;
  const pairs = await readAllJsonLines(questionsOf(place), QaPair).catch(() => null);
  if (pairs === null) {
    const { config } = place;
    const isStatute = teacherOf(place).kind === 'statute';
    const seconds = answeringSeconds(config, await studentShape(config), trainingPrompts(config));
    return { facts: [], seconds: isStatute ? seconds : null };
  }
  const asked = pairs.filter(({ split }) => split !== 'validation');
  const prompts = Math.min(most, asked.flatMap((qa) => promptCandidates(qa, tasks)).length);
  const weights = await stat(join(askedStudent(place), 'model.safetensors')).catch(() => null);
  const isKnown = weights !== null && teacherOf(place).kind === 'statute';
  return {
    facts: [['prompts', String(prompts)]],
    seconds: isKnown ? prompts * weights.size * secondsPerPromptAndByte : null,
  };
}
