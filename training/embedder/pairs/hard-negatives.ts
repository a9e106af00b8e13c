/**
 * Hard negatives: of the chunks that BM25 finds for a query and that are not of its article, the stretch nearest to
 * the query. So the encoder learns to tell apart what keyword search confuses, which is what a second retriever is
 * for.
 *
 * A chunk is passed over where it may well answer too: where it says the same as the positive (statutes repeat each
 * other), or holds nearly all of the query and no less of it than the positive does.
 */
import type { Chunk } from '../../../shared/retrieval/chunk.js';
import type { KeywordIndex } from '../../../shared/retrieval/keyword-index.js';
import type { Tokenizer } from '../../../shared/text/tokenize.js';
import { articleKey } from '../../evaluation/article-queries.js';
import { randomFor, shuffled } from '../../synthesis/statute-teacher/choosing.js';
import { shareOfGrams, trigrams } from './likeness.js';
import { stretchesOf } from './pair-text.js';
import { isPaired, isReadable, type RetrievalPair } from './retrieval-pair.js';

export interface HardNegativesOptions {
  /** Rows of `keywords`. */
  chunks: readonly Chunk[];
  keywords: Pick<KeywordIndex, 'searchWeighted'>;
  tokenizer: Pick<Tokenizer, 'tokenize'>;
  /** Chunks that may serve. */
  isAllowed: (chunk: Chunk) => boolean;
  /** Negatives of each pair. */
  count: number;
  seed: number;
}

interface Candidate {
  passage: string;
  grams: ReadonlySet<string>;
}

/** Chunks that are looked at, and negatives that are drawn from. */
const searchDepth = 30;
const drawnFrom = 10;
const sameText = 0.6;
const holdsQuery = 0.9;

export class HardNegatives {
  readonly #options: HardNegativesOptions;
  readonly #stretches = new Map<number, readonly Candidate[]>();

  constructor(options: HardNegativesOptions) {
    this.#options = options;
  }

  /** The pair with its negatives; null where there are not enough. */
  of(pair: RetrievalPair): RetrievalPair | null {
    const { chunks, keywords, tokenizer, isAllowed, count, seed } = this.#options;
    const query = trigrams(pair.query);
    const positive = trigrams(pair.positive);
    const held = shareOfGrams(query, positive);
    const terms = tokenizer.tokenize(pair.query);
    const { rows } = keywords.searchWeighted([{ terms, weight: 1 }], searchDepth);
    const found = new Set<string>();
    for (let i = 0; i < rows.length && found.size < drawnFrom; i++) {
      const chunk = chunks[rows[i]!]!;
      if (!isPaired(chunk) || !isAllowed(chunk) || articleKey(chunk) === pair.article) continue;
      const nearest = this.#nearest(rows[i]!, query);
      if (nearest === null) continue;
      const { passage, grams, share } = nearest;
      const [smaller, larger] = grams.size < positive.size ? [grams, positive] : [positive, grams];
      if (shareOfGrams(smaller, larger) > sameText) continue;
      if (share >= holdsQuery && share >= held) continue;
      if (isReadable({ query: passage, positive: passage })) found.add(passage);
    }
    found.delete(pair.positive);
    if (found.size < count) return null;
    const random = randomFor('negatives', seed, pair.query, pair.positive);
    return { ...pair, negatives: shuffled([...found], random).slice(0, count) };
  }

  #nearest(row: number, query: ReadonlySet<string>): (Candidate & { share: number }) | null {
    let stretches = this.#stretches.get(row);
    if (stretches === undefined) {
      stretches = stretchesOf(this.#options.chunks[row]!).map(({ passage }) => ({
        passage,
        grams: trigrams(passage),
      }));
      this.#stretches.set(row, stretches);
    }
    let best: (Candidate & { share: number }) | null = null;
    for (const candidate of stretches) {
      const share = shareOfGrams(query, candidate.grams);
      if (best === null || share > best.share) best = { ...candidate, share };
    }
    return best;
  }
}
