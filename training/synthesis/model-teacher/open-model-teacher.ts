/**
 * Opens a teacher that is a model: at an OpenAI-compatible server, or from a folder.
 *
 * Its journal holds every reply that has been paid for. It may be shared by stages and by runs, one process at a time:
 * its keys are made of everything that decides a reply, the content of a local model included.
 */
import { type Clock, systemClock } from '../../../shared/clock.js';
import type { LocalTeacherConfig, OpenAiTeacherConfig } from '../../pipeline/pipeline-config.js';
import {
  costOf,
  JournaledCompletions,
  openReplyJournal,
  type ReplyJournal,
} from './journaled-completions.js';
import { openLocalSource } from './local-source.js';
import { ModelJudge } from './model-judge.js';
import { ModelQuestions } from './model-questions.js';
import type { CompletionSource, ModelTeacher } from './model-teacher.js';
import { openAiSource } from './openai-source.js';

export interface ModelTeacherOptions {
  /** File of the replies. */
  journal: string;
  /** Of native work; `local` only. */
  threads: number;
  /** As `apiKeyOf` gives it. */
  apiKey?: string | undefined;
  log(line: string): void;
  fetch?: typeof globalThis.fetch;
  clock?: Clock;
  /** For the jitter of repeated requests. */
  random?: () => number;
  /** Milliseconds since 1970; for servers that name a time without saying what time it is. */
  now?: () => number;
}

/**
 * @throws HaetaeError CONFIG_INVALID; TRAINING_DATA_INVALID where the journal is damaged; of `local` as
 * `openLanguageModel`
 */
export async function openModelTeacher(
  config: OpenAiTeacherConfig | LocalTeacherConfig,
  options: ModelTeacherOptions,
): Promise<ModelTeacher> {
  const journal = await openReplyJournal(options.journal);
  const spentBefore = costOf(journal);
  try {
    const source = await openSource(config, options, spentBefore);
    return teacherOver(source, journal, spentBefore, options.clock ?? systemClock);
  } catch (error) {
    await journal.close();
    throw error;
  }
}

async function openSource(
  config: OpenAiTeacherConfig | LocalTeacherConfig,
  options: ModelTeacherOptions,
  spentBefore: number,
): Promise<CompletionSource> {
  if (config.kind === 'local') return openLocalSource(config, options);
  const { apiKey, log, fetch = globalThis.fetch } = options;
  const { clock = systemClock, random = Math.random, now = Date.now } = options;
  return openAiSource(config, { apiKey, spentBefore, fetch, clock, random, now, log });
}

function teacherOver(
  source: CompletionSource,
  journal: ReplyJournal,
  spentBefore: number,
  clock: Clock,
): ModelTeacher {
  const completions = new JournaledCompletions(source, journal, clock);
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= completions.close();
    return closed;
  };
  const complete: ModelTeacher['complete'] = (request, signal) => completions.complete(request, signal);
  const questions = new ModelQuestions(source.model, { complete, close });
  const judge = new ModelJudge({ complete });
  return {
    name: source.model,
    questions,
    judge,
    complete,
    usage: () => {
      const counts = completions.counts();
      const unreadable = questions.unreadable + judge.unreadable;
      return { ...counts, unreadable, totalCost: spentBefore + counts.cost };
    },
    close,
  };
}
