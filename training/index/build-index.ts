/**
 * Stage `index`: chunks to a published bundle.
 *
 *   data/work/chunks.jsonl -> embedder (kept, or made from the chunks) -> vectors (only new texts are embedded)
 *                          -> FAISS index, frozen BM25 -> models/<id>/ -> models/current
 *
 * Skipped where the chunks, the options, the code and the choice model are those of a bundle that is there. The
 * default embedder comes with the program, or is made of the chunks once (latent semantic analysis), and is kept
 * across changed documents, so that their unchanged chunks keep their vectors; `retrainEmbedder` makes it of the
 * present chunks, and it is used from then on. Any Hugging Face encoder folder with ONNX takes its place.
 *
 * Not covered: the student model, which later stages add.
 */
import { cp, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  activateBundle,
  createStagingFolder,
  currentBundleId,
  listBundles,
  publishBundle,
  readBundle,
} from '../../shared/bundle/bundle-store.js';
import { readWeights } from '../../shared/bundle/bundle-weights.js';
import { type BundleManifest, bundleFormatVersion, type StudentEntry } from '../../shared/bundle/manifest.js';
import { HaetaeError } from '../../shared/errors.js';
import { writeBm25 } from '../../shared/retrieval/bm25/bm25-files.js';
import type { Chunk } from '../../shared/retrieval/chunk.js';
import { readChunks } from '../../shared/retrieval/chunk-file.js';
import { fingerprintFolder, readEncoderFolder } from '../../shared/retrieval/encoder-folder.js';
import { buildVectorIndex } from '../../shared/retrieval/faiss/build-vector-index.js';
import { indexText } from '../../shared/retrieval/index-text.js';
import { openEmbedder } from '../../shared/retrieval/onnx-embedder.js';
import { passageWindows } from '../../shared/retrieval/passage-windows.js';
import { writeVectorRows } from '../../shared/retrieval/vector-rows.js';
import { createTokenizer, tokenizerVersion } from '../../shared/text/tokenize.js';
import { freezeBm25, learnBm25 } from '../bm25/learn-bm25.js';
import { buildStaticEmbedder } from '../embedder/build-static-embedder.js';
import { retrievalDefaults } from './retrieval-defaults.js';
import { embedWithCache } from './vector-cache.js';
import { codeFingerprint, sha256, stableJson } from '../stages/stage.js';

export interface IndexOptions {
  /** Where the default embedder is kept, and, unless named, the chunks and the vectors. */
  workDir: string;
  /** Default: `chunks.jsonl` in `workDir`. */
  chunks?: string;
  /** Vectors of texts, by embedder; default: `vectors` in `workDir`. */
  vectorCache?: string;
  modelsDir: string;
  /** An encoder folder to use instead of the default embedder. */
  embedder?: string;
  /** The default embedder, as it comes with the program. Where absent, one is made from the chunks. */
  shippedEmbedder?: string;
  /** Folder of what a published bundle learnt (`bundle-weights.ts`): its student answers in the new bundle too. */
  weights?: string;
  /** Make the default embedder anew from the present chunks; it is used from then on. */
  retrainEmbedder?: boolean;
  /** Build even where nothing changed. */
  force?: boolean;
  /** Leave another kind of bundle active where one was chosen; else what was built becomes the active one. */
  keepChosen?: boolean;
  threads: number;
  log: (line: string) => void;
}

export interface IndexReport {
  bundleId: string;
  skipped: boolean;
  chunks: number;
  embedded: number;
  seconds: number;
}

/** Bundles with the default embedder come and go with the documents; those with another are the user's. */
const defaultPrefix = 'default-';
const ownPrefix = 'index-';
const seed = 20_250_801;
const vocabSize = 16_000;
const dimension = 256;
const evidencePassages = 8;

