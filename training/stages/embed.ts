/**
 * Stage `embed`: the default embedder, from the documents alone.
 *
 * ```
 * prepare/chunks.jsonl → base-…/        latent semantic analysis of all chunks: vocabulary and table
 *   statutes in plain text → texts.jsonl  → general/model/   contrastive, negatives of the batch
 *   chunks → pairs.jsonl, BM25's negatives → model/          contrastive, hard negatives
 * model/ → embedder/                        its table in 8 bits
 * ```
 *
 * Every training begins with the table before it. It runs on one thread, so the same seed gives the same bytes.
 * With `heldOut`, some families of documents make no pairs, and recall on queries made of them is measured with the
 * base and with the result. (Base and vocabulary know their texts, as they know all that is searched.)
 */
import { readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Bm25Index } from '../../shared/retrieval/bm25/bm25-index.js';
import type { Chunk } from '../../shared/retrieval/chunk.js';
import { readChunks } from '../../shared/retrieval/chunk-file.js';
import { indexText } from '../../shared/retrieval/index-text.js';
import { createTokenizer, tokenizerVersion } from '../../shared/text/tokenize.js';
import { freezeBm25, learnBm25 } from '../bm25/learn-bm25.js';
import { buildStaticEmbedder } from '../embedder/build-static-embedder.js';
import {
  compareRanks,
  type RankComparison,
  ranksOf,
  type Search,
  type SearchParts,
  searches,
} from '../embedder/compare-embedders.js';
import { familyOf } from '../embedder/pairs/retrieval-pair.js';
import {
  type PairContext,
  type WrittenPairs,
  writeChunkPairs,
  writeTextPairs,
} from '../embedder/pairs/write-pairs.js';
import { searchQueries } from '../embedder/search-queries.js';
import { exportStaticEncoder, readStaticEncoder } from '../encoder/static-encoder-folder.js';
import { tableName } from '../encoder/static-encoder.js';
import { runTraining, trainingCode } from '../model-stages/run-training.js';
import { modelName } from '../model-stages/student-folders.js';
import type { PipelineConfig } from '../pipeline/pipeline-config.js';
import type { StageContext, StageDefinition, StagePlace } from '../pipeline/stage-definition.js';
import { folderSize } from '../pipeline/folder-size.js';
import { embed as program } from '../programs/embed.js';
import { Decontamination } from '../synthesis/decontamination/decontamination.js';
import { splitDocuments } from '../synthesis/split/split-documents.js';
import type { TrainingDetails } from './details.js';
import { codeFingerprint, sha256, stableJson } from './stage.js';

type EmbedConfig = NonNullable<PipelineConfig['embed']>;

export type EmbedDetails = TrainingDetails & {
  /** Of the chunks, and of further texts; null where there are none. */
  pairs: Omit<WrittenPairs, 'path'>;
  texts: Omit<WrittenPairs, 'path'> | null;
  /** Families that no pair was made of. */
  heldOut: string[];
  /** On them: the base, then the result; empty where nothing was held out. */
  recall: Partial<Record<Search, RankComparison[]>>;
};

const chunksOf = ({ folderOf }: Pick<StagePlace, 'folderOf'>): string =>
  join(folderOf('prepare'), 'chunks.jsonl');
const sectionOf = ({ config }: Pick<StagePlace, 'config'>): EmbedConfig => config.embed as EmbedConfig;

/** Of its result, in the stage's folder. */
const embedderName = 'embedder';

