/**
 * The frozen BM25 against `wink.search`, which it must equal, and against Python's `bm25s`, on the same tokens.
 *
 * Workload: seeded, Zipf-distributed tokens (exponent 1, 50,000 words), 20,000 documents of 200, queries of 20, top
 * 10. Rankings are compared first: a contender whose top-10 scores differ from wink's by more than 1e-4 relative, or
 * whose rows differ where scores are no tie, is disqualified and the run fails. One thread, one query at a time;
 * bm25s is also timed on all queries in one call, which is what it is made for. Of its backends (numpy, numba) each
 * one that is there runs, and the faster counts. The same on real text: the active bundle's chunks, both fields, and
 * the questions of the test file.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readBundle } from '../shared/bundle/bundle-store.js';
import { Bm25Index } from '../shared/retrieval/bm25/bm25-index.js';
import { defaultBm25Params } from '../shared/retrieval/bm25/frozen-bm25.js';
import { bm25Fields, fieldTerms } from '../shared/retrieval/bm25/terms.js';
import { readChunks } from '../shared/retrieval/chunk-file.js';
import { indexText } from '../shared/retrieval/index-text.js';
import { createTokenizer, type Terms } from '../shared/text/tokenize.js';
import { freezeBm25, learnBm25, searchWink } from '../training/bm25/learn-bm25.js';
import { type Latency, peakRssMb, timeSync } from './measure.js';
import { hasModule } from './peer-python.js';
import type { BenchOptions, Figure, PartReport } from './report.js';
import { packagePath, readQuestions, readWarmUpQuestions, zipfTerms } from './workload.js';

export interface Bm25Workload {
  documents: readonly Terms[];
  queries: readonly Terms[];
  /** Other queries. */
  warmUp: readonly Terms[];
}

/** What the peer prints, less the rankings. */
export interface Bm25sRun {
  version: string;
  backend: string;
  p50Ms: number;
  p99Ms: number;
  /** Per query, all queries in one call. */
  batchedMs: number;
  indexSeconds: number;
  peakMb: number;
}

export interface Bm25BenchResult {
  frozen: Latency;
  wink: Latency;
  learnMs: number;
  freezeMs: number;
  openMs: number;
  /** Each backend that is there. */
  bm25s: Bm25sRun[];
}

const topK = 10;
const tolerance = 1e-4;
const winkQueries = 60;

type Ranking = { rows: ArrayLike<number>; scores: ArrayLike<number> };