export async function buildIndex(options: IndexOptions): Promise<IndexReport> {
  const started = performance.now();
  const { workDir, modelsDir, log } = options;
  const chunksPath = options.chunks ?? join(workDir, 'chunks.jsonl');
  const chunkText = await readFile(chunksPath, 'utf8').catch((error: unknown) => {
    throw new HaetaeError(
      'FILE_NOT_FOUND',
      `${chunksPath} is not there. Make it with: haetae train prepare`,
      {},
      { cause: error },
    );
  });
  const embedderFolder = options.embedder ?? (await defaultEmbedder(options, chunksPath));
  const modelUrl = new URL('../../shared/answering/evidence-model.json', import.meta.url);
  const weights = options.weights === undefined ? null : await readWeights(options.weights);
  const inputsHash = sha256(
    stableJson({
      ...(weights ? { weights } : {}),
      chunks: sha256(chunkText),
      model: sha256(await readFile(modelUrl)),
      code: await indexCode(),
      embedder: await fingerprintFolder(await readEncoderFolder(embedderFolder), ''),
      retrievalDefaults,
      evidencePassages,
      vocabSize,
      dimension,
      seed,
    }),
  );
  const id = `${options.embedder ? ownPrefix : defaultPrefix}${inputsHash.slice(0, 12)}`;
  const there = await readBundle(modelsDir, id).catch(() => undefined);
  if (there && !options.force) {
    await activate(modelsDir, id, options.keepChosen === true);
    return {
      bundleId: id,
      skipped: true,
      chunks: there.manifest.index.chunkCount,
      embedded: 0,
      seconds: elapsed(started),
    };
  }

  const chunks = await readSomeChunks(chunksPath);
  const texts = chunks.map(indexText);
  const windows = chunks.map(passageWindows);
  const rowOfVector = Uint32Array.from(windows.flatMap((list, row) => list.map(() => row)));
  await mkdir(modelsDir, { recursive: true });
  const staging = await createStagingFolder(modelsDir);
  try {
    const embedder = await openEmbedder(embedderFolder, { threads: options.threads });
    log(`index: embedding with ${basename(embedderFolder)} (${embedder.dimension} dimensions)`);
    const { vectors, embedded } = await embedWithCache(
      options.vectorCache ?? join(workDir, 'vectors'),
      embedder,
      windows.flat(),
      (done, total) => {
        if (done === total || done % 4096 === 0) log(`index: embedded ${done} of ${total} windows`);
      },
    );
    await embedder.close();
    const vectorReport = await buildVectorIndex(vectors, embedder.dimension, {
      path: join(staging, 'vectors.faiss'),
      seed,
      threads: options.threads,
    });
    await writeVectorRows(join(staging, 'vector-rows.u32'), rowOfVector);
    for (const warning of vectorReport.warnings) log(`index: ${warning}`);
    log(`index: ${vectorReport.description} over ${vectorReport.size} vectors (${embedded} embedded now)`);

    const tokenizer = await createTokenizer();
    log('index: learning BM25');
    const bm25 = freezeBm25(learnBm25(texts.map((text) => tokenizer.tokenize(text))), tokenizerVersion);
    await mkdir(join(staging, 'bm25'));
    await writeBm25(join(staging, 'bm25'), bm25);
    await cp(embedderFolder, join(staging, 'embedder'), { recursive: true, dereference: true });
    await cp(chunksPath, join(staging, 'chunks.jsonl'));
    await cp(modelUrl, join(staging, 'evidence-model.json'));

    for (const { path } of weights?.files ?? []) {
      await mkdir(dirname(join(staging, path)), { recursive: true });
      await cp(join(options.weights!, path), join(staging, path), { dereference: true });
    }

    const parent = await currentBundleId(modelsDir).catch(() => null);
    await publishBundle(modelsDir, staging, {
      formatVersion: bundleFormatVersion,
      id,
      createdAt: new Date().toISOString(),
      parent: parent === id ? null : parent,
      student: weights?.student ?? null,
      tokenizer: weights?.student ? `${weights.student.path}/tokenizer.json` : null,
      embedder: { path: 'embedder', dimension: embedder.dimension, fingerprint: embedder.fingerprint },
      index: {
        chunks: 'chunks.jsonl',
        bm25: 'bm25',
        vectors: 'vectors.faiss',
        vectorRows: 'vector-rows.u32',
        chunkCount: chunks.length,
        vectorIndex: vectorReport.description,
        recallAt10: vectorReport.recallAt10 ?? 1,
        tokenizerVersion,
        inputsHash,
      },
      retrieval: { ...retrievalDefaults, searchParams: vectorReport.searchParams },
      prompt: weights?.prompt ?? null,
      answering: {
        ...(weights?.answering ?? { mode: 'evidence' }),
        ...{ model: 'evidence-model.json', evidencePassages },
      },
      metrics: {},
      licences: [...licencesOf(chunks), ...(weights?.student ? [studentLicence(weights.student)] : [])],
    });
    await activate(modelsDir, id, options.keepChosen === true);
    await removeOldDefaults(modelsDir, [id, parent ?? id]);
    return { bundleId: id, skipped: false, chunks: chunks.length, embedded, seconds: elapsed(started) };
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  }
}