export const embed: StageDefinition = {
  name: 'embed',
  about: 'an embedder, from pairs made of the documents',
  isWanted: (config) => config.embed !== undefined,
  options: (place) => ({
    ...{ seed: place.config.seed, embed: sectionOf(place) },
    jaccard: place.config.synthesize.decontaminate.jaccard,
  }),
  inputs: (place) => [
    chunksOf(place),
    ...sectionOf(place).texts,
    ...place.config.synthesize.decontaminate.files,
  ],
  outputs: [embedderName],
  code: {
    folders: [
      ...[...trainingCode.folders, '../embedder', '../encoder', '../bm25', '../evaluation', '../synthesis'],
      ...['../index', '../gates', '../../shared/retrieval', '../../shared/text', '../../shared/question'],
      '../../shared/evaluation',
    ],
    libraries: [...trainingCode.libraries, 'garu-ko', 'wink-bm25-text-search'],
  },
  async estimate(place) {
    const { vocabSize, dimension, texts } = sectionOf(place);
    const bytes = await stat(chunksOf(place)).then(
      ({ size }) => size,
      async () => (await folderSize(place.config.prepare.raw)).bytes,
    );
    const general = texts.length > 0 ? secondsOfTexts : 0;
    return {
      facts: [['table', `${vocabSize} × ${dimension}`]],
      seconds: bytes * secondsPerByte + general,
    };
  },
  async run(context) {
    const section = sectionOf(context);
    const { config, folder, log, signal } = context;
    const chunks = await readChunks(chunksOf(context));
    const families = new Set(chunks.map(({ title }) => familyOf(title)));
    const shares = { calibration: 0, validation: section.heldOut };
    const splits = splitDocuments(families, shares, config.seed);
    const isHeldOut = (family: string) => splits.get(family) === 'validation';
    const search = { ...(await searchParts(chunks)), folder, signal };
    const base = await baseEmbedder(context, chunks);
    signal.throwIfAborted();

    const { files, jaccard } = config.synthesize.decontaminate;
    const decontamination = await Decontamination.open(files);
    const writing = { folder, seed: config.seed, isHeldOut, decontamination, jaccard, signal };
    const texts = await pretrained(context, base, chunks, writing);
    const pairs = await writeChunkPairs({ ...search, ...section }, writing);
    tell(context, 'pairs of the chunks', pairs);
    const summary = await runTraining(context, {
      ...{ definition: program, program: 'embed', section: section.run ?? {}, from: texts.model },
      defaults: { ...trainingDefaults, data: { ...trainingDefaults.data, train: [pairs.path] } },
      fixed: { threads: 1, encoder: { from: texts.model } },
    });

    await inEightBits(join(folder, modelName), join(folder, embedderName));
    signal.throwIfAborted();

    const heldOut = [...families].filter(isHeldOut).sort();
    const recall = heldOut.length > 0 ? await measured(context, base, isHeldOut, search) : {};
    const all = recall.hybrid?.at(-1);
    if (all) log(`hybrid recall@5 on ${all.queries} queries of held-out documents: ${changeOf(all)}`);
    return {
      figures: {
        ...{ pairs: pairs.pairs, ...(texts.pairs && { 'pairs of texts': texts.pairs.pairs }) },
        ...summary.figures,
        ...(all ? { 'hybrid recall@5': changeOf(all) } : {}),
      },
      details: {
        ...summary.details,
        ...{ pairs: withoutPath(pairs), texts: texts.pairs && withoutPath(texts.pairs), heldOut, recall },
      },
    };
  },
};

/** Mostly the pairs' hard negatives and the base; measured on the bundled documents. */
const secondsPerByte = 1e-5;
const secondsOfTexts = 240;

const trainingDefaults = {
  epochs: 3,
  temperature: 0.05,
  data: { rows: 256, queryLength: 48, length: 96, validationFraction: 0 },
  optimizer: {
    ...{ learningRate: 2e-3, schedule: 'linear', warmupFraction: 0.1, finalFraction: 0 },
    ...{ beta2: 0.98, weightDecay: 0, maxGradNorm: null },
  },
  evaluation: { everySteps: 0 },
  checkpoint: { everySteps: 100 },
};

/** What queries are searched with, beside the vectors. */
async function searchParts(
  chunks: readonly Chunk[],
): Promise<Pick<SearchParts, 'chunks' | 'tokenizer' | 'keywords'>> {
  const tokenizer = await createTokenizer();
  const terms = chunks.map((chunk) => tokenizer.tokenize(indexText(chunk)));
  const keywords = new Bm25Index(freezeBm25(learnBm25(terms), tokenizerVersion));
  return { chunks, tokenizer, keywords };
}

