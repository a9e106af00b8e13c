/**
 * The frozen BM25 against `wink.search`, which it must equal, and against Python's `bm25s`, on the same tokens.
 *
 *     node --import=tsx bench/bm25.ts [--docs 20000] [--python /path/to/python]
 *
 * Workload: seeded, Zipf-distributed tokens (exponent 1, 50,000 words), 200 per document, 20 per query, top 10.
 * Rankings are compared first: a contender whose top-10 scores differ from wink's by more than 1e-4 relative, or
 * whose rows differ where scores are no tie, is disqualified and the run fails. The peer runs where the named
 * Python has bm25s (`bench/peers/bm25s_peer.py`); otherwise its figures are null. One thread, one query at a time.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Bm25Index } from '../shared/retrieval/bm25/bm25-index.js';
import { defaultBm25Params } from '../shared/retrieval/bm25/frozen-bm25.js';
import type { Terms } from '../shared/text/tokenize.js';
import { freezeBm25, learnBm25, searchWink } from '../training/bm25/learn-bm25.js';

export interface Bm25BenchOptions {
  docs?: number;
  tokensPerDoc?: number;
  queries?: number;
  tokensPerQuery?: number;
  seed?: number;
  /** A Python that has bm25s; absent: that peer is left out. */
  python?: string;
}

export interface Bm25BenchResult {
  docs: number;
  frozenP50Ms: number;
  frozenP99Ms: number;
  winkP50Ms: number;
  winkP99Ms: number;
  learnMs: number;
  freezeMs: number;
  openMs: number;
  /** How many times faster the frozen index is, medians. */
  bm25VsWink: number;
  bm25VsBm25s: number | null;
  bm25s: { version: string; backend: string; p50Ms: number; p99Ms: number } | null;
}

const TOP_K = 10;
const TOLERANCE = 1e-4;
const VOCABULARY = 50_000;
const WARMUP = 20;
const WINK_QUERIES = 40;

type Ranking = { rows: ArrayLike<number>; scores: ArrayLike<number> };

/** A seeded generator of uniform numbers in [0, 1) (mulberry32). */
function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Documents of Zipf-distributed words: P(rank) ∝ 1 / rank. */
export function zipfTerms(count: number, length: number, seed: number): Terms[] {
  const random = uniform(seed);
  const word = () => `w${Math.floor(Math.exp(random() * Math.log(VOCABULARY)))}`;
  return Array.from({ length: count }, () => ({ morphemes: Array.from({ length }, word), bigrams: [] }));
}

/** Why two rankings differ by more than ties, or null. */
export function rankingDifference(expected: Ranking, actual: Ranking, tolerance = TOLERANCE): string | null {
  if (expected.rows.length !== actual.rows.length) {
    return `${actual.rows.length} hits instead of ${expected.rows.length}`;
  }
  for (let i = 0; i < expected.rows.length; i += 1) {
    const want = expected.scores[i] as number;
    const got = actual.scores[i] as number;
    if (!(Math.abs(want - got) <= tolerance * want))
      return `score ${got} instead of ${want} at rank ${i + 1}`;
    if (expected.rows[i] === actual.rows[i]) continue;
    const rank = Array.from(expected.rows).indexOf(actual.rows[i] as number);
    // a row that changed places must be tied with the one it stands for; one that is absent, with the last
    const tied = expected.scores[rank < 0 ? expected.rows.length - 1 : rank] as number;
    if (Math.abs(tied - want) > tolerance * want) return `row ${actual.rows[i]} at rank ${i + 1}`;
  }
  return null;
}

function percentile(sorted: Float64Array, p: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor((p / 100) * sorted.length))] as number;
}

function timeEach(
  queries: readonly Terms[],
  search: (query: Terms) => unknown,
): { p50Ms: number; p99Ms: number } {
  for (const query of queries.slice(0, WARMUP)) search(query);
  const times = new Float64Array(queries.length);
  queries.forEach((query, i) => {
    const start = performance.now();
    search(query);
    times[i] = performance.now() - start;
  });
  times.sort();
  return { p50Ms: percentile(times, 50), p99Ms: percentile(times, 99) };
}

