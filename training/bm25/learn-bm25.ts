/**
 * Learns BM25 weights with `wink-bm25-text-search` and freezes them into the matrix that is served; the one file
 * through which wink enters.
 *
 * Both fields have weight 1 in wink: measured on article recall, a field's weight belongs outside the saturation
 * (a factor on its columns, chosen per query), not inside (a factor on its term frequencies, as in BM25F).
 * wink keeps 4 to 9 decimals of a weight: 9 here. It refuses fewer than three documents, so tiny collections are
 * filled up with empty ones, which match nothing.
 */
import wink from 'wink-bm25-text-search';
import { HaetaeError } from '../../shared/errors.js';
import {
  type Bm25Params,
  defaultBm25Params,
  type FrozenBm25,
} from '../../shared/retrieval/bm25/frozen-bm25.js';
import { bm25Fields, fieldTerms } from '../../shared/retrieval/bm25/terms.js';
import { packVocabulary } from '../../shared/retrieval/bm25/vocabulary.js';
import type { Terms } from '../../shared/text/tokenize.js';

const WINK_DECIMALS = 9;
const WINK_MIN_DOCUMENTS = 3;
/** Joins the terms of a query for wink, whose `search` takes a string; no term holds it. */
const SEPARATOR = '\u0001';

export interface LearntBm25 {
  engine: ReturnType<typeof wink>;
  params: Bm25Params;
  /** Without the documents that fill up a tiny collection. */
  docCount: number;
}

/** Learns and consolidates the weights of documents; document i has id i. */
export function learnBm25(documents: Iterable<Terms>, params: Bm25Params = defaultBm25Params): LearntBm25 {
  const { k1, b, k } = params;
  if (
    !(k1 >= 0 && k1 < Number.POSITIVE_INFINITY && b >= 0 && b <= 1 && k >= 1 && k < Number.POSITIVE_INFINITY)
  ) {
    throw new HaetaeError(
      'RETRIEVAL_PARAMETER',
      `BM25 needs k1 ≥ 0, 0 ≤ b ≤ 1 and k ≥ 1, got k1 ${k1}, b ${b}, k ${k}.`,
      { ...params },
    );
  }
  const engine = wink();
  engine.defineConfig({ fldWeights: { morphemes: 1, bigrams: 1 }, bm25Params: { k1, b, k } });
  // queries come as column names, documents as terms per field
  engine.definePrepTasks([(joined: string) => (joined === '' ? [] : joined.split(SEPARATOR))]);
  for (const field of bm25Fields) engine.definePrepTasks([(terms: Terms) => fieldTerms(field, terms)], field);
  let count = 0;
  for (const terms of documents) engine.addDoc({ morphemes: terms, bigrams: terms }, count++);
  for (let i = count; i < WINK_MIN_DOCUMENTS; i += 1) {
    const empty: Terms = { morphemes: [], bigrams: [] };
    engine.addDoc({ morphemes: empty, bigrams: empty }, i);
  }
  engine.consolidate(WINK_DECIMALS);
  return { engine, params: { k1, b, k }, docCount: count };
}

/** wink's own search, for comparison; [row, score], best first. */
export function searchWink(learnt: LearntBm25, query: Terms, topK: number): [row: number, score: number][] {
  const text = bm25Fields.flatMap((field) => fieldTerms(field, query)).join(SEPARATOR);
  return learnt.engine.search(text, topK).map(([id, score]) => [Number(id), score]);
}

/** What wink learnt, as a sparse matrix of `docCount` rows. */
export function freezeBm25(learnt: LearntBm25, tokenizerVersion: string): FrozenBm25 {
  const { engine, params, docCount } = learnt;
  const documents = engine.getDocs();
  const vocabulary = engine.getTokens();
  const names: string[] = [];
  for (const name in vocabulary) names[vocabulary[name] as number] = name;

  const indptr = new Uint32Array(names.length + 1);
  const docLengths = new Float32Array(docCount);
  const eachEntry = (visit: (row: number, term: number, score: number) => void): void => {
    for (let row = 0; row < docCount; row += 1) {
      const { freq } = documents[row]!;
      for (const term in freq) {
        const score = freq[term] as number;
        // a weight that vanishes in the decimals wink keeps adds nothing
        if (score > 0) visit(row, Number(term), score);
      }
    }
  };
  eachEntry((_, term) => {
    indptr[term + 1]! += 1;
  });
  for (let term = 0; term < names.length; term += 1) indptr[term + 1]! += indptr[term]!;
  const next = indptr.slice();
  const entries = indptr[names.length]!;
  const rows = docCount <= 0x1_0000 ? new Uint16Array(entries) : new Uint32Array(entries);
  const scores = new Float32Array(entries);
  eachEntry((row, term, score) => {
    const entry = next[term]!++;
    rows[entry] = row;
    scores[entry] = score;
  });
  for (let row = 0; row < docCount; row += 1) docLengths[row] = documents[row]!.length;
  return { params, tokenizerVersion, docCount, ...packVocabulary(names), indptr, rows, scores, docLengths };
}
