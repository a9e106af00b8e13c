/**
 * Builds the index of `hybrid-100k` through the product's own code, in a process of its own: what wink learns of
 * 100,000 chunks is some gigabytes of objects before it is frozen, which must not be there when searches are timed.
 *
 * Leaves in the folder named: `models/` with one bundle (a copy of the active one with the larger index in place of
 * its own), `flat.faiss` (all vectors, to compare with), `build.json`. Complete or absent: a temporary folder is
 * renamed.
 */
import { cp, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  activateBundle,
  createStagingFolder,
  manifestName,
  publishBundle,
  readBundle,
} from '../shared/bundle/bundle-store.js';
import { messageOf } from '../shared/errors.js';
import { writeBm25 } from '../shared/retrieval/bm25/bm25-files.js';
import { formatChunks, readChunks } from '../shared/retrieval/chunk-file.js';
import { buildVectorIndex, type VectorIndexReport } from '../shared/retrieval/faiss/build-vector-index.js';
import { writeFlatFile } from '../shared/retrieval/flat-file.js';
import { indexText } from '../shared/retrieval/index-text.js';
import { openEmbedder } from '../shared/retrieval/onnx-embedder.js';
import { passageWindows } from '../shared/retrieval/passage-windows.js';
import { writeVectorRows } from '../shared/retrieval/vector-rows.js';
import { createTokenizer, tokenizerVersion } from '../shared/text/tokenize.js';
import { freezeBm25, learnBm25 } from '../training/bm25/learn-bm25.js';
import { peakRssMb } from './measure.js';
import { packagePath, recombineChunks } from './workload.js';

export interface Build100kOptions {
  folder: string;
  count: number;
  seed: number;
  threads: number;
}

export interface Build100kReport {
  chunks: number;
  seconds: number;
  tokenizeSeconds: number;
  learnSeconds: number;
  freezeSeconds: number;
  embedSeconds: number;
  vectorSeconds: number;
  peakMb: number;
  vectorIndex: VectorIndexReport;
}

const embedBatch = 1_024;

async function build({ folder, count, seed, threads }: Build100kOptions): Promise<void> {
  const clock = stopwatch();
  const bundle = await readBundle(packagePath('models'));
  const real = await readChunks(join(bundle.folder, bundle.manifest.index.chunks));
  const chunks = recombineChunks(real, count, seed);
  const staging = `${folder}.${process.pid}.tmp`;
  const modelsDir = join(staging, 'models');
  await mkdir(modelsDir, { recursive: true });
  const made = await createStagingFolder(modelsDir);
  const { id: _, files: __, ...manifest } = bundle.manifest;
  const { index } = manifest;
  await cp(bundle.folder, made, { recursive: true, filter: (path) => basename(path) !== manifestName });
  const text = Array.from({ length: Math.ceil(count / 1000) }, (_, i) =>
    formatChunks(chunks.slice(1000 * i, 1000 * (i + 1))),
  );
  await writeFile(join(made, index.chunks), text);
  await writeVectorRows(
    join(made, index.vectorRows),
    Uint32Array.from({ length: count }, (_, row) => row),
  );
  clock();

  const embedder = await openEmbedder(join(bundle.folder, bundle.manifest.embedder.path), { threads });
  const { dimension } = embedder;
  const vectors = new Float32Array(count * dimension);
  for (let at = 0; at < count; at += embedBatch) {
    const windows = chunks.slice(at, at + embedBatch).map((chunk) => passageWindows(chunk)[0] as string);
    vectors.set(await embedder.embed(windows, 'passage'), at * dimension);
  }
  await embedder.close();
  const embedSeconds = clock();
  const vectorIndex = await buildVectorIndex(vectors, dimension, {
    path: join(made, index.vectors),
    seed,
    threads,
  });
  await writeFlatFile(join(staging, 'flat.faiss'), {
    dimension,
    size: count,
    metric: 'inner-product',
    vectors,
  });
  const vectorSeconds = clock();

  const tokenizer = await createTokenizer();
  let tokenizeSeconds = 0;
  const terms = function* () {
    for (const chunk of chunks) {
      const started = performance.now();
      const found = tokenizer.tokenize(indexText(chunk));
      tokenizeSeconds += (performance.now() - started) / 1000;
      yield found;
    }
  };
  const learnt = learnBm25(terms());
  const learnSeconds = clock() - tokenizeSeconds;
  await writeBm25(join(made, index.bm25), freezeBm25(learnt, tokenizerVersion));
  const freezeSeconds = clock();

  const id = `bench-${count}`;
  await publishBundle(modelsDir, made, {
    ...manifest,
    id,
    parent: null,
    index: {
      ...index,
      chunkCount: count,
      vectorIndex: vectorIndex.description,
      recallAt10: vectorIndex.recallAt10 ?? 1,
      tokenizerVersion,
    },
    retrieval: { ...manifest.retrieval, searchParams: vectorIndex.searchParams },
  });
  await activateBundle(modelsDir, id);

  const report: Build100kReport = {
    chunks: count,
    seconds: performance.now() / 1000,
    tokenizeSeconds,
    learnSeconds,
    freezeSeconds,
    embedSeconds,
    vectorSeconds,
    peakMb: peakRssMb(),
    vectorIndex,
  };
  await writeFile(join(staging, 'build.json'), `${JSON.stringify(report, null, 2)}\n`);
  await removeOthers(dirname(folder), basename(staging));
  await rename(staging, folder);
}

/** Indices of other bundles, seeds or code are of no use any more, and large. */
async function removeOthers(parent: string, keep: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (name !== keep) await rm(join(parent, name), { recursive: true, force: true });
  }
}

/** Seconds since the call before. */
function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const now = performance.now();
    const elapsed = (now - last) / 1000;
    last = now;
    return elapsed;
  };
}

process.once('message', (options: Build100kOptions) => {
  build(options).then(
    () => process.exit(),
    (error: unknown) => {
      process.stderr.write(`hybrid-100k: ${messageOf(error)}\n`);
      process.exit(1);
    },
  );
});