/** @throws HaetaeError INDEX_INVALID where the file holds no chunks. */
async function readSomeChunks(path: string): Promise<Chunk[]> {
  const chunks = await readChunks(path);
  if (chunks.length > 0) return chunks;
  throw new HaetaeError(
    'INDEX_INVALID',
    `${path} holds no chunks. Make it again with: haetae train prepare --force`,
  );
}

/** The folder of the default embedder, which is made where it is absent. */
async function defaultEmbedder(options: IndexOptions, chunksPath: string): Promise<string> {
  const { workDir, shippedEmbedder: shipped, retrainEmbedder } = options;
  if (shipped !== undefined && (await isEncoder(shipped))) {
    const own = join(workDir, 'own-embedder');
    if (retrainEmbedder) return makeEmbedder(own, options, chunksPath);
    return (await isEncoder(own)) ? own : shipped;
  }
  const folder = join(workDir, 'embedder');
  const isThere = !retrainEmbedder && (await isEncoder(folder));
  return isThere ? folder : makeEmbedder(folder, options, chunksPath);
}

async function isEncoder(folder: string): Promise<boolean> {
  return stat(join(folder, 'config.json')).then(
    () => true,
    () => false,
  );
}

async function makeEmbedder(folder: string, options: IndexOptions, chunksPath: string): Promise<string> {
  const texts = (await readSomeChunks(chunksPath)).map(indexText);
  const fresh = `${folder}.${process.pid}.tmp`;
  await rm(fresh, { recursive: true, force: true });
  options.log(`index: making the default embedder from ${texts.length} chunks`);
  let last = '';
  const report = await buildStaticEmbedder({
    texts,
    outDir: fresh,
    vocabSize,
    dimension,
    seed,
    onProgress: (stage) => {
      if (stage !== last) options.log(`index: embedder, ${stage}`);
      last = stage;
    },
  }).catch(async (error: unknown) => {
    await rm(fresh, { recursive: true, force: true });
    throw error;
  });
  await rm(folder, { recursive: true, force: true });
  await rename(fresh, folder);
  options.log(
    `index: embedder of ${report.vocabSize} tokens × ${report.dimension} made in ${report.seconds.toFixed(1)} s`,
  );
  return folder;
}

/** Hash over the code that decides what an index holds. */
async function indexCode(): Promise<string> {
  return codeFingerprint(
    import.meta.url,
    [
      '../bm25',
      '../embedder',
      '.',
      '../../shared/text',
      '../../shared/retrieval',
      '../../shared/retrieval/bm25',
      '../../shared/retrieval/faiss',
    ],
    ['garu-ko', 'tokenizers', 'wink-bm25-text-search', 'onnxruntime-node'],
  );
}

async function activate(modelsDir: string, id: string, keepChosen: boolean): Promise<void> {
  const active = await currentBundleId(modelsDir).catch(() => '');
  if (active === id) return;
  if (keepChosen && active !== '' && !active.startsWith(defaultPrefix)) {
    const isThere = await readBundle(modelsDir, active).then(
      () => true,
      () => false,
    );
    if (isThere) return;
  }
  await activateBundle(modelsDir, id);
}

async function removeOldDefaults(modelsDir: string, keep: readonly string[]): Promise<void> {
  for (const id of await listBundles(modelsDir)) {
    if (id.startsWith(defaultPrefix) && !keep.includes(id))
      await rm(join(modelsDir, id), { recursive: true, force: true });
  }
}

function licencesOf(chunks: readonly Chunk[]): BundleManifest['licences'] {
  const byKey = new Map<string, { licence: string; publisher: string; url: string; sources: Set<string> }>();
  for (const { licence, publisher, url, source } of chunks) {
    const key = `${licence}\n${publisher}`;
    const entry = byKey.get(key) ?? { licence, publisher, url, sources: new Set<string>() };
    entry.sources.add(source);
    byKey.set(key, entry);
  }
  return [...byKey.values()].map(({ licence, publisher, url, sources }) => ({
    licence,
    publisher,
    url,
    documents: sources.size,
  }));
}

function studentLicence({ licence, name }: StudentEntry): BundleManifest['licences'][number] {
  return { licence, publisher: name, documents: 0, url: '' };
}

function elapsed(started: number): number {
  return (performance.now() - started) / 1000;
}
