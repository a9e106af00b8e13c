/**
 * How hybrid retrieval is measured, whatever the size of the index: distinct questions that were not seen before,
 * after others warmed it up, each timed on its own, one after the other; then the same with the bundle loaded anew,
 * so that every question is asked for the first time again. All first times count together.
 *
 * What it stands on is checked against the slow, obvious ways: BM25 against a plain sum over the matrix and a full
 * sort, vectors against an exact scan in JavaScript.
 */
import type { Runtime } from '../shared/bundle/runtime.js';
import { HaetaeError } from '../shared/errors.js';
import { Bm25Index } from '../shared/retrieval/bm25/bm25-index.js';
import { readBm25 } from '../shared/retrieval/bm25/bm25-files.js';
import { fieldTerms } from '../shared/retrieval/bm25/terms.js';
import { Vocabulary } from '../shared/retrieval/bm25/vocabulary.js';
import type { Retrieval } from '../shared/retrieval/retriever.js';
import type { VectorIndex } from '../shared/retrieval/vector-index.js';
import type { Tokenizer } from '../shared/text/tokenize.js';
import { type Latency, latencyOf } from './measure.js';

type Stage = keyof Retrieval['timings'];

export interface RetrievalRun {
  /** The first time each question is asked. */
  first: Latency;
  /** The same questions again. */
  again: Latency;
  /** Of the first time. */
  stages: { stage: Stage; p50Ms: number; p99Ms: number }[];
  /** Rows found for each question. */
  rows: number[][];
}

/**
 * Measures over `rounds` loads of a bundle; the last runtime is left open.
 *
 * @throws Error where a retrieval is degraded or empty, or a question finds other passages than before.
 */
export async function runRetrieval<R extends Runtime>(
  load: () => Promise<R>,
  warmUp: readonly string[],
  questions: readonly string[],
  rounds: number,
): Promise<RetrievalRun & { runtime: R }> {
  const firstMs: number[] = [];
  const againMs: number[] = [];
  const timings: Retrieval['timings'][] = [];
  const rows: number[][] = [];
  let runtime: R | undefined;
  for (let round = 0; round < rounds; round++) {
    await runtime?.close();
    const loaded = await load();
    runtime = loaded;
    for (const question of warmUp) await loaded.retrieve(question);
    for (const times of [firstMs, againMs]) {
      for (const [i, question] of questions.entries()) {
        const started = performance.now();
        const retrieval = await loaded.retrieve(question);
        times.push(performance.now() - started);
        if (times === firstMs) timings.push(retrieval.timings);
        const found = rowsOf(retrieval);
        rows[i] ??= found;
        if (found.join() !== rows[i].join())
          throw new Error(`retrieval is disqualified: the same question found other passages: ${question}`);
      }
    }
  }
  if (runtime === undefined) throw new RangeError(`rounds must be at least 1, got ${rounds}`);
  const stages = Object.keys(timings[0] ?? {}) as Stage[];
  return {
    runtime,
    first: latencyOf(firstMs),
    again: latencyOf(againMs),
    rows,
    stages: stages.map((stage) => {
      const { p50Ms, p99Ms } = latencyOf(timings.map((timing) => timing[stage]));
      return { stage, p50Ms, p99Ms };
    }),
  };
}

function rowsOf({ passages, degraded }: Retrieval): number[] {
  if (degraded) throw new Error('retrieval is disqualified: vectors were not searched');
  if (passages.length === 0) throw new Error('retrieval is disqualified: a question found nothing');
  return passages.map(({ row }) => row);
}

/** `tokenize 0.10/0.31 · bm25 …`: p50/p99 of each stage, ms. */
export function renderStages({ stages }: RetrievalRun): string {
  return stages
    .map(({ stage, p50Ms, p99Ms }) => `${stage.replace('Ms', '')} ${p50Ms.toFixed(2)}/${p99Ms.toFixed(2)}`)
    .join(' · ');
}

/** Compares BM25's best with a plain sum over the matrix and a full sort. @throws Error where they differ. */
export async function checkKeywords(
  folder: string,
  tokenizer: Tokenizer,
  questions: readonly string[],
  topK: number,
): Promise<void> {
  const frozen = await readBm25(folder);
  const index = new Bm25Index(frozen);
  const vocabulary = new Vocabulary(frozen);
  for (const question of questions) {
    const terms = tokenizer.tokenize(question);
    const scores = new Float64Array(frozen.docCount);
    for (const term of [...fieldTerms('morphemes', terms), ...fieldTerms('bigrams', terms)]) {
      const id = vocabulary.idOf(term);
      if (id < 0) continue;
      for (let entry = frozen.indptr[id] as number; entry < (frozen.indptr[id + 1] as number); entry++)
        scores[frozen.rows[entry] as number]! += frozen.scores[entry] as number;
    }
    const expected = Float64Array.from(scores).sort().reverse();
    const { rows, scores: found } = index.search(terms, topK, { morphemes: 1, bigrams: 1 });
    for (const [i, row] of rows.entries()) {
      const best = expected[i] as number;
      const close = (score: number) => Math.abs(score - best) <= 1e-4 * best;
      if (!close(found[i] as number) || !close(scores[row] as number))
        throw new Error(
          `BM25 is disqualified: rank ${i + 1} scores ${found[i]} instead of ${best} for: ${question}`,
        );
    }
  }
}

/**
 * Mean share of the k nearest by `exact` that `index` finds, 0..1. Equally near ones stand for each other, since
 * recombined chunks repeat sentences: the k-th distance decides.
 */
export async function recallOf(
  index: VectorIndex,
  exact: VectorIndex,
  queries: Float32Array,
  k: number,
  searchParams = '',
): Promise<number> {
  if (index.size !== exact.size)
    throw new HaetaeError('INDEX_INVALID', `${index.size} vectors cannot be compared with ${exact.size}.`);
  const found = await index.searchAsync(queries, k, searchParams);
  const expected = await exact.searchAsync(queries, k);
  let hits = 0;
  for (let at = 0; at < expected.labels.length; at += k) {
    const limit = (expected.distances[at + k - 1] as number) - 1e-5;
    for (let i = at; i < at + k; i++) if ((found.distances[i] as number) >= limit) hits++;
  }
  return hits / expected.labels.length;
}
