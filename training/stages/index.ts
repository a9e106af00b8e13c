/** Stage `index`: chunks to a bundle that answers by evidence (see `training/index/build-index.ts`), in its own folder. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readBundle } from '../../shared/bundle/bundle-store.js';
import { loadRuntime } from '../../shared/bundle/load-runtime.js';
import { articleQueries } from '../evaluation/article-queries.js';
import {
  evaluateRetrieval,
  type RetrievalScores,
  type System,
  systems,
} from '../evaluation/evaluate-retrieval.js';
import { buildIndex } from '../index/build-index.js';
import type { StageContext, StageDefinition, StagePlace } from '../pipeline/stage-definition.js';
import { folderSize } from '../pipeline/folder-size.js';

export type IndexDetails = {
  bundleId: string;
  chunks: number;
  dimension: number;
  vectorIndex: string;
  /** Of the vector index against exact search. */
  recallAt10: number;
  /** Of articles, on queries made from them; empty where none were asked for. */
  retrieval: Partial<Record<System, RetrievalScores>>;
};

const chunksFile = ({ folderOf }: StagePlace): string => join(folderOf('prepare'), 'chunks.jsonl');

/** The one that is named, else what `embed` made; undefined: the index makes one. */
function embedderOf({ config, folderOf }: StagePlace): string | undefined {
  return config.index.embedder ?? (config.embed && join(folderOf('embed'), 'embedder'));
}

export const index: StageDefinition = {
  name: 'index',
  about: 'chunks to BM25, embedder and vector index',
  isWanted: () => true,
  options: ({ config }) => ({ queries: config.index.queries, seed: config.seed }),
  inputs: (place) => {
    const embedder = embedderOf(place);
    return [chunksFile(place), ...(embedder === undefined ? [] : [embedder])];
  },
  outputs: ['models'],
  code: {
    folders: [
      ...['../index', '../bm25', '../embedder', '../evaluation', '../../shared/text'],
      ...['../../shared/retrieval', '../../shared/answering', '../../shared/question'],
      ...['../../shared/lm', '../../shared/onnx'],
    ],
    libraries: ['garu-ko', 'tokenizers', 'wink-bm25-text-search', 'onnxruntime-node'],
  },
  async estimate(place) {
    const bytes = await stat(chunksFile(place)).then(
      ({ size }) => size,
      () => null,
    );
    if (bytes === null) {
      const { bytes: raw } = await folderSize(place.config.prepare.raw);
      return { facts: [], seconds: raw * secondsPerByte };
    }
    return { facts: [['chunks', `${(bytes / 1e6).toFixed(1)} MB`]], seconds: bytes * secondsPerByte };
  },
  async run(context) {
    const { folder, threads, cacheFolder, log, signal } = context;
    const modelsDir = join(folder, 'models');
    const embedder = embedderOf(context);
    const report = await buildIndex({
      ...{ workDir: folder, modelsDir, threads, log },
      ...{ chunks: chunksFile(context), vectorCache: join(cacheFolder, 'vectors') },
      ...(embedder === undefined ? {} : { embedder }),
    });
    signal.throwIfAborted();
    const details = await describe(context, modelsDir);
    const { reranked } = details.retrieval;
    return {
      figures: {
        ...{ chunks: report.chunks, embedded: report.embedded, index: details.vectorIndex },
        ...(reranked ? { 'recall@5': reranked.recallAt5 } : {}),
      },
      details,
    };
  },
};

/** Most of it the embedder and BM25; measured on the bundled documents, two cores. */
const secondsPerByte = 2e-6;

async function describe(
  { config, progress, signal }: StageContext,
  modelsDir: string,
): Promise<IndexDetails> {
  const runtime = await loadRuntime({ modelsDir, threads: 1 });
  try {
    const { chunks, retriever } = runtime.parts;
    const queries = articleQueries(chunks, { perKind: config.index.queries, seed: config.seed });
    const names = queries.length > 0 ? (Object.keys(systems) as System[]) : [];
    const shown = progress('measure recall', names.length);
    const retrieval: IndexDetails['retrieval'] = {};
    for (const name of names) {
      signal.throwIfAborted();
      retrieval[name] = await evaluateRetrieval(retriever, queries, systems[name]);
      shown.tick(name);
    }
    shown.stop();
    const { dimension, vectorIndex } = runtime.info;
    const { manifest } = await readBundle(modelsDir);
    return {
      ...{ bundleId: manifest.id, chunks: chunks.length, dimension, vectorIndex },
      ...{ recallAt10: manifest.index.recallAt10, retrieval },
    };
  } finally {
    await runtime.close();
  }
}
