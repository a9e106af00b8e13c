/**
 * Stage `pretrain`: a new model from the knowledge base.
 *
 *   prepare/chunks.jsonl → texts.jsonl, a document a line → run/ → model/
 *   prepare.texts        → more-texts.jsonl
 *
 * No document is left out, those whose questions only measure neither: they are what the bundle answers from, and a
 * reader of them is not yet one who knows the questions. Chunks that are like a question that is measured on are left
 * out. Texts that the section names itself are the user's, and are taken as they are.
 */
import { createWriteStream } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Chunk } from '../../shared/retrieval/chunk.js';
import { readChunks } from '../../shared/retrieval/chunk-file.js';
import { listDataFiles } from '../data/data-files.js';
import { readTrainingDocuments } from '../data/read-training-documents.js';
import { writeJsonLines } from '../formats/json-lines.js';
import { studentShape, trainedTokens, trainingSeconds } from '../model-stages/estimate-work.js';
import { runTraining, sectionPaths, trainingCode } from '../model-stages/run-training.js';
import { modelName } from '../model-stages/student-folders.js';
import type { StageContext, StageDefinition, StagePlace } from '../pipeline/stage-definition.js';
import { folderSize } from '../pipeline/folder-size.js';
import { pretrain as program } from '../programs/pretrain.js';
import { Decontamination } from '../synthesis/decontamination/decontamination.js';
import { documentIdOf } from '../synthesis/split/document-id.js';

const chunksOf = ({ folderOf }: Pick<StagePlace, 'folderOf'>): string =>
  join(folderOf('prepare'), 'chunks.jsonl');

export const pretrain: StageDefinition = {
  name: 'pretrain',
  about: 'a new model, from the texts',
  isWanted: (config) => config.pretrain !== undefined,
  options: ({ config }) => ({
    ...{ seed: config.seed, pretrain: config.pretrain, contextLength: config.student.contextLength },
    jaccard: config.synthesize.decontaminate.jaccard,
  }),
  inputs(place) {
    const { pretrain: section = {}, synthesize } = place.config;
    if (section.data?.train) return sectionPaths(section);
    const { texts } = place.config.prepare;
    return [chunksOf(place), ...texts, ...synthesize.decontaminate.files, ...sectionPaths(section)];
  },
  outputs: [modelName],
  code: {
    ...trainingCode,
    folders: [
      ...[...trainingCode.folders, '../synthesis/split', '../synthesis/decontamination'],
      ...['../../shared/retrieval', '../../shared/question', '../../shared/evaluation', '../../shared/text'],
    ],
  },
  async estimate(place) {
    const { config } = place;
    const section = config.pretrain ?? {};
    const bytes = await textBytes(place);
    const tokens = trainedTokens(section, bytes / bytesPerToken);
    const { steps, epochs = 1, model } = config.pretrain ?? {};
    const shape = model?.shape;
    return {
      facts: [
        ['model', model?.from ?? (shape ? `new, ${shape.nLayer} layers of ${shape.hiddenSize}` : 'new')],
        ['length', steps === undefined ? `${epochs} epochs` : `${steps} steps`],
      ],
      seconds: trainingSeconds(await studentShape(config), tokens, section.data?.length),
    };
  },
  async run(context) {
    const { config } = context;
    const section = config.pretrain ?? {};
    const { leftOut, ...data } = section.data?.train ? { leftOut: null } : await writeTexts(context);
    const { figures, details } = await runTraining(context, {
      ...{ definition: program, program: 'pretrain', section, from: section.model?.from ?? null },
      defaults: {
        ...{ epochs: 1, data: { ...data, length: 256, rows: 8 } },
        // Prompts are longer than the rows it is trained on.
        ...(section.model?.shape ? { model: { shape: { maxPositions: config.student.contextLength } } } : {}),
      },
      fixed: {},
    });
    return {
      figures: { ...figures, ...(leftOut && { 'chunks left out': leftOut.contaminated }) },
      details: { ...details, leftOut },
    };
  },
};

/** What keeps measured questions out of the texts. */
export interface LeftOut {
  /** Chunks, and documents of the texts that are added. */
  chunks: number;
  /** As like a measured question as the threshold, or more. */
  contaminated: number;
  /** Highest likeness of a chunk that stayed. */
  highest: number;
}

