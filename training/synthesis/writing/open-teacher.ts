/** The teacher that the configuration names, ready to write questions. */
import { join } from 'node:path';
import type { Chunk } from '../../../shared/retrieval/chunk.js';
import type { StageContext } from '../../pipeline/stage-definition.js';
import { apiKeyOf } from '../model-teacher/api-key.js';
import { openModelTeacher } from '../model-teacher/open-model-teacher.js';
import type { Judge, QuestionTeacher } from '../question-teacher.js';
import { statuteTeacher } from '../statute-teacher/statute-teacher.js';
import type { SynthesizeDetails } from './synthesis-details.js';

export interface OpenTeacher {
  questions: QuestionTeacher;
  /** Null where rules alone judge. */
  judge: Judge | null;
  /** Requests it works on at once. */
  concurrency: number;
  usage(): SynthesizeDetails['teacher'];
  close(): Promise<void>;
}

type Context = Pick<StageContext, 'config' | 'cacheFolder' | 'env' | 'threads' | 'log'>;

/** @throws HaetaeError as `openModelTeacher` */
export async function openTeacher(context: Context, chunks: readonly Chunk[]): Promise<OpenTeacher> {
  const { teacher: config, judge } = context.config.synthesize;
  if (config.kind === 'statute') {
    const questions = statuteTeacher(chunks);
    const usage = { name: questions.name, calls: 0, promptTokens: 0, completionTokens: 0, cost: 0 };
    return { questions, judge: null, concurrency: 1, usage: () => usage, close: () => questions.close() };
  }
  const model = await openModelTeacher(config, {
    // Not in the folder of the stage, which is emptied when its configuration changes: replies cost money.
    journal: join(context.cacheFolder, 'teacher', 'replies.journal.jsonl'),
    threads: context.threads,
    apiKey: apiKeyOf(config, context.env),
    log: context.log,
  });
  return {
    questions: model.questions,
    judge: judge ? model.judge : null,
    concurrency: config.kind === 'openai' ? config.concurrency : config.slots,
    usage: () => {
      const { requests, promptTokens, completionTokens, totalCost } = model.usage();
      return { name: model.name, calls: requests, promptTokens, completionTokens, cost: totalCost };
    },
    close: () => model.close(),
  };
}
