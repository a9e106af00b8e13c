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
import type { Turn } from './chunk-queue.js';
import type { DomainQueues } from './domain-queues.js';
import { FormQuota, widened } from './form-quota.js';
import type { SplitWanted } from './question-deck.js';
import type { RequestOutcome } from './request-outcome.js';

export interface WritingOptions extends AskOptions {
  queues: Record<Split, DomainQueues>;
  /** Other chunks of its document. */
  neighboursOf(chunk: Chunk): readonly Chunk[];
  journal: Journal<typeof RequestOutcome>;
  /** Requests at once. */
  concurrency: number;
  /** Most that one form may make up of a split, as long as others can be had. */
  formShare: number;
  seed: number;
  signal: AbortSignal;
}

export interface AnsweredRequest {
  turn: Turn;
  split: Split;
  wanted: WantedQuestion;
  outcome: RequestOutcome;
}

const largestWave = 256;
const smallestWave = 32;
/** In how many waves all would come, if all were kept: forms are avoided from one wave to the next. */
const waves = 16;

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
  const waveSize = Math.min(largestWave, Math.max(smallestWave, Math.ceil(wanted.length / waves)));
  const quota = new FormQuota(wanted, options.teacher.variesForm ? options.formShare : 1);
  for (;;) {
    const { requests, later } = planWave(missing, options.queues, quota, waveSize);
    if (requests.length === 0) return later;
    const outcomes = await askAll(requests, options);
    const unmet: SplitWanted[] = [];
    for (const [i, request] of requests.entries()) {
      const { split, wanted, turn } = request;
      const outcome = outcomes[i] as RequestOutcome;
      const { best } = outcome;
      if (best === null) options.queues[split].giveBack(turn, wanted);
      if (keep({ ...request, outcome }) && best) quota.count(split, best.draft.form);
      else {
        options.queues[split].fail(turn);
        unmet.push({ split, wanted: widened(wanted) });
      }
    }
    missing = [...unmet, ...later];
  }
}

type PlannedRequest = Omit<AnsweredRequest, 'outcome'>;

/** A split that has nothing left gives what it wants to another. */
function planWave(
  missing: readonly SplitWanted[],
  queues: WritingOptions['queues'],
  quota: FormQuota,
  waveSize: number,
): { requests: PlannedRequest[]; later: SplitWanted[] } {
  const requests: PlannedRequest[] = [];
  const later: SplitWanted[] = [];
  const asked = new Set<Split>();
  for (const item of missing) {
    const request = requests.length < waveSize ? plan(item, queues[item.split], quota) : null;
    if (request === null) later.push(item);
    else {
      asked.add(item.split);
      requests.push(request);
    }
  }
  if (requests.length === waveSize) return { requests, later };
  // What is asked for now may come back and serve another kind of question: only a split at rest gives up.
  const still: SplitWanted[] = [];
  for (const item of later) {
    const request = asked.has(item.split) ? null : planElsewhere(item, queues, quota);
    if (request === null) still.push(item);
    else requests.push(request);
  }
  return { requests, later: still };
}

/** In a form of which there are not enough yet, or, where that cannot be had, in any. */
function plan(item: SplitWanted, queue: DomainQueues, quota: FormQuota): PlannedRequest | null {
  for (const wanted of [quota.narrowed(item), item.wanted]) {
    const turn = queue.take(wanted);
    if (turn !== null) return { split: item.split, wanted, turn };
  }
  return null;
}

function planElsewhere(
  { split, wanted }: SplitWanted,
  queues: WritingOptions['queues'],
  quota: FormQuota,
): PlannedRequest | null {
  for (const other of splits) {
    const request = other === split ? null : plan({ split: other, wanted }, queues[other], quota);
    if (request !== null) return request;
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
  if (!options.teacher.isCheap) await journal.append(outcome);
  // A teacher that never waits would not let a signal through.
  await nextTurn();
  return outcome;
}

function requestId({ chunk, ordinal }: Turn, wanted: WantedQuestion): string {
  const { open, negated, choices, position, avoid = [] } = wanted;
  const kind = open ? 'open' : `${negated ? 'negated' : 'plain'}-${position}-of-${choices}`;
  return [chunk.chunkId, ordinal, kind, ...(avoid.length > 0 ? [`not ${avoid.join()}`] : [])].join('/');
}

/** 32 bits; the same whatever else is asked. */
function seedOf(seed: number, { chunk, ordinal }: Turn): number {
  return createHash('sha256').update(`${seed}\n${chunk.chunkId}\n${ordinal}`).digest().readUInt32BE(0);
}
