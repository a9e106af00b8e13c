/**
 * What bundles answer, as they are served, to sets of questions: as written, and with their choices dealt anew. Each
 * answer is a line of a journal, so that a measurement that was killed goes on behind it.
 */
import Type, { type Static } from 'typebox';
import type { Runtime } from '../../shared/bundle/runtime.js';
import type { ErrorCode } from '../../shared/errors.js';
import type { MeasuredQuestion } from '../../shared/evaluation/measured-question.js';
import type { Progress } from '../../shared/progress.js';
import type { Journal } from '../formats/json-lines.js';
import { dealt } from './measured-questions.js';

export const bundleRoles = ['candidate', 'baseline', 'incumbent'] as const;
export type BundleRole = (typeof bundleRoles)[number];

export const BundleAnswer = Type.Object(
  {
    bundle: Type.Unsafe<BundleRole>(Type.Enum([...bundleRoles])),
    set: Type.String({ description: '`validation`, or the file' }),
    question: Type.String({ description: 'Its id in the set' }),
    deal: Type.Integer({ minimum: 0, description: '0: choices as written' }),
    answer: Type.String(),
    /** Of an open question false: there is no right text. */
    correct: Type.Boolean(),
    confidence: Type.Number(),
    usedFallback: Type.Boolean(),
    ms: Type.Number({ minimum: 0, description: 'It took' }),
  },
  { additionalProperties: false },
);
export type BundleAnswer = Static<typeof BundleAnswer>;

type AnswerKey = Pick<BundleAnswer, 'bundle' | 'set' | 'question' | 'deal'>;
export const answerId = ({ bundle, set, question, deal }: AnswerKey): string =>
  `${bundle}\n${set}\n${question}\n${deal}`;

/** What this program cannot load it cannot serve: such an incumbent is not compared with. */
export const unloadable: ReadonlySet<ErrorCode> = new Set([
  ...(['BUNDLE_INVALID', 'INDEX_INVALID', 'MODEL_INVALID', 'MODEL_UNSUPPORTED'] as const),
]);

export interface QuestionSet {
  name: string;
  questions: readonly MeasuredQuestion[];
  /** Times that choices are dealt anew. */
  shuffles: number;
}

/** Answers that a set asks for: an open question has no choices to deal. */
export function answersOf({ questions, shuffles }: QuestionSet): number {
  return questions.reduce((sum, { isOpen }) => sum + (isOpen ? 1 : 1 + shuffles), 0);
}

export interface AskOptions {
  bundle: BundleRole;
  seed: number;
  journal: Journal<typeof BundleAnswer>;
  progress: Progress;
  signal: AbortSignal;
}

/** In the order of the sets, their questions, and deals. */
export async function askAll(
  runtime: Pick<Runtime, 'answer'>,
  sets: readonly QuestionSet[],
  { bundle, seed, journal, progress, signal }: AskOptions,
): Promise<BundleAnswer[]> {
  const answers: BundleAnswer[] = [];
  for (const { name, questions, shuffles } of sets) {
    for (const written of questions) {
      for (let deal = 0; deal <= (written.isOpen ? 0 : shuffles); deal++) {
        signal.throwIfAborted();
        const key: AnswerKey = { bundle, set: name, question: written.id, deal };
        let answer = journal.get(answerId(key));
        if (!answer) {
          const question = dealt(written, deal, seed);
          const result = await runtime.answer(question.text, {}, signal);
          answer = {
            ...{ ...key, answer: result.answer, usedFallback: result.usedFallback },
            correct: !question.isOpen && result.answer === question.answer,
            confidence: Number(result.confidence.toFixed(6)),
            ms: Number(result.timings.totalMs.toFixed(3)),
          };
          await journal.append(answer);
        }
        answers.push(answer);
        progress.tick(bundle);
      }
    }
  }
  return answers;
}
