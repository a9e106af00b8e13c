/**
 * Who responds: the reference, a model that teaches, the student. Models sample; the seed of a response is a hash of
 * the pipeline's seed, the iteration and the prompt, so that it is the same whatever was asked before or beside it, up
 * to the rounding of the batch it was in.
 */
import { createHash } from 'node:crypto';
import { answerCue } from '../../shared/answering/prompt-wording.js';
import { openLanguageModel } from '../../shared/lm/open-language-model.js';
import { type TaskPrompt, teacherMessagesOf } from '../formats/task-prompt.js';
import type { LocalTeacherConfig, OpenAiTeacherConfig } from '../pipeline/pipeline-config.js';
import { type ModelTeacherOptions, openModelTeacher } from '../synthesis/model-teacher/open-model-teacher.js';
import { isRefusalOfPrompt } from '../synthesis/model-teacher/refusal.js';
import type { Responder } from './respond-to-all.js';

export interface ResponseSampling {
  temperature: number;
  topP: number;
  maxNewTokens: number;
  /** Of the pipeline. */
  seed: number;
  iteration: number;
}

/** The statute teacher knows the answers to its questions: they are its responses. */
export const referenceResponder: Responder = {
  model: 'statute',
  atOnce: 1,
  respond: async ({ reference }) => ({ text: reference, finishReason: 'reference' }),
  close: async () => {},
};

/** @throws HaetaeError as `openModelTeacher` */
export async function openTeacherResponder(
  config: OpenAiTeacherConfig | LocalTeacherConfig,
  { temperature, topP, maxNewTokens, ...seeds }: ResponseSampling,
  options: ModelTeacherOptions,
): Promise<Responder> {
  const teacher = await openModelTeacher(config, options);
  return {
    model: teacher.name,
    atOnce: config.kind === 'openai' ? config.concurrency : config.slots,
    async respond(prompt, signal) {
      const seed = responseSeed(seeds, prompt.promptId);
      const messages = (teacherMessagesOf(prompt) ?? prompt.messages).map(withoutCue);
      try {
        return await teacher.complete({ messages, temperature, topP, maxNewTokens, seed }, signal);
      } catch (error) {
        if (isRefusalOfPrompt(error)) return null;
        throw error;
      }
    },
    close: () => teacher.close(),
  };
}

export interface StudentResponderOptions {
  folder: string;
  /** What it is called in the responses. */
  name: string;
  /** Longest prompt that it serves, tokens. */
  contextLength: number;
  slots: number;
  threads: number;
}

/** @throws HaetaeError as `openLanguageModel` */
export async function openStudentResponder(
  { folder, name, contextLength, slots, threads }: StudentResponderOptions,
  { temperature, topP, maxNewTokens, ...seeds }: ResponseSampling,
): Promise<Responder> {
  // A prompt is cut to leave room for the answer that is scored; a response may be longer.
  const limits = { contextLength: contextLength + maxNewTokens, maxSlots: slots };
  const model = await openLanguageModel(folder, { threads, limits });
  return {
    model: name,
    atOnce: slots,
    async respond({ promptId, formatPrompt }, signal) {
      const prompt = await model.tokenizer.encode(formatPrompt, { addSpecialTokens: false });
      const room = Math.min(maxNewTokens, model.contextLength - prompt.length);
      if (room < 1) return null;
      const seed = responseSeed(seeds, promptId);
      const request = { prompt, maxNewTokens: room, temperature, topP, seed };
      for await (const event of model.generate(request, signal)) {
        if (event.type === 'end') return { text: event.text, finishReason: event.finishReason };
      }
      throw new Error(`${name} stopped without an end`);
    },
    close: () => model.close(),
  };
}

/** 32 bits. */
export function responseSeed(
  { seed, iteration }: Pick<ResponseSampling, 'seed' | 'iteration'>,
  promptId: string,
): number {
  return createHash('sha256').update(`respond\n${seed}\n${iteration}\n${promptId}`).digest().readUInt32BE(0);
}

/** A prompt for a model without a chat template ends with the cue; a teacher is given it where it needs it. */
function withoutCue({ role, content }: TaskPrompt['messages'][number]): TaskPrompt['messages'][number] {
  return { role, content: content.endsWith(answerCue) ? content.slice(0, -answerCue.length) : content };
}
