/**
 * The chunks of a split in the order they are asked about: in rounds, in each a chunk of every document, documents and
 * their chunks in seeded order; a chunk comes a second time when all of its document have been asked about once.
 *
 * Where the teacher can make nothing of a chunk, another kind of question may still be asked of it: it comes again for
 * those when all others are used up.
 */
import { seededRandom } from '../../../shared/random.js';
import type { Chunk } from '../../../shared/retrieval/chunk.js';
import type { WantedQuestion } from '../question-teacher.js';
import { documentIdOf } from '../split/document-id.js';
import { shuffled } from './question-deck.js';

export interface Turn {
  chunk: Chunk;
  /** Number of the question among those of this chunk, from 0. */
  ordinal: number;
}

export class ChunkQueue {
  readonly #turns: readonly Turn[];
  #next = 0;
  readonly #returned: { turn: Turn; isTaken: boolean }[] = [];
  /** By kind of question: all that was returned before it is taken or refused. */
  readonly #firstOpen = new Map<string, number>();
  /** By chunk: kinds of question that cannot be asked of it. */
  readonly #refused = new Map<string, Set<string>>();

  constructor(chunks: readonly Chunk[], perChunk: number, seed: number) {
    const random = seededRandom(seed);
    const chunksOf = new Map<string, Chunk[]>();
    for (const chunk of chunks) {
      const own = chunksOf.get(documentIdOf(chunk));
      if (own) own.push(chunk);
      else chunksOf.set(documentIdOf(chunk), [chunk]);
    }
    const documents = shuffled([...chunksOf.values()], random).map((own) => {
      const order = shuffled(own, random);
      return Array.from({ length: perChunk }, (_, ordinal) =>
        order.map((chunk) => ({ chunk, ordinal })),
      ).flat();
    });
    const rounds = Math.max(0, ...documents.map((turns) => turns.length));
    this.#turns = Array.from({ length: rounds }, (_, round) =>
      documents.flatMap((turns) => turns.slice(round, round + 1)),
    ).flat();
  }

  /** Null where nothing of this kind is left to ask for now. */
  take(wanted: WantedQuestion): Turn | null {
    const kind = kindOf(wanted);
    for (let fresh = this.#turns[this.#next]; fresh; fresh = this.#turns[this.#next]) {
      this.#next += 1;
      if (!this.#refuses(fresh, kind)) return fresh;
      this.#returned.push({ turn: fresh, isTaken: false });
    }
    let at = this.#firstOpen.get(kind) ?? 0;
    while (this.#returned[at] && !this.#isOpen(at, kind)) at += 1;
    this.#firstOpen.set(kind, at);
    const entry = this.#returned[at];
    if (!entry) return null;
    entry.isTaken = true;
    return entry.turn;
  }

  /** The teacher could not write this kind of question about the chunk, and will not the next time. */
  giveBack(turn: Turn, wanted: WantedQuestion): void {
    const { chunkId } = turn.chunk;
    const refused = this.#refused.get(chunkId) ?? new Set();
    this.#refused.set(chunkId, refused.add(kindOf(wanted)));
    this.#returned.push({ turn, isTaken: false });
  }

  #isOpen(at: number, kind: string): boolean {
    const entry = this.#returned[at];
    return entry !== undefined && !entry.isTaken && !this.#refuses(entry.turn, kind);
  }

  #refuses({ chunk }: Turn, kind: string): boolean {
    return this.#refused.get(chunk.chunkId)?.has(kind) ?? false;
  }
}

/** What is not to be had in some forms may be had in all. */
function kindOf({ open, negated, choices, avoid = [] }: WantedQuestion): string {
  const kind = open ? 'open' : `${negated ? 'negated' : 'plain'} ${choices}`;
  return avoid.length > 0 ? `${kind}, not in every form` : kind;
}
