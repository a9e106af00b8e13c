/**
 * Asks the teacher until there are as many good questions as wanted, or nothing is left to ask.
 *
 * In waves: each asks for as many questions as are still missing, at most `waveSize`, one of a chunk each. Requests of
 * a wave run at once as far as the teacher likes; what comes of a request depends on nothing but the request, and all
 * is decided after the wave, in the order of requests. So neither timing nor an interruption changes the result.
 */
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Chunk } from '../../../shared/retrieval/chunk.js';
import { type Split, splits } from '../../formats/qa-pair.js';
import type { Journal } from '../../formats/json-lines.js';
import type { WantedQuestion } from '../question-teacher.js';
import { type AskOptions, askForQuestion } from './ask-for-question.js';
import type { ChunkQueue, Turn } from './chunk-queue.js';
import type { SplitWanted } from './question-deck.js';
import type { RequestOutcome } from './request-outcome.js';

export interface WritingOptions extends AskOptions {
  queues: Record<Split, ChunkQueue>;
  /** Other chunks of its document. */
  neighboursOf(chunk: Chunk): readonly Chunk[];
  journal: Journal<typeof RequestOutcome>;
  /** Requests at once. */
  concurrency: number;
  seed: number;
  signal: AbortSignal;
}

export interface AnsweredRequest {
  turn: Turn;
  split: Split;
  wanted: WantedQuestion;
  outcome: RequestOutcome;
}

const waveSize = 256;

/**
 * @param keep called in order with each request that gave a draft; true where the question is kept.
 * @returns what is still missing because the chunks are used up
 */
export async function writeQuestions(
  wanted: readonly SplitWanted[],
  options: WritingOptions,
  keep: (request: AnsweredRequest) => boolean,
): Promise<SplitWanted[]> {
  let missing = [...wanted];
  for (;;) {
    const { requests, later } = planWave(missing, options.queues);
    if (requests.length === 0) return later;
    const outcomes = await askAll(requests, options);
    const unmet: SplitWanted[] = [];
    for (const [i, request] of requests.entries()) {
      const { split, wanted, turn } = request;
      const outcome = outcomes[i] as RequestOutcome;
      if (outcome.best === null) options.queues[split].giveBack(turn, wanted);
      if (!keep({ ...request, outcome })) unmet.push({ split, wanted });
    }
    missing = [...unmet, ...later];
  }
}

type PlannedRequest = Omit<AnsweredRequest, 'outcome'>;

/** A split that has nothing left gives what it wants to another. */
function planWave(
  missing: readonly SplitWanted[],
  queues: WritingOptions['queues'],
): { requests: PlannedRequest[]; later: SplitWanted[] } {
  const requests: PlannedRequest[] = [];
  const later: SplitWanted[] = [];
  const asked = new Set<Split>();
  for (const item of missing) {
    const turn = requests.length < waveSize ? queues[item.split].take(item.wanted) : null;
    if (turn === null) later.push(item);
    else {
      asked.add(item.split);
      requests.push({ ...item, turn });
    }
  }
  if (requests.length === waveSize) return { requests, later };
  // What is asked for now may come back and serve another kind of question: only a split at rest gives up.
  const still: SplitWanted[] = [];
  for (const item of later) {
    const turn = asked.has(item.split) ? null : turnElsewhere(item, queues);
    if (turn === null) still.push(item);
    else requests.push({ wanted: item.wanted, ...turn });
  }
  return { requests, later: still };
}

function turnElsewhere(
  { split, wanted }: SplitWanted,
  queues: WritingOptions['queues'],
): { split: Split; turn: Turn } | null {
  for (const other of splits) {
    const turn = other === split ? null : queues[other].take(wanted);
    if (turn !== null) return { split: other, turn };
  }
  return null;
}

/** Outcomes in the order of requests. What is under way is finished and journalled before an error is thrown. */
async function askAll(
  requests: readonly PlannedRequest[],
  options: WritingOptions,
): Promise<RequestOutcome[]> {
  const outcomes: RequestOutcome[] = [];
  let next = 0;
  let failed = false;
  const work = async (): Promise<void> => {
    while (next < requests.length && !failed) {
      const index = next;
      next += 1;
      try {
        outcomes[index] = await ask(requests[index] as PlannedRequest, options);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: options.concurrency }, work));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return outcomes;
}

async function ask({ turn, wanted }: PlannedRequest, options: WritingOptions): Promise<RequestOutcome> {
  const { journal, signal } = options;
  const id = requestId(turn, wanted);
  const known = journal.get(id);
  if (known) return known;
  const { chunk, ordinal } = turn;
  const request = {
    chunk,
    ordinal,
    wanted,
    neighbours: options.neighboursOf(chunk),
    seed: seedOf(options.seed, turn),
  };
  const outcome = await askForQuestion(id, request, options, signal);
  await journal.append(outcome);
  // A teacher that never waits would not let a signal through.
  await nextTurn();
  return outcome;
}

function requestId({ chunk, ordinal }: Turn, { open, negated, choices, position }: WantedQuestion): string {
  const kind = open ? 'open' : `${negated ? 'negated' : 'plain'}-${position}-of-${choices}`;
  return `${chunk.chunkId}/${ordinal}/${kind}`;
}

/** 32 bits; the same whatever else is asked. */
function seedOf(seed: number, { chunk, ordinal }: Turn): number {
  return createHash('sha256').update(`${seed}\n${chunk.chunkId}\n${ordinal}`).digest().readUInt32BE(0);
}
