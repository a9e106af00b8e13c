/**
 * Scores choices by the student language model. A choice's utility u is, by mode,
 *
 *   label         log P(number of the choice | passages, question with its choices)
 *   continuation  mean over its tokens of log P(token | passages, question, the tokens before)
 *   verify        ± log (P(O) / P(X)) of the verdict on the choice as a statement, given the passages and what the
 *                 stem asks about; minus for a negated stem, where the least true is picked
 *
 * and P(choice) = softmax(u / T), with T fitted on validation questions (Guo et al. 2017), so that the highest
 * probability says how often such an answer is right. All choices are scored as continuations of one prompt, which
 * is computed once; in `verify` the prompt is what all statements' prompts begin with.
 *
 * What is cited, and how well the passages hold each choice, comes from the evidence scorer.
 */
import type { LanguageModel } from '../lm/language-model.js';
import type { Classification } from '../question/question.js';
import type { AnswerUsage } from './answer.js';
import { softmax } from './choice-model.js';
import type { AnsweringContext, ChoiceScorer, ChoiceScores } from './choice-scorer.js';
import type { Evidence } from './evidence-scorer.js';
import { type ExcerptFinder, excerptFinder } from './excerpts.js';
import type { StudentPace } from './student-pace.js';
import type { StudentPrompt } from './student-prompt.js';
import { type QuestionAsked, type StudentMode, StudentQuestions } from './student-questions.js';

export type { StudentMode } from './student-questions.js';

/** Finds what to cite (see `evidence-scorer.ts`). */
export interface EvidenceFinder {
  evidence(context: AnsweringContext): Promise<Pick<Evidence, 'support' | 'cite'>>;
}

export interface StudentChoiceScorerParts {
  model: Pick<LanguageModel, 'score' | 'tokenizer'>;
  prompt: StudentPrompt;
  mode: StudentMode;
  /** Of the softmax, > 0. */
  temperature: number;
  /** Passages that the student reads, best first. */
  passages: number;
  evidence: EvidenceFinder & Partial<ExcerptFinder>;
  pace: StudentPace;
}

export interface Utilities {
  /** One for each choice. */
  values: number[];
  /** `verify`: the probability that each choice is a true statement; else null. */
  truth: number[] | null;
  /** `verify`: what is said of each choice as a statement; else null. */
  statements: JudgedStatement[] | null;
  usage: AnswerUsage;
}

export interface JudgedStatement {
  /** Log-odds of true against false, nats. */
  verdict: number;
  /** Mean log-probability of its tokens behind passages and stem, nats. */
  logprob: number;
}

/** What is computed for a question: a prompt, and token ids behind it. */
interface Plan {
  prompt: number[];
  continuations: number[][];
  utilities(logprobs: readonly number[][]): Omit<Utilities, 'usage'>;
}

export class StudentChoiceScorer implements ChoiceScorer {
  readonly #parts: StudentChoiceScorerParts;
  readonly #questions: StudentQuestions;

  constructor(parts: StudentChoiceScorerParts) {
    const { model, prompt, passages, evidence } = parts;
    this.#parts = parts;
    this.#questions = new StudentQuestions({
      ...{ tokenizer: model.tokenizer, prompt, passages },
      excerpts: excerptFinder(evidence),
    });
  }

  async score(context: AnsweringContext): Promise<ChoiceScores> {
    const { evidence, temperature, mode } = this.#parts;
    const { values, truth, usage } = await this.utilities(context);
    const probabilities = softmax(values, temperature);
    const held = await evidence.evidence(context);
    const picked = probabilities.indexOf(Math.max(...probabilities));
    return {
      choices: context.classification.choices.map(({ number, text }, index) => ({
        number,
        text,
        probability: probabilities[index] as number,
        support: mode === 'verify' && truth ? (truth[index] as number) : (held.support[index] ?? 0),
      })),
      supports: held.cite(picked),
      usage,
    };
  }

  /** What the probabilities are made of; a calibration fits T to it. */
  async utilities({ classification, passages, signal, remainingMs }: AnsweringContext): Promise<Utilities> {
    const { model, pace } = this.#parts;
    const started = performance.now();
    const maxPromptTokens = pace.maxPromptTokens(remainingMs);
    const plan = await this.#plan({ classification, passages, maxPromptTokens });
    const usage = { promptTokens: plan.prompt.length, cachedTokens: 0, completionTokens: 0 };
    const scores = await model.score(
      {
        prompt: plan.prompt,
        continuations: plan.continuations,
        onUsage: (spent) => Object.assign(usage, spent),
      },
      signal,
    );
    const read = usage.promptTokens - usage.cachedTokens + usage.completionTokens;
    pace.record(read, performance.now() - started);
    return { ...plan.utilities(scores.map(({ logprobs }) => logprobs)), usage };
  }

  async #plan(asked: QuestionAsked): Promise<Plan> {
    const { mode } = this.#parts;
    const { prompts, continuations } = await this.#questions.choices(mode, asked);
    const ids = prompts.map((prompt) => prompt.ids);
    if (mode === 'verify') return verifyPlan(asked.classification, ids, continuations);
    return {
      prompt: ids[0] as number[],
      continuations,
      utilities: (logprobs) => ({
        values: logprobs.map((list) => (mode === 'label' ? sum(list) : sum(list) / list.length)),
        truth: null,
        statements: null,
      }),
    };
  }
}

/** What the prompts begin with is computed once; the rest of each, and a verdict, stand behind it. */
function verifyPlan(
  { choices, negated }: Classification,
  prompts: readonly number[][],
  words: readonly number[][],
): Plan {
  const [yes, no] = words as [number[], number[]];
  const shared = sharedPrefix(prompts);
  const spans = ownTokens(prompts, shared);
  return {
    prompt: (prompts[0] as number[]).slice(0, shared),
    continuations: prompts.flatMap((ids) => [yes, no].map((word) => [...ids.slice(shared), ...word])),
    utilities: (logprobs) => {
      const odds = choices.map(
        (_, index) =>
          // Only the verdict counts; the statement before it is given.
          sum((logprobs[2 * index] as number[]).slice(-yes.length)) -
          sum((logprobs[2 * index + 1] as number[]).slice(-no.length)),
      );
      return {
        values: negated ? odds.map((value) => -value) : odds,
        truth: odds.map(logistic),
        statements: odds.map((verdict, index) => ({
          verdict,
          logprob: mean((logprobs[2 * index] as number[]).slice(0, spans[index])),
        })),
      };
    },
  };
}

/** Tokens of each list behind what all begin with and before what all end with, at least one. */
function ownTokens(lists: readonly (readonly number[])[], shared: number): number[] {
  const reversed = lists.map((list) => list.slice(shared).reverse());
  const tail = sharedPrefix(reversed);
  return reversed.map(({ length }) => Math.max(1, length - tail));
}

/** Length of what all lists begin with. */
export function sharedPrefix(lists: readonly (readonly number[])[]): number {
  const [head = [], ...rest] = lists;
  let length = Math.min(...lists.map((list) => list.length));
  for (const list of rest) {
    let at = 0;
    while (at < length && list[at] === head[at]) at++;
    length = at;
  }
  return length;
}

export function logistic(odds: number): number {
  return 1 / (1 + Math.exp(-odds));
}

function mean(values: readonly number[]): number {
  return sum(values) / Math.max(1, values.length);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
