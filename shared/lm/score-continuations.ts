/**
 * Exact log-probabilities of continuations of one prompt whose keys and values lie in a slot.
 *
 * The prompt's last logits give the first token of every continuation. The others are computed from the tokens
 * before them: all continuations as branches of one step where the decoder can (as many steps as the token budget
 * asks for), else one after another, the slot being cut back to the prompt in between. Continuations of one token
 * need no step at all.
 */
import type { DecoderStep, KvCache, StepResult } from './decoder.js';
import type { ContinuationScore } from './language-model.js';
import { logSumExp } from './token-logprobs.js';

/** Tokens `from` to `from + count − 1` of a continuation, which give the log-probabilities of those after them. */
interface Piece {
  continuation: number;
  from: number;
  count: number;
}

export class ContinuationScorer {
  readonly #continuations: readonly (readonly number[])[];
  readonly #logprobs: number[][];
  readonly #promptLength: number;
  /** Steps that remain; several pieces are branches of one step. */
  readonly #steps: Piece[][];

  /** @param budget tokens that one step may hold, ≥ 1 */
  constructor(
    continuations: readonly (readonly number[])[],
    promptLength: number,
    options: { budget: number; branches: boolean },
  ) {
    this.#continuations = continuations;
    this.#logprobs = continuations.map(() => []);
    this.#promptLength = promptLength;
    this.#steps = planSteps(continuations, options.budget, options.branches);
  }

  /** Positions that the prompt and the largest step need. */
  static positions(
    continuations: readonly (readonly number[])[],
    promptLength: number,
    options: { budget: number; branches: boolean },
  ): number {
    const ends = planSteps(continuations, options.budget, options.branches).map((pieces) =>
      pieces.length > 1
        ? pieces.reduce((sum, piece) => sum + piece.count, 0)
        : Math.max(...pieces.map((piece) => piece.from + piece.count)),
    );
    return promptLength + Math.max(0, ...ends);
  }

  /** Whether all is known, once the prompt's logits were taken. */
  get done(): boolean {
    return this.#steps.length === 0;
  }

  /** Takes the logits of the prompt's last token. */
  takePrompt(logits: Float32Array): void {
    const norm = logSumExp(logits);
    for (const [i, tokens] of this.#continuations.entries()) {
      this.#logprobs[i]!.push(logits[tokens[0]!]! - norm);
    }
  }

  /** The next step to make, while not all is done. */
  nextStep(cache: KvCache, slot: number): DecoderStep {
    const pieces = this.#steps[0]!;
    const first = pieces[0]!;
    if (first.from === 0) cache.truncate(slot, this.#promptLength);
    const tokens = pieces.flatMap(({ continuation, from, count }) =>
      this.#continuations[continuation]!.slice(from, from + count),
    );
    const step: DecoderStep = {
      cache,
      rows: [{ slot, tokens }],
      wanted: tokens.map((_, index) => [0, index] as const),
      targets: pieces.flatMap(({ continuation, from, count }) =>
        this.#continuations[continuation]!.slice(from + 1, from + count + 1),
      ),
    };
    return pieces.length > 1 ? { ...step, branches: pieces.map((piece) => piece.count) } : step;
  }

  /** Takes the result of the step that `nextStep` gave last. */
  take({ logprobs }: StepResult): void {
    let at = 0;
    for (const { continuation, count } of this.#steps.shift()!) {
      for (let i = 0; i < count; i++) this.#logprobs[continuation]!.push(logprobs[at++]!);
    }
  }

  /** In the order the continuations were given. */
  scores(): ContinuationScore[] {
    return this.#continuations.map((tokens, i) => {
      const logprobs = this.#logprobs[i]!;
      return { tokens: [...tokens], logprobs, sum: logprobs.reduce((sum, logprob) => sum + logprob, 0) };
    });
  }
}

/** The last token of a continuation is never fed. Those that fit the budget together share a step. */
function planSteps(
  continuations: readonly (readonly number[])[],
  budget: number,
  branches: boolean,
): Piece[][] {
  const steps: Piece[][] = [];
  let shared: Piece[] = [];
  let room = 0;
  for (const [continuation, { length }] of continuations.entries()) {
    const fed = length - 1;
    if (fed > 0 && fed <= budget && branches) {
      if (fed > room) {
        shared = [];
        steps.push(shared);
        room = budget;
      }
      shared.push({ continuation, from: 0, count: fed });
      room -= fed;
    } else {
      for (let from = 0; from < fed; from += budget) {
        steps.push([{ continuation, from, count: Math.min(budget, fed - from) }]);
      }
    }
  }
  return steps;
}
