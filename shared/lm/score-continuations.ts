/**
 * Exact log-probabilities of continuations of one prompt whose keys and values lie in a slot.
 *
 * The prompt's last logits give the first token of every continuation. The others are computed from the tokens
 * before them: all continuations as branches of one step where the decoder can (as many steps as the token budget
 * asks for), else one after another, the slot being cut back to the prompt in between. Continuations that differ
 * in their last token only (a statement judged true, and false) are one branch. Continuations of one token need no
 * step at all.
 */
import type { DecoderStep, KvCache, StepResult } from './decoder.js';
import type { ContinuationScore } from './language-model.js';
import { logSumExp } from './token-logprobs.js';

/** Continuations that are alike but for their last token, which is never fed. */
interface Branch {
  /** Indices of the continuations, at least one. */
  members: number[];
  /** All but the last token of each. */
  fed: readonly number[];
}

/** Tokens `from` to `from + count − 1` of a branch, which give the log-probabilities of those after them. */
interface Piece {
  branch: Branch;
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
    this.#steps = planSteps(branchesOf(continuations), options.budget, options.branches);
  }

  /** Positions that the prompt and the largest step need. */
  static positions(
    continuations: readonly (readonly number[])[],
    promptLength: number,
    options: { budget: number; branches: boolean },
  ): number {
    const ends = planSteps(branchesOf(continuations), options.budget, options.branches).map((pieces) =>
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
    const tokens: number[] = [];
    const wanted: (readonly [number, number])[] = [];
    const targets: number[] = [];
    for (const { branch, from, count } of pieces) {
      for (const [rank, member] of branch.members.entries()) {
        // The first member asks for every token; the others differ from it in the last.
        for (let i = rank === 0 ? 0 : count - 1; i < count; i++) {
          if (rank > 0 && from + count < branch.fed.length) continue;
          wanted.push([0, tokens.length + i]);
          targets.push(this.#continuations[member]![from + i + 1]!);
        }
      }
      tokens.push(...branch.fed.slice(from, from + count));
    }
    const step: DecoderStep = { cache, rows: [{ slot, tokens }], wanted, targets };
    return pieces.length > 1 ? { ...step, branches: pieces.map((piece) => piece.count) } : step;
  }

  /** Takes the result of the step that `nextStep` gave last. */
  take({ logprobs }: StepResult): void {
    let at = 0;
    for (const { branch, from, count } of this.#steps.shift()!) {
      const shared = logprobs.slice(at, at + count);
      at += count;
      const isEnd = from + count === branch.fed.length;
      for (const [rank, member] of branch.members.entries()) {
        const own = this.#logprobs[member]!;
        own.push(...(rank > 0 && isEnd ? shared.subarray(0, -1) : shared));
        if (rank > 0 && isEnd) own.push(logprobs[at++]!);
      }
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

function branchesOf(continuations: readonly (readonly number[])[]): Branch[] {
  const branches = new Map<string, Branch>();
  for (const [index, tokens] of continuations.entries()) {
    const fed = tokens.slice(0, -1);
    const key = fed.join();
    const branch = branches.get(key);
    if (branch) branch.members.push(index);
    else branches.set(key, { members: [index], fed });
  }
  return [...branches.values()];
}

/** Branches that fit the budget together share a step. */
function planSteps(branches: readonly Branch[], budget: number, together: boolean): Piece[][] {
  const steps: Piece[][] = [];
  let shared: Piece[] = [];
  let room = 0;
  for (const branch of branches) {
    const { length } = branch.fed;
    if (length > 0 && length <= budget && together) {
      if (length > room) {
        shared = [];
        steps.push(shared);
        room = budget;
      }
      shared.push({ branch, from: 0, count: length });
      room -= length;
    } else {
      for (let from = 0; from < length; from += budget) {
        steps.push([{ branch, from, count: Math.min(budget, length - from) }]);
      }
    }
  }
  return steps;
}