/** Why two rankings differ by more than ties, or null. */
export function rankingDifference(expected: Ranking, actual: Ranking): string | null {
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

function runBm25s(python: string, { documents, queries, warmUp }: Bm25Workload) {
  const { k1, b } = defaultBm25Params;
  const tokens = (terms: Terms) => bm25Fields.flatMap((field) => fieldTerms(field, terms));
  const lines = [
    JSON.stringify({ k1, b, topK }),
    ...documents.map((terms) => JSON.stringify({ doc: tokens(terms) })),
    ...warmUp.map((terms) => JSON.stringify({ warmup: tokens(terms) })),
    ...queries.map((terms) => JSON.stringify({ query: tokens(terms) })),
  ];
  const peer = fileURLToPath(new URL('peers/bm25s_peer.py', import.meta.url));
  const { status, stdout, stderr } = spawnSync(python, [peer], {
    input: lines.join('\n'),
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`bm25s failed: ${stderr.trim().split('\n').at(-1) ?? 'it said nothing'}`);
  const runs = stdout
    .trim()
    .split('\n')
    .filter((line) => line.startsWith('{'));
  return runs.map((line) => JSON.parse(line) as Bm25sRun & { rows: number[][]; scores: number[][] });
}

/**
 * Runs the comparison; throws where a ranking differs from wink's.
 *
 * @param python a Python that has bm25s; absent: that peer is left out.
 */
export function compareBm25(workload: Bm25Workload, python?: string): Bm25BenchResult {
  const { documents, queries, warmUp } = workload;
  let started = performance.now();
  const elapsed = () => {
    const ms = performance.now() - started;
    started = performance.now();
    return ms;
  };
  const learnt = learnBm25(documents);
  const learnMs = elapsed();
  const frozen = freezeBm25(learnt, 'bench');
  const freezeMs = elapsed();
  const index = new Bm25Index(frozen);
  const openMs = elapsed();

  const search = (query: Terms) => index.search(query, topK, { morphemes: 1, bigrams: 1 });
  const few = queries.slice(0, winkQueries);
  const expected = few.map((query): Ranking => {
    const hits = searchWink(learnt, query, topK);
    return { rows: hits.map(([row]) => row), scores: hits.map(([, score]) => score) };
  });
  const check = (name: string, rankings: readonly Ranking[]) => {
    for (const [i, ranking] of rankings.entries()) {
      const difference = rankingDifference(expected[i] as Ranking, ranking);
      if (difference !== null) throw new Error(`${name} is disqualified: query ${i}: ${difference}`);
    }
  };
  check('the frozen BM25', few.map(search));

  timeSync(warmUp, search);
  const ours = timeSync(queries, search);
  timeSync(warmUp.slice(0, 10), (query) => searchWink(learnt, query, topK));
  const wink = timeSync(few, (query) => searchWink(learnt, query, topK));
  const bm25s = python === undefined ? [] : runBm25s(python, workload);
  for (const { backend, rows, scores } of bm25s) {
    check(
      `bm25s (${backend})`,
      few.map((_, i) => ({ rows: rows[i] as number[], scores: scores[i] as number[] })),
    );
  }
  return {
    frozen: ours,
    wink,
    learnMs,
    freezeMs,
    openMs,
    bm25s: bm25s.map(({ rows: _rows, scores: _scores, ...run }) => run),
  };
}

/** Documents and queries of Zipf-distributed words. */
export function zipfWorkload(docs: number, tokensPerDoc: number, queries: number): Bm25Workload {
  const tokensPerQuery = 20;
  return {
    documents: zipfTerms(docs, tokensPerDoc, 1),
    queries: zipfTerms(queries, tokensPerQuery, 2),
    warmUp: zipfTerms(50, tokensPerQuery, 3),
  };
}

/** The chunks of the active bundle and the real questions, as the product cuts them into terms. */
async function realWorkload(limit: number): Promise<Bm25Workload> {
  const { folder, manifest } = await readBundle(packagePath('models'));
  const chunks = await readChunks(join(folder, manifest.index.chunks));
  const { tokenize } = await createTokenizer();
  return {
    documents: chunks.slice(0, limit).map((chunk) => tokenize(indexText(chunk))),
    queries: (await readQuestions('test.csv')).map(tokenize),
    warmUp: (await readWarmUpQuestions()).map(tokenize),
  };
}

export async function bm25Part({ python, quick }: BenchOptions): Promise<PartReport> {
  const peer = (await hasModule(python, 'bm25s')) ? python : undefined;
  const absent = `${python} has no bm25s: name one that has it with --python`;
  const zipf = zipfWorkload(quick ? 2_000 : 20_000, 200, quick ? 200 : 2_000);
  const synthetic = compareBm25(zipf, peer);
  const peakMb = peakRssMb();
  const text = await realWorkload(quick ? 1_000 : Number.POSITIVE_INFINITY);
  const real = compareBm25(text, peer);

  const figuresOf = (prefix: string, { frozen, wink, bm25s }: Bm25BenchResult): Figure[] => {
    const best = [...bm25s].sort((x, y) => x.p50Ms - y.p50Ms)[0];
    const batched = [...bm25s].sort((x, y) => x.batchedMs - y.batchedMs)[0];
    return [
      { key: `${prefix}P50Ms`, value: frozen.p50Ms },
      { key: `${prefix}P99Ms`, value: frozen.p99Ms },
      { key: `${prefix}WinkP50Ms`, value: wink.p50Ms },
      {
        key: `${prefix}VsWink`,
        value: wink.p50Ms / frozen.p50Ms,
        budget: { atLeast: 50 },
        note: 'p50 over p50',
      },
      {
        key: `${prefix}VsBm25s`,
        value: best ? best.p50Ms / frozen.p50Ms : null,
        note: best ? `p50 over p50, one query at a time; bm25s ${best.version}, ${best.backend}` : absent,
      },
      {
        key: `${prefix}VsBm25sBatched`,
        value: batched ? batched.batchedMs / frozen.meanMs : null,
        note: batched ? `mean over mean, all queries in one call of bm25s, ${batched.backend}` : absent,
      },
    ];
  };
  const notesOf = (what: string, { learnMs, freezeMs, openMs, bm25s }: Bm25BenchResult): string[] => [
    `${what}; learn ${learnMs.toFixed(0)} ms, freeze ${freezeMs.toFixed(0)} ms, open ${openMs.toFixed(0)} ms`,
    ...bm25s.map(
      (run) =>
        `  bm25s ${run.version} ${run.backend}: p50 ${run.p50Ms.toFixed(3)} ms, p99 ${run.p99Ms.toFixed(3)} ms, batched ${run.batchedMs.toFixed(3)} ms a query, index ${run.indexSeconds.toFixed(1)} s, peak ${run.peakMb.toFixed(0)} MB`,
    ),
  ];
  return {
    figures: [
      ...figuresOf('bm25', synthetic),
      ...figuresOf('bm25Real', real),
      { key: 'bm25PeakMb', value: peakMb, note: 'with wink and the synthetic documents' },
    ],
    notes: [
      ...notesOf(
        `bm25: ${zipf.documents.length} documents of 200 Zipf words, ${zipf.queries.length} queries of 20`,
        synthetic,
      ),
      ...notesOf(`bm25Real: ${text.documents.length} chunks, ${text.queries.length} questions`, real),
    ],
  };
}
