/**
 * The prompts that the API would ask the student about a question, with their right answers: the same text, read by
 * the same classifier; the same passages, found by the same calls in the bundle of the stage `index`; the same words,
 * cut to the same budget (`student-questions.ts`). Of the student only tokenizer, chat template and configuration are
 * opened.
 *
 * Of `verify` the right answer is O where the choice is true of what the stem asks about: of a positive stem the key,
 * of a negated one, which is asked in its positive form, all but the key.
 *
 * Not covered: questions that come when time is short, whose prompts are cut more.
 */
import { join } from 'node:path';
import type { PromptSet } from '../../shared/answering/prompt-wording.js';
import { type AskedPrompt, type PromptBudget, StudentPrompt } from '../../shared/answering/student-prompt.js';
import {
  openAnswerTokens,
  type QuestionAsked,
  StudentQuestions,
} from '../../shared/answering/student-questions.js';
import { wantedPassages } from '../../shared/answering/wanted-passages.js';
import { readBundle } from '../../shared/bundle/bundle-store.js';
import { loadRuntime } from '../../shared/bundle/load-runtime.js';
import { HaetaeError } from '../../shared/errors.js';
import { openChatTemplate, servedTemplateVariables } from '../../shared/lm/chat-template-folder.js';
import { readControlTokens } from '../../shared/lm/control-tokens.js';
import { readDecoderConfig } from '../../shared/lm/decoder-config.js';
import { openTokenizer } from '../../shared/lm/tokenizer.js';
import { classify } from '../../shared/question/classify.js';
import type { Classification } from '../../shared/question/question.js';
import type { Chunk } from '../../shared/retrieval/chunk.js';
import type { Retriever } from '../../shared/retrieval/retriever.js';
import type { QaPair } from '../formats/qa-pair.js';
import type { PromptTask, TaskPrompt } from '../formats/task-prompt.js';
import { questionText } from './question-text.js';
import { promptCandidates } from './sample-prompts.js';
import { teacherContext } from './teacher-context.js';

export interface PromptBuilderOptions {
  /** Folder of bundles whose current one is searched. */
  bundleModelsDir: string;
  /** The student, in the Hugging Face layout. */
  modelFolder: string;
  /** Longest prompt and output that it serves, tokens. */
  contextLength: number;
  prompts: PromptSet;
  /** That it is shown, best first. */
  passages: number;
  threads: number;
}

/** Why the API would not ask a prompt so. */
export const leftOutReasons = {
  misread: 'the classifier finds other choices in it',
  negation: 'the classifier takes a negated stem for a positive one, or the reverse (`verify`)',
  tooLong: 'it does not fit the context',
} as const;
export type LeftOut = Record<keyof typeof leftOutReasons, number>;

export interface PromptBuilder {
  /**
   * Prompts of the tasks that fit the question: `open` without choices, the others with.
   * @throws HaetaeError TRAINING_DATA_INVALID where the answer names no choice
   */
  build(qa: QaPair, tasks: readonly PromptTask[]): Promise<TaskPrompt[]>;
  /** Prompts that were left out so far. */
  readonly leftOut: Readonly<LeftOut>;
  close(): Promise<void>;
}

/** @throws HaetaeError as `loadRuntime`; MODEL_INVALID, MODEL_UNSUPPORTED of the student */
export async function openPromptBuilder(options: PromptBuilderOptions): Promise<PromptBuilder> {
  const { bundleModelsDir, modelFolder, contextLength, prompts, passages, threads } = options;
  const tokenizerPath = join(modelFolder, 'tokenizer.json');
  const [{ maxPositions }, tokenizer, controls, chatTemplate, { manifest }] = await Promise.all([
    readDecoderConfig(modelFolder),
    openTokenizer(tokenizerPath),
    readControlTokens(tokenizerPath),
    openChatTemplate(modelFolder, { variables: servedTemplateVariables }),
    readBundle(bundleModelsDir),
  ]);
  const model = { tokenizer, chatTemplate, contextLength: Math.min(contextLength, maxPositions) };
  const prompt = new StudentPrompt(model, controls, prompts);
  const runtime = await loadRuntime({ modelsDir: bundleModelsDir, bundleId: manifest.id, threads });
  return new ServedPrompts({
    prompt,
    questions: new StudentQuestions({ tokenizer, prompt, passages, excerpts: runtime.parts.scorer }),
    retriever: runtime.parts.retriever,
    chunks: new Map(runtime.parts.chunks.map((chunk) => [chunk.chunkId, chunk])),
    evidencePassages: manifest.answering.evidencePassages,
    close: () => runtime.close(),
  });
}

/** Behind a prompt stands an answer as long as a served one may be. */
const teacherBudget: PromptBudget = { reserveTokens: openAnswerTokens };

interface ServedPromptsParts {
  /** By id. */
  chunks: ReadonlyMap<string, Chunk>;
  prompt: StudentPrompt;
  questions: StudentQuestions;
  retriever: Retriever;
  evidencePassages: number;
  close(): Promise<void>;
}

