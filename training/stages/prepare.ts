/** Stage `prepare`: a folder of documents with `sources.csv` to `chunks.jsonl` (see `training/prepare/`). */
import { join } from 'node:path';
import type { StageDefinition } from '../pipeline/stage-definition.js';
import { folderSize } from '../pipeline/folder-size.js';
import { type PrepareReport, prepare as prepareDocuments } from '../prepare/prepare.js';

export type PrepareDetails = Pick<
  PrepareReport,
  'totals' | 'skipped' | 'withoutContent' | 'missingFiles' | 'licences'
> & {
  duplicates: number;
};

export const prepare: StageDefinition = {
  name: 'prepare',
  about: 'documents to chunks: parse, clean, split, check licences',
  isWanted: () => true,
  options: ({ config }) => {
    const { allow, allowUnknown, minQuality } = config.prepare;
    return { allow: [...allow].sort(), allowUnknown, minQuality };
  },
  inputs: ({ config }) => [config.prepare.raw],
  outputs: ['chunks.jsonl', 'prepare.report.json'],
  code: {
    folders: [
      ...['../prepare', '../documents', '../statute', '../split', '../licence'],
      ...['../../shared/licence', '../../shared/text', '../../shared/retrieval'],
    ],
    libraries: ['pdfjs-dist', 'marked', 'parse5', 'mammoth', 'yaml', 'csv-parse', 'iconv-lite'],
  },
  async estimate({ config }) {
    const { files, bytes } = await folderSize(config.prepare.raw);
    return {
      facts: [['documents', `${files} files, ${(bytes / 1e6).toFixed(1)} MB`]],
      seconds: bytes * secondsPerByte,
    };
  },
  async run({ config, folder, cacheFolder, signal, progress, now }) {
    const { raw, cache, allow, allowUnknown, minQuality } = config.prepare;
    const report = await prepareDocuments({
      ...{ rawDir: raw, outDir: folder, cacheDir: cache ?? join(cacheFolder, 'prepare') },
      ...{ allow, allowUnknown, minQuality, signal, now },
      progress: (total) => progress('parse', total),
    });
    const { totals, skipped, withoutContent, missingFiles, licences, duplicates } = report;
    const details: PrepareDetails = {
      ...{ totals, skipped, withoutContent, missingFiles, licences },
      duplicates: duplicates.dropped.length,
    };
    return {
      figures: {
        ...{ documents: totals.documents, skipped: totals.skipped },
        ...{ chunks: totals.chunks, tokens: totals.tokens },
      },
      details,
    };
  },
};

/** PDF is the slowest of the formats; measured on the bundled documents, two cores. */
const secondsPerByte = 3e-6;