/** Of compressed or plain text. */
const bytesPerTick = 4_000_000;
/** Of Korean text in UTF-8, by a vocabulary of 8,000. */
const bytesPerToken = 6;

/** Of the chunks; before they are made, of the documents. */
async function textBytes(place: StagePlace): Promise<number> {
  const { raw, texts } = place.config.prepare;
  const own = await stat(chunksOf(place)).then(
    ({ size }) => size,
    async () => (await folderSize(raw)).bytes,
  );
  return own + (await sizeOf(texts));
}

/** Of fewer documents a share to be held out may be none, which a run refuses. */
const fewestToHoldOut = 100;

/** The data of the run file, and what was kept out of them. */
async function writeTexts(
  context: StageContext,
): Promise<{ train: string[]; validationFraction?: number; leftOut: LeftOut }> {
  const path = join(context.folder, 'texts.jsonl');
  const filter = await contaminationFilter(context);
  const documents = documentsOf((await readChunks(chunksOf(context))).filter((chunk) => filter.keeps(chunk)));
  await writeJsonLines(path, documents);
  const extra = join(context.folder, 'more-texts.jsonl');
  const { texts } = context.config.prepare;
  const added = texts.length > 0 ? await writeExtraTexts(context, extra, filter) : 0;
  const { leftOut } = filter;
  if (leftOut.contaminated > 0) {
    context.log(`${leftOut.contaminated} texts are like questions that are measured on, and left out`);
  }
  const count = new Set(documents.map(({ source }) => source)).size + added;
  return {
    train: [path, ...(added > 0 ? [extra] : [])],
    leftOut,
    ...(count < fewestToHoldOut ? { validationFraction: 0 } : {}),
  };
}

/** The texts that the configuration adds, as far as they are kept; returns how many. */
async function writeExtraTexts(
  { config, signal, progress }: StageContext,
  path: string,
  filter: ContaminationFilter,
): Promise<number> {
  const { texts } = config.prepare;
  const bar = progress('texts', Math.ceil((await sizeOf(texts)) / bytesPerTick));
  let read = 0;
  let added = 0;
  const onRead = (bytes: number): void => {
    for (read += bytes; read >= bytesPerTick; read -= bytesPerTick) bar.tick();
  };
  async function* lines(): AsyncGenerator<string> {
    const options = { kind: 'text', textDocuments: 'block', onRead } as const;
    for await (const { text, documentId } of readTrainingDocuments(texts, options)) {
      signal.throwIfAborted();
      if (!filter.keeps({ content: text })) continue;
      added++;
      yield `${JSON.stringify({ text, source: documentId })}\n`;
    }
  }
  try {
    await pipeline(lines, createWriteStream(`${path}.tmp`));
  } finally {
    bar.stop();
  }
  await rename(`${path}.tmp`, path);
  return added;
}

async function sizeOf(paths: readonly string[]): Promise<number> {
  const sizes = await Promise.all(
    (await listDataFiles(paths)).map(async ({ path }) => (await stat(path)).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

interface ContaminationFilter {
  /** What was kept and left out so far. */
  readonly leftOut: LeftOut;
  keeps(text: { content: string }): boolean;
}

async function contaminationFilter({ config, signal }: StageContext): Promise<ContaminationFilter> {
  const { files, jaccard } = config.synthesize.decontaminate;
  const decontamination = await Decontamination.open(files);
  const leftOut: LeftOut = { chunks: 0, contaminated: 0, highest: 0 };
  return {
    leftOut,
    keeps({ content }) {
      signal.throwIfAborted();
      leftOut.chunks++;
      const likeness = decontamination.likest([[content]])?.likeness ?? 0;
      if (likeness < jaccard) leftOut.highest = Math.max(leftOut.highest, likeness);
      else leftOut.contaminated++;
      return likeness < jaccard;
    },
  };
}

/** The chunks of each file together, in their order, under its title. Versions of a document have one source. */
export function documentsOf(
  chunks: readonly Pick<Chunk, 'source' | 'title' | 'content'>[],
): { text: string; source: string }[] {
  const files = new Map<string, { title: string; contents: string[] }>();
  for (const { source, title, content } of chunks) {
    const file = files.get(source) ?? { title, contents: [] };
    file.contents.push(content);
    files.set(source, file);
  }
  return [...files.values()].map(({ title, contents }) => ({
    text: [title, ...contents].join('\n\n'),
    source: documentIdOf({ title }),
  }));
}
