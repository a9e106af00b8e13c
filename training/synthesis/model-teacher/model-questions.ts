/**
 * Questions that a model writes. A reply that cannot be read is asked for again at once, with another seed and what
 * was wrong with it, and after `tries` there is none: null, which the caller counts as an attempt. Where the server
 * refuses the prompt itself (too long, filtered), it is asked once without the neighbours. One that writes nothing but
 * what cannot be read is given up.
 */
import { HaetaeError } from '../../../shared/errors.js';
import type { QaDraft } from '../../formats/qa-pair.js';
import type { DraftRequest, QuestionTeacher } from '../question-teacher.js';
import { documentIdOf } from '../split/document-id.js';
import { askSeed } from './ask-seed.js';
import type { ModelTeacher } from './model-teacher.js';
import { questionPrompt } from './question-prompt.js';
import { readDraft, type WrittenQuestion } from './read-draft.js';
import { isRefusalOfPrompt } from './refusal.js';

export const tries = 3;
/** Questions in a row that could not be read, after which it is of no use to ask on. */
export const mostUnreadable = 20;
const sampling = { temperature: 0.7, topP: 0.95, maxNewTokens: 1024 };

export class ModelQuestions implements QuestionTeacher {
  readonly name: string;
  readonly #teacher: Pick<ModelTeacher, 'complete' | 'close'>;
  /** Questions that could not be read. */
  unreadable = 0;
  #inARow = 0;

  constructor(name: string, teacher: Pick<ModelTeacher, 'complete' | 'close'>) {
    this.name = name;
    this.#teacher = teacher;
  }

  async write(request: DraftRequest, signal: AbortSignal): Promise<QaDraft | null> {
    try {
      return await this.#write(request, request.neighbours.length > 0, signal);
    } catch (error) {
      if (!isRefusalOfPrompt(error)) throw error;
    }
    if (request.neighbours.length === 0) return null;
    try {
      return await this.#write(request, false, signal);
    } catch (error) {
      if (!isRefusalOfPrompt(error)) throw error;
      return null;
    }
  }

  close(): Promise<void> {
    return this.#teacher.close();
  }

  async #write(request: DraftRequest, neighbours: boolean, signal: AbortSignal): Promise<QaDraft | null> {
    const { chunk, ordinal, attempt, wanted, seed } = request;
    const problems: string[] = [];
    let last = '';
    for (let tried = 0; tried < tries; tried++) {
      const messages = questionPrompt(request, { neighbours, problems });
      const ownSeed = askSeed(seed, chunk.chunkId, ordinal, attempt, tried);
      const { text, finishReason } = await this.#teacher.complete(
        { messages, ...sampling, seed: ownSeed },
        signal,
      );
      const written = readDraft(text, wanted);
      if (typeof written !== 'string') {
        this.#inARow = 0;
        return draftOf(written, request);
      }
      last = text;
      problems.push(finishReason === 'length' ? '너무 길어 끝나지 않았다. 더 짧게 쓴다.' : written);
    }
    this.unreadable += 1;
    this.#inARow += 1;
    if (this.#inARow < mostUnreadable) return null;
    throw new HaetaeError(
      'TEACHER_REFUSED',
      `${this.name} was asked for ${mostUnreadable} questions in a row, and none could be read. Its last reply begins: ${excerpt(last)}. Take a model that writes JSON as it is told to.`,
      { unreadable: this.unreadable },
    );
  }
}

function excerpt(text: string): string {
  return JSON.stringify(text.replace(/\s+/gu, ' ').trim().slice(0, 200));
}

function draftOf(written: WrittenQuestion, { chunk, ordinal, attempt, wanted }: DraftRequest): QaDraft {
  const { question, answer, choices, explanation, difficulty } = written;
  return {
    qaId: `${chunk.chunkId}:${ordinal}.${attempt}`,
    question,
    answer,
    ...(choices ? { choices } : {}),
    ...(explanation === undefined ? {} : { explanation }),
    negated: !wanted.open && wanted.negated,
    form: 'model',
    contextChunkIds: [chunk.chunkId],
    documentId: documentIdOf(chunk),
    domain: chunk.domain,
    difficultyLevel: difficulty,
  };
}
