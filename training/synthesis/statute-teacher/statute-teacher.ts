/**
 * The built-in teacher: questions from the structure of statutes, controls and guides, no model needed.
 *
 * A true choice is a sentence of the article, made to stand alone. A false one is made of a true one by a recorded
 * change (`perturb/`) and proven to be said nowhere in its article (`verify-false.ts`). Which form (`forms/`), which
 * sentence and which change: by hash of seed, chunk, ordinal and attempt, so the same request gives the same draft.
 *
 * Not covered: addenda, annexed tables, articles that only refer to others.
 */
import { createHash } from 'node:crypto';
import type { Chunk } from '../../../shared/retrieval/chunk.js';
import { classify } from '../../../shared/question/classify.js';
import type { QaDraft } from '../../formats/qa-pair.js';
import type { DraftRequest, QuestionTeacher } from '../question-teacher.js';
import { type Random, randomFor, weightedOrder } from './choosing.js';
import type { Ask, Composition, Form, OpenComposition } from './forms/form.js';
import { forms } from './forms/form-table.js';
import { restate } from './restate/restate.js';
import { restateAnswer } from './restate/restate-answer.js';
import { Article, documentIdOf, Library } from './library.js';

/** A question of the teacher before it is a draft: tests look at how its choices were made. */
export interface Composed {
  form: string;
  question: Composition | OpenComposition;
}

/** Fresh tries until a request of one attempt is given up. */
const triesPerAttempt = 4;

export function statuteTeacher(corpus: readonly Chunk[]): StatuteTeacher {
  return new StatuteTeacher(new Library(corpus));
}

export class StatuteTeacher implements QuestionTeacher {
  readonly name = 'statute';
  readonly variesForm = true;
  readonly isCheap = true;
  readonly #library: Library;

  constructor(library: Library) {
    this.#library = library;
  }

  async write(request: DraftRequest, signal: AbortSignal): Promise<QaDraft | null> {
    signal.throwIfAborted();
    const composed = this.compose(request);
    return composed && draftOf(request, composed);
  }

  async close(): Promise<void> {}

  /** The question of the attempt: attempts before it are composed too, so that it is none of theirs. */
  compose(request: DraftRequest): Composed | null {
    const { chunk, attempt } = request;
    const article = this.#library.articleOf(chunk) ?? lone(chunk);
    if (!article.isAskable) return null;
    const asked = new Set<string>();
    for (let tried = 0; tried < triesPerAttempt * (attempt + 1); tried++) {
      const composed = this.#try(request, article, tried);
      if (!composed && tried > 0 && asked.size === 0) return null;
      if (!composed) continue;
      asked.add(keyOf(composed));
      if (asked.size === attempt + 1) return composed;
    }
    return null;
  }

  #try({ chunk, ordinal, wanted, seed }: DraftRequest, article: Article, tried: number): Composed | null {
    const able = forms.filter(
      (form) =>
        form.kinds.includes(chunk.kind) &&
        (wanted.open ? form.open : form.compose) !== undefined &&
        !wanted.avoid?.includes(form.name),
    );
    const order = weightedOrder(
      able,
      ({ weight }) => weight,
      randomFor(seed, chunk.chunkId, Math.floor(tried / 2)),
    );
    const ask = (form: Form): Ask => ({
      chunk,
      article,
      library: this.#library,
      negated: wanted.negated,
      others: wanted.choices - 1,
      random: randomFor(seed, chunk.chunkId, ordinal, tried, form.name),
    });
    // Questions of one chunk begin with different forms.
    const rotated = [...order.slice(ordinal % order.length), ...order.slice(0, ordinal % order.length)];
    for (const form of rotated) {
      const question = wanted.open ? form.open?.(ask(form)) : form.compose?.(ask(form));
      if (!question || !isWellFormed(question, wanted.negated)) continue;
      const random = randomFor(seed, chunk.chunkId, ordinal, tried, form.name, 'restated');
      const told = inOtherWords(question, article, random);
      return { form: form.name, question: isWellFormed(told, wanted.negated) ? told : question };
    }
    return null;
  }
}

function inOtherWords(
  question: Composition | OpenComposition,
  article: Article,
  random: Random,
): Composition | OpenComposition {
  return 'key' in question
    ? restate(question, article.first.kind !== 'prose', random)
    : {
        ...question,
        stem: random() < 0.5 ? question.stem.replace(/하시오\.$/u, '하세요.') : question.stem,
        answer: restateAnswer(question, article, random),
      };
}

function lone(chunk: Chunk): Article {
  const document = { title: chunk.title, id: documentIdOf(chunk.title), articles: [] };
  return new Article([chunk], document, 0);
}

function keyOf({ question }: Composed): string {
  if (!('key' in question)) return question.stem;
  return [question.stem, ...textsOf(question)].join('\n');
}

/** Of the right choice, then of the others. */
function textsOf({ key, others }: Composition): string[] {
  return [key, ...others].map(({ text }) => text);
}

/** The product reads it as it was meant: its stem, its choices, what it asks for. */
function isWellFormed(question: Composition | OpenComposition, negated: boolean): boolean {
  if (!('key' in question)) return classify(question.stem).questionType === 'open';
  const choices = textsOf(question);
  if (new Set(choices).size < choices.length || choices.some((choice) => /\n|[①-⑩]/u.test(choice)))
    return false;
  const read = classify(`${question.stem}\n${choices.map((choice, i) => `${i + 1} ${choice}`).join('\n')}`);
  return read.negated === negated && read.choices.length === choices.length && read.stem === question.stem;
}

function draftOf(request: DraftRequest, { form, question }: Composed): QaDraft {
  const { chunk, wanted } = request;
  const common = {
    qaId: idOf(request),
    question: question.stem,
    explanation: question.explanation,
    form,
    contextChunkIds: [...new Set([chunk.chunkId, ...question.chunkIds])],
    documentId: documentIdOf(chunk.title),
    domain: chunk.domain,
    difficultyLevel: question.difficulty,
  };
  if (!('key' in question)) return { ...common, answer: question.answer, negated: false };
  const choices = [...question.others];
  choices.splice(wanted.position - 1, 0, question.key);
  return {
    ...common,
    answer: String(wanted.position),
    choices: choices.map(({ text }) => text),
    // Of a negated stem the key alone is false.
    statements: choices.map((choice) => ({
      isTrue: (choice === question.key) !== wanted.negated,
      source: choice.source,
    })),
    negated: wanted.negated,
  };
}

function idOf({ chunk, ordinal, attempt, seed, wanted }: DraftRequest): string {
  const parts = [
    seed,
    chunk.chunkId,
    ordinal,
    attempt,
    wanted.open,
    wanted.negated,
    wanted.choices,
    wanted.position,
  ];
  return `statute-${createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16)}`;
}
