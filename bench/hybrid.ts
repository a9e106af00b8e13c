/**
 * Hybrid retrieval on the active bundle, in a process of its own as the engine has it, with one thread and with all
 * cores (the default of the engine, and the figure that counts).
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { readBundle } from '../shared/bundle/bundle-store.js';
import { loadRuntime } from '../shared/bundle/load-runtime.js';
import { openVectorIndex } from '../shared/retrieval/faiss/open-vector-index.js';
import { createTokenizer } from '../shared/text/tokenize.js';
import { peakRssMb } from './measure.js';
import type { BenchOptions, PartReport } from './report.js';
import { checkKeywords, recallOf, renderStages, runRetrieval } from './retrieval-run.js';
import { packagePath, readQuestions, readWarmUpQuestions } from './workload.js';

export async function benchHybrid({ quick }: BenchOptions): Promise<PartReport> {
  const modelsDir = packagePath('models');
  const warmUp = await readWarmUpQuestions();
  const questions = (await readQuestions('test.csv')).slice(0, quick ? 100 : undefined);
  const cores = availableParallelism();

  const rounds = quick ? 1 : 3;
  const multi = await runRetrieval(
    () => loadRuntime({ modelsDir, threads: cores }),
    warmUp,
    questions,
    rounds,
  );
  const peakMb = peakRssMb();
  const { info } = multi.runtime;
  await multi.runtime.close();
  const single = await runRetrieval(() => loadRuntime({ modelsDir, threads: 1 }), warmUp, questions, rounds);
  if (questions.some((_, i) => single.rows[i]?.join() !== multi.rows[i]?.join()))
    throw new Error('retrieval is disqualified: one thread finds other passages than several');

  const { folder, manifest } = await readBundle(modelsDir);
  const few = questions.slice(0, quick ? 10 : 60);
  await checkKeywords(join(folder, manifest.index.bm25), await createTokenizer(), few, 100);
  const path = join(folder, manifest.index.vectors);
  const { index } = await openVectorIndex(path, { threads: cores });
  let recall = 1;
  if (manifest.index.vectorIndex === 'Flat') {
    const exact = await openVectorIndex(path, { faiss: undefined, faissNode: undefined });
    recall = await recallOf(index, exact.index, await single.runtime.parts.embedder.embed(few, 'query'), 10);
    if (recall < 0.999)
      throw new Error(`vector search is disqualified: it finds ${recall} of the exact scan's hits`);
  } else recall = manifest.index.recallAt10;
  await single.runtime.close();
  return {
    figures: [
      { key: 'retrieveP50Ms', value: multi.first.p50Ms, note: `${cores} threads` },
      { key: 'retrieveP99Ms', value: multi.first.p99Ms, budget: { atMost: 8 }, note: `${cores} threads` },
      { key: 'retrieveAgainP99Ms', value: multi.again.p99Ms, note: 'the same questions once more' },
      { key: 'retrieveOneThreadP50Ms', value: single.first.p50Ms },
      { key: 'retrieveOneThreadP99Ms', value: single.first.p99Ms },
      { key: 'retrieveRecallAt10', value: recall, note: 'vectors, against an exact scan' },
      { key: 'bundleLoadMs', value: info.loadMs },
      { key: 'retrievePeakMb', value: peakMb },
    ],
    notes: [
      `${manifest.id}: ${info.chunks} chunks, ${index.size} vectors, ${index.description}; ${questions.length} questions, each for the first time, after ${warmUp.length} others; ${rounds} loads`,
      `stages p50/p99 ms: ${renderStages(multi)}`,
      ...info.warnings,
    ],
  };
}