interface Answered {
  asked: AskedPrompt;
  /** Where the text that the question was made from is known. */
  teacher: AskedPrompt | undefined;
  reference: string;
}

class ServedPrompts implements PromptBuilder {
  readonly leftOut: LeftOut = { misread: 0, negation: 0, tooLong: 0 };
  readonly #parts: ServedPromptsParts;

  constructor(parts: ServedPromptsParts) {
    this.#parts = parts;
  }

  async build(qa: QaPair, tasks: readonly PromptTask[]): Promise<TaskPrompt[]> {
    const { retriever, evidencePassages } = this.#parts;
    const candidates = promptCandidates(qa, tasks);
    if (candidates.length === 0) return [];
    const key = keyOf(qa);
    const text = questionText(qa);
    const classification = classify(text);
    if (!isReadAsMeant(qa, classification)) {
      this.leftOut.misread += candidates.length;
      return [];
    }
    const wanted = wantedPassages(classification, evidencePassages);
    const { passages } = await retriever.retrieve(text, wanted);
    const prompts: TaskPrompt[] = [];
    for (const task of new Set(candidates.map((candidate) => candidate.task))) {
      const own = candidates.filter((candidate) => candidate.task === task);
      const answered = await this.#ask(task, qa, key, { classification, passages }, own.length);
      for (const [index, { asked, teacher, reference }] of answered.entries()) {
        prompts.push({
          promptId: own[index]!.promptId,
          ...{ qaId: qa.qaId, task, split: qa.split, documentId: qa.documentId },
          messages: messagesOf(asked),
          ...{ formatPrompt: asked.text, reference },
          ...(teacher ? { teacherPrompt: teacher.text, teacherMessages: messagesOf(teacher) } : {}),
        });
      }
    }
    return prompts;
  }

  close(): Promise<void> {
    return this.#parts.close();
  }

  /** One of each prompt of the task; none where the API would not ask it. */
  async #ask(
    task: PromptTask,
    qa: QaPair,
    key: number,
    question: QuestionAsked,
    count: number,
  ): Promise<Answered[]> {
    const { prompt, questions } = this.#parts;
    const { negated } = question.classification;
    if (task === 'verify' && negated !== qa.negated) {
      this.leftOut.negation += count;
      return [];
    }
    try {
      const context = teacherContext(qa, (id) => this.#parts.chunks.get(id));
      const { stem, choices } = question.classification;
      if (task === 'open') {
        const asked = await questions.open(question);
        const teacher = context && (await prompt.open(stem, context.shared, teacherBudget));
        return [{ asked, teacher: teacher ?? undefined, reference: prompt.answer(qa.answer) }];
      }
      const { prompts, answers } = await questions.choices(task, question);
      if (task !== 'verify') {
        const teacher =
          context &&
          (task === 'label'
            ? await prompt.label(stem, choices, context.shared, teacherBudget)
            : await prompt.continuation(stem, context.shared, teacherBudget));
        return [{ asked: prompts[0]!, teacher: teacher ?? undefined, reference: answers[key]! }];
      }
      const [yes, no] = answers as [string, string];
      return await Promise.all(
        prompts.map(async (asked, index) => {
          const [teacher] = context
            ? await prompt.verify(stem, [choices[index]!], context.ofChoice[index] ?? [], teacherBudget)
            : [];
          return { asked, teacher, reference: (index === key) !== negated ? yes : no };
        }),
      );
    } catch (error) {
      if (!(error instanceof HaetaeError) || error.code !== 'LM_CONTEXT_EXCEEDED') throw error;
      this.leftOut.tooLong += count;
      return [];
    }
  }
}

/** Index of the right choice; −1 of an open question. */
function keyOf({ qaId, answer, choices }: QaPair): number {
  if (choices === undefined) return -1;
  const key = /^[1-9]\d?$/u.test(answer) ? Number(answer) - 1 : -1;
  if (key >= 0 && key < choices.length) return key;
  throw new HaetaeError(
    'TRAINING_DATA_INVALID',
    `The question ${qaId} has ${choices.length} choices and the answer '${answer}': a number from 1 to ${choices.length} is needed. Correct the question, or run synthesize again.`,
    { qaId },
  );
}

/** Whether the API finds the same choices in the text. */
function isReadAsMeant({ choices = [] }: QaPair, read: Classification): boolean {
  return (
    read.choices.length === choices.length &&
    read.choices.every(({ text }, i) => text !== '' && text === choices[i]!.normalize('NFC').trim())
  );
}

function messagesOf({ messages }: AskedPrompt): TaskPrompt['messages'] {
  return messages.map(({ role, content }) => ({ role: notAssistant(role), content }));
}

function notAssistant(role: 'system' | 'user' | 'assistant'): 'system' | 'user' {
  if (role !== 'assistant') return role;
  throw new Error('a prompt holds no words of the assistant');
}