function runBm25s(python: string, docs: readonly Terms[], queries: readonly Terms[]) {
  const { k1, b } = defaultBm25Params;
  const lines = [
    JSON.stringify({ k1, b, topK: TOP_K, warmup: WARMUP }),
    ...docs.map((doc) => JSON.stringify({ doc: doc.morphemes })),
    ...queries.map((query) => JSON.stringify({ query: query.morphemes })),
  ];
  const peer = fileURLToPath(new URL('peers/bm25s_peer.py', import.meta.url));
  const { status, stdout, stderr } = spawnSync(python, [peer], {
    input: lines.join('\n'),
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) {
    console.error(`bm25s is left out: ${stderr.trim().split('\n').at(-1) ?? `${python} did not run`}`);
    return null;
  }
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as {
    version: string;
    backend: string;
    p50Ms: number;
    p99Ms: number;
    rows: number[][];
    scores: number[][];
  };
}

/** Runs the comparison; throws where a ranking differs from wink's. */
export function benchBm25(options: Bm25BenchOptions = {}): Bm25BenchResult {
  const { docs: docCount = 20_000, tokensPerDoc = 200, seed = 1 } = options;
  const documents = zipfTerms(docCount, tokensPerDoc, seed);
  const queries = zipfTerms(options.queries ?? 500, options.tokensPerQuery ?? 20, seed + 1);

  let start = performance.now();
  const learnt = learnBm25(documents);
  const learnMs = performance.now() - start;
  start = performance.now();
  const frozen = freezeBm25(learnt, 'bench');
  const freezeMs = performance.now() - start;
  start = performance.now();
  const index = new Bm25Index(frozen);
  const openMs = performance.now() - start;

  const search = (query: Terms) => index.search(query, TOP_K, { morphemes: 1, bigrams: 1 });
  const few = queries.slice(0, WINK_QUERIES);
  const expected = few.map((query): Ranking => {
    const hits = searchWink(learnt, query, TOP_K);
    return { rows: hits.map(([row]) => row), scores: hits.map(([, score]) => score) };
  });
  const check = (name: string, rankings: readonly Ranking[]) => {
    rankings.forEach((ranking, i) => {
      const difference = rankingDifference(expected[i] as Ranking, ranking);
      if (difference !== null) throw new Error(`${name} is disqualified: query ${i}: ${difference}`);
    });
  };
  check('frozen', few.map(search));

  const wink = timeEach(few, (query) => searchWink(learnt, query, TOP_K));
  const ours = timeEach(queries, search);
  const peer = options.python === undefined ? null : runBm25s(options.python, documents, queries);
  if (peer !== null) {
    check(
      'bm25s',
      few.map((_, i) => ({ rows: peer.rows[i] as number[], scores: peer.scores[i] as number[] })),
    );
  }
  return {
    docs: docCount,
    frozenP50Ms: ours.p50Ms,
    frozenP99Ms: ours.p99Ms,
    winkP50Ms: wink.p50Ms,
    winkP99Ms: wink.p99Ms,
    learnMs,
    freezeMs,
    openMs,
    bm25VsWink: wink.p50Ms / ours.p50Ms,
    bm25VsBm25s: peer === null ? null : peer.p50Ms / ours.p50Ms,
    bm25s: peer && { version: peer.version, backend: peer.backend, p50Ms: peer.p50Ms, p99Ms: peer.p99Ms },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { docs: { type: 'string' }, python: { type: 'string' } } });
  const result = benchBm25({
    ...(values.docs === undefined ? {} : { docs: Number(values.docs) }),
    ...(values.python === undefined ? {} : { python: values.python }),
  });
  console.log(JSON.stringify(result));
}
