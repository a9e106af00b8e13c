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
  readonly #returned: { turn: Turn; refused: Set<string>; isTaken: boolean }[] = [];
  /** By kind of question: all that was returned before it is taken or refused. */
  readonly #firstOpen = new Map<string, number>();
  readonly #refused = new Map<Turn, Set<string>>();

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
    const fresh = this.#turns[this.#next];
    if (fresh) {
      this.#next += 1;
      return fresh;
    }
    const kind = kindOf(wanted);
    let at = this.#firstOpen.get(kind) ?? 0;
    for (; at < this.#returned.length; at++) {
      const entry = this.#returned[at];
      if (!entry || entry.isTaken || entry.refused.has(kind)) continue;
      entry.isTaken = true;
      break;
    }
    this.#firstOpen.set(kind, at);
    return this.#returned[at]?.turn ?? null;
  }

  /** The teacher could not write this kind of question. */
  giveBack(turn: Turn, wanted: WantedQuestion): void {
    const refused = this.#refused.get(turn) ?? new Set();
    this.#refused.set(turn, refused.add(kindOf(wanted)));
    this.#returned.push({ turn, refused, isTaken: false });
  }
}

/** What is not to be had in some forms may be had in all. */
function kindOf({ open, negated, choices, avoid = [] }: WantedQuestion): string {
  const kind = open ? 'open' : `${negated ? 'negated' : 'plain'} ${choices}`;
  return avoid.length > 0 ? `${kind}, not in every form` : kind;
}