/** The folder of the table that training begins with; kept, since it depends on the chunks and its size alone. */
async function baseEmbedder(context: StageContext, chunks: readonly Chunk[]): Promise<string> {
  const { folder, config, log } = context;
  const { vocabSize, dimension } = sectionOf(context);
  const key = stableJson({
    ...{ vocabSize, dimension, seed: config.seed, chunks: sha256(await readFile(chunksOf(context))) },
    code: await codeFingerprint(import.meta.url, ['../embedder'], ['tokenizers']),
  });
  const name = `base-${sha256(key).slice(0, 12)}`;
  for (const other of await readdir(folder)) {
    if (other.startsWith('base-') && other !== name) await rm(join(folder, other), { recursive: true });
  }
  const path = join(folder, name);
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  if (isThere) return path;
  const progress = context.progress('latent semantic analysis', 4);
  const done = new Set<string>();
  try {
    const report = await buildStaticEmbedder({
      ...{ texts: chunks.map(indexText), outDir: `${path}.tmp`, vocabSize, dimension, seed: config.seed },
      onProgress: (stage) => {
        context.signal.throwIfAborted();
        if (!done.has(stage)) progress.tick(stage);
        done.add(stage);
      },
    });
    log(`base: ${report.vocabSize} tokens × ${dimension} in ${report.seconds.toFixed(1)} s`);
  } finally {
    progress.stop();
  }
  await rename(`${path}.tmp`, path);
  return path;
}

/** Half the bytes, so that twice as many tokens have vectors of their own; the ranking is the same. */
async function inEightBits(from: string, to: string): Promise<void> {
  const { config, table, ...tokenizer } = await readStaticEncoder(from);
  const partial = `${to}.partial`;
  await rm(partial, { recursive: true, force: true });
  await exportStaticEncoder(partial, config, new Map([[tableName, table]]), tokenizer, 'int8');
  await rm(to, { recursive: true, force: true });
  await rename(partial, to);
}

/** Training on further texts, where there are any. */
async function pretrained(
  context: StageContext,
  base: string,
  chunks: readonly Chunk[],
  writing: PairContext,
): Promise<{ model: string; pairs: WrittenPairs | null }> {
  const { texts, textShare, general } = sectionOf(context);
  if (texts.length === 0) return { model: base, pairs: null };
  const pairs = await writeTextPairs(texts, textShare, chunks, writing);
  tell(context, 'pairs of the texts', pairs);
  const folder = join(context.folder, 'general');
  await runTraining(
    { ...context, folder },
    {
      ...{ definition: program, program: 'embed', section: general ?? {}, from: base },
      defaults: {
        ...{ ...trainingDefaults, epochs: 1.5 },
        data: { ...trainingDefaults.data, train: [pairs.path], negatives: 0 },
      },
      fixed: { threads: 1, encoder: { from: base } },
    },
  );
  return { model: join(folder, modelName), pairs };
}

async function measured(
  { config, folder, progress, signal }: StageContext,
  base: string,
  isHeldOut: (family: string) => boolean,
  parts: SearchParts,
): Promise<EmbedDetails['recall']> {
  const options = { perKind: sectionOf({ config }).queries, seed: config.seed, isWanted: isHeldOut, signal };
  const queries = await searchQueries(parts.chunks, options);
  if (queries.length === 0) return {};
  const shown = progress('measure recall', 2);
  const before = await ranksOf(base, queries, parts);
  shown.tick('base');
  const after = await ranksOf(join(folder, embedderName), queries, parts);
  shown.tick('result');
  shown.stop();
  const recall: EmbedDetails['recall'] = {};
  for (const search of Object.keys(searches) as Search[])
    recall[search] = compareRanks(queries, before[search], after[search]);
  return recall;
}

function changeOf({ recallAt5: { before, after }, gained, lost }: RankComparison): string {
  return `${before.toFixed(3)} to ${after.toFixed(3)} (${gained} gained, ${lost} lost)`;
}

function tell({ log }: StageContext, what: string, { pairs, byKind, contaminated }: WrittenPairs): void {
  const kinds = Object.entries(byKind).map(([kind, count]) => `${kind} ${count}`);
  log(`${what}: ${pairs} (${kinds.join(', ')}), ${contaminated} like measured questions left out`);
}

function withoutPath({ path: _, ...rest }: WrittenPairs): Omit<WrittenPairs, 'path'> {
  return rest;
}
