/**
 * One request to the teacher: a draft, judged by rules and, where they pass it, by the judge; written again while it
 * is not good enough. The score is the lower of the two: a judge that praises does not make up for a flaw that a rule
 * has found, and rules do not see everything.
 */
import type { QaDraft } from '../../formats/qa-pair.js';
import { evaluateQuestion } from '../quality/evaluate-question.js';
import { type QuestionCorpus, questionFacts } from '../quality/question-facts.js';
import type { DraftRequest, Judge, QuestionTeacher } from '../question-teacher.js';
import type { RequestOutcome } from './request-outcome.js';

export interface AskOptions {
  teacher: QuestionTeacher;
  /** Null: rules alone. */
  judge: Judge | null;
  corpus: QuestionCorpus;
  minQuality: number;
  /** Drafts after the first. */
  regenerations: number;
}

type Request = Omit<DraftRequest, 'attempt' | 'faults'>;
type Assessed = NonNullable<RequestOutcome['best']>;

export async function askForQuestion(
  id: string,
  request: Request,
  options: AskOptions,
  signal: AbortSignal,
): Promise<RequestOutcome> {
  const outcome: RequestOutcome = { id, drafts: 0, firstScore: null, best: null };
  const faults: string[] = [];
  for (let attempt = 0; attempt <= options.regenerations; attempt++) {
    signal.throwIfAborted();
    const draft = await options.teacher.write({ ...request, attempt, faults: [...faults] }, signal);
    if (draft === null) break;
    const assessed = await assess(draft, request, options, signal);
    outcome.drafts += 1;
    outcome.firstScore ??= assessed.score;
    if (outcome.best === null || assessed.score > outcome.best.score) outcome.best = assessed;
    if (assessed.score >= options.minQuality) break;
    faults.push(...assessed.flaws.map(({ reason }) => reason));
  }
  return outcome;
}

async function assess(
  draft: QaDraft,
  request: Request,
  { judge, corpus, minQuality }: AskOptions,
  signal: AbortSignal,
): Promise<Assessed> {
  const { score, flaws } = evaluateQuestion(questionFacts(draft, request, corpus));
  const byRule = { draft, score, flaws: flaws.map(({ rule, reason }) => ({ rule, reason })) };
  if (judge === null || score < minQuality) return byRule;
  const context = draft.contextChunkIds.flatMap((chunkId) => corpus.chunkOf(chunkId) ?? []);
  const judgement = await judge.judge(draft, context, signal);
  if (judgement.score >= score) return byRule;
  const reason = judgement.reasons.join('; ');
  return { draft, score: judgement.score, flaws: [{ rule: 'judge', reason }, ...byRule.flaws] };
}
