/**
 * The chunks of a split by domain: each turn goes to the domain that is furthest behind its share of the questions.
 *
 * The share of a domain is that of its chunks, but no more than `largest`; what is above that goes to the others. A
 * domain that has nothing left leaves its share to the rest.
 */
import type { Chunk } from '../../../shared/retrieval/chunk.js';
import type { WantedQuestion } from '../question-teacher.js';
import { ChunkQueue, type Turn } from './chunk-queue.js';

interface DomainQueue {
  queue: ChunkQueue;
  share: number;
  /** Turns taken whose questions are kept, or not yet known. */
  taken: number;
}

export class DomainQueues {
  readonly #domains = new Map<string, DomainQueue>();

  constructor(chunks: readonly Chunk[], perChunk: number, largest: number, seed: number) {
    const chunksOf = new Map<string, Chunk[]>();
    for (const chunk of chunks) {
      const own = chunksOf.get(chunk.domain);
      if (own) own.push(chunk);
      else chunksOf.set(chunk.domain, [chunk]);
    }
    const shares = cappedShares(
      [...chunksOf.values()].map(({ length }) => length),
      largest,
    );
    for (const [i, [domain, own]] of [...chunksOf].entries()) {
      const queue = new ChunkQueue(own, perChunk, seed + i);
      this.#domains.set(domain, { queue, share: shares[i] as number, taken: 0 });
    }
  }

  /** Null where nothing of this kind is left to ask for now. */
  take(wanted: WantedQuestion): Turn | null {
    const behind = [...this.#domains.values()].sort((a, b) => a.taken / a.share - b.taken / b.share);
    for (const domain of behind) {
      const turn = domain.queue.take(wanted);
      if (turn === null) continue;
      domain.taken += 1;
      return turn;
    }
    return null;
  }

  /** No question of the turn was kept. */
  fail({ chunk }: Turn): void {
    const domain = this.#domains.get(chunk.domain);
    if (domain) domain.taken -= 1;
  }

  /** The teacher could not write this kind of question. */
  giveBack(turn: Turn, wanted: WantedQuestion): void {
    this.#domains.get(turn.chunk.domain)?.queue.giveBack(turn, wanted);
  }
}

/** Shares in proportion to the counts, the largest cut down where there are others to take the rest. */
function cappedShares(counts: readonly number[], largest: number): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const most = Math.max(...counts);
  if (counts.length < 2 || most / total <= largest) return counts.map((count) => count / total);
  const rest = total - most;
  const at = counts.indexOf(most);
  return counts.map((count, i) => (i === at ? largest : ((1 - largest) * count) / rest));
}
