/**
 * Stage `prepare`: a folder of documents and `sources.csv` → `chunks.jsonl`.
 *
 *     raw folder ─▶ licence ─▶ parse ─▶ cut ─▶ check ─▶ duplicates ─▶ chunks.jsonl
 *                      └── refused ──┴── unreadable ──▶ prepare.report.json
 *
 * A file that cannot be taken is skipped by name and reason and the run goes on. `prepare.manifest.json` lets an
 * unchanged run be skipped; a cache per document (`cache/prepare/`) lets a changed document, or a run that was
 * interrupted, cost only what is new. Run it with `haetae train prepare`; `haetae train index` reads the result.
 */

import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import type { Progress } from '../../shared/progress.js';
import type { Chunk } from '../../shared/retrieval/chunk.js';
import { writeAtomically } from '../../shared/write-atomically.js';
import type { SourceEntry } from '../documents/document.js';
import type { DocumentFormat } from '../documents/parse-document.js';
import { PdfParserProcess } from '../documents/pdf-isolated.js';
import { type Attribution, attributions } from '../licence/attributions.js';
import { readSources } from '../licence/sources.js';
import { validateLicense } from '../licence/validate-license.js';
import { type Duplicates, removeDuplicates } from './duplicates.js';
import { cacheName, type PreparedDocument, prepareDocument } from './prepare-document.js';
import { type RawFile, rawFiles } from './raw-files.js';
import { codeFingerprint, isUpToDate, readManifest, type StageManifest, sha256 } from '../stages/stage.js';

export { prepareCommand } from './prepare-command.js';

export interface PrepareOptions {
  /** Folder with the documents and `sources.csv`. */
  rawDir: string;
  /** Folder that gets `chunks.jsonl` and the rest. */
  outDir: string;
  /** Folder of parsed documents; default: `cache/prepare` in `outDir`. Another may be shared, so nothing is removed there. */
  cacheDir?: string;
  /** Licences allowed besides the default ones. */
  allow?: readonly string[];
  /** Take documents without a known licence. */
  allowUnknown?: boolean;
  /** Reject where any document was skipped (after everything was written). */
  strict?: boolean;
  /** Run even if nothing changed, and parse every document anew. */
  force?: boolean;
  /** Chunks with a quality score below this are left out; 0..10, default 1. */
  minQuality?: number;
  /** Largest file that is taken, bytes; default 64 MiB. */
  maxFileBytes?: number;
  signal?: AbortSignal;
  progress?: (total: number) => Progress;
  /** Clock, for the dates in manifest and report. */
  now?: () => Date;
}

export interface PreparedFile {
  path: string;
  title: string;
  format: DocumentFormat;
  kind: PreparedDocument['kind'];
  licence: string;
  effective: string;
  chunks: number;
  tokens: number;
  /** Chunks left out because their quality was too low. */
  lowQuality: number;
  cached: boolean;
  warnings: string[];
}

export interface PrepareReport {
  createdAt: string;
  /** True where nothing had changed: the rest is the report of the run that wrote the files. */
  unchanged: boolean;
  totals: {
    documents: number;
    skipped: number;
    chunks: number;
    tokens: number;
    byKind: Record<string, number>;
  };
  files: PreparedFile[];
  skipped: { path: string; code: string; message: string }[];
  /** Documents that were read and hold nothing worth a chunk. */
  withoutContent: string[];
  /** Rows of `sources.csv` whose file is not there. */
  missingFiles: string[];
  licences: Attribution[];
  duplicates: Duplicates;
}

const outputs = { chunks: 'chunks.jsonl', report: 'prepare.report.json', manifest: 'prepare.manifest.json' };
const libraries = ['pdfjs-dist', 'marked', 'parse5', 'mammoth', 'yaml', 'csv-parse', 'iconv-lite'];

/** What was allowed when the folder was prepared last, so that a later set-up takes the same documents. */
export async function lastPrepareOptions(
  outDir: string,
): Promise<Pick<PrepareOptions, 'allow' | 'allowUnknown'>> {
  const { allow, allowUnknown } = (await readManifest(join(outDir, outputs.manifest)))?.options ?? {};
  return {
    ...(Array.isArray(allow) ? { allow: allow.map(String) } : {}),
    ...(typeof allowUnknown === 'boolean' ? { allowUnknown } : {}),
  };
}

/**
 * Runs the stage. Throws `FILE_NOT_FOUND` (no folder, no `sources.csv`), `SOURCES_INVALID`, and, after the report
 * was written, the first reason where nothing at all could be prepared or `strict` is set and a file was skipped.
 * An aborted `signal` rejects with its reason; what was parsed stays in the cache.
 */
export async function prepare(options: PrepareOptions): Promise<PrepareReport> {
  const { rawDir, outDir, signal } = options;
  const minQuality = options.minQuality ?? 1;
  const maxFileBytes = options.maxFileBytes ?? 64 * 1024 * 1024;
  const folder = await rawFiles(rawDir, maxFileBytes);
  const sourcesBytes = await readSourcesFile(rawDir, options.allowUnknown ?? false);
  const sources = sourcesBytes === undefined ? new Map<string, SourceEntry>() : readSources(sourcesBytes);
  const hashes = new Map<string, string>();
  for (const file of folder.files) hashes.set(file.path, sha256(await readFile(file.location)));

  const code = await codeFingerprint(
    import.meta.url,
    [
      '../documents',
      '../statute',
      '../split',
      '../licence',
      '../../shared/licence',
      '../prepare',
      '../../shared/text',
    ],
    libraries,
  );
  const key = {
    stage: 'prepare',
    code,
    options: {
      allow: [...(options.allow ?? [])].sort(),
      allowUnknown: options.allowUnknown ?? false,
      minQuality,
      maxFileBytes,
      refused: folder.refused.map((error) => error.message),
    },
    inputs: {
      'sources.csv': sourcesBytes === undefined ? '' : sha256(sourcesBytes),
      ...Object.fromEntries(hashes),
    },
  };
  const before = await readManifest(join(outDir, outputs.manifest));
  if (!options.force && (await isUpToDate(before, key, outDir))) {
    const report = JSON.parse(await readFile(join(outDir, outputs.report), 'utf8')) as PrepareReport;
    return settle({ ...report, unchanged: true }, options);
  }

  const run = new Run(options, code);
  for (const refused of folder.refused) run.skip(String(refused.data.path), refused);
  const progress = options.progress?.(folder.files.length);
  const pdf = new PdfParserProcess();
  try {
    for (const file of folder.files) {
      signal?.throwIfAborted();
      await run.take(file, sources.get(file.path), hashes.get(file.path) as string, pdf);
      progress?.tick(file.path);
    }
  } finally {
    progress?.stop();
    await pdf.close();
  }

  const { kept, duplicates } = removeDuplicates(run.chunks);
  const present = new Set([...folder.files.map((file) => file.path), ...run.skipped.map(({ path }) => path)]);
  const createdAt = (options.now?.() ?? new Date()).toISOString();
  const report: PrepareReport = {
    createdAt,
    unchanged: false,
    totals: {
      documents: run.files.length,
      skipped: run.skipped.length,
      chunks: kept.length,
      tokens: kept.reduce((sum, chunk) => sum + chunk.tokenCount, 0),
      byKind: countBy(kept, (chunk) => chunk.kind),
    },
    files: run.files,
    skipped: run.skipped,
    withoutContent: run.files.filter((file) => file.chunks === 0).map((file) => file.path),
    missingFiles: [...sources.keys()].filter((path) => !present.has(path)).sort(),
    licences: attributions(kept),
    duplicates,
  };
  const reportText = `${JSON.stringify(report, null, 2)}\n`;
  const written: StageManifest = { ...key, createdAt, outputs: { [outputs.report]: sha256(reportText) } };
  if (kept.length > 0) {
    const text = kept.map((chunk) => `${JSON.stringify(chunk)}\n`).join('');
    written.outputs[outputs.chunks] = sha256(text);
    await writeAtomically(join(outDir, outputs.chunks), text);
  }
  await writeAtomically(join(outDir, outputs.report), reportText);
  await writeAtomically(join(outDir, outputs.manifest), `${JSON.stringify(written, null, 2)}\n`);
  if (options.cacheDir === undefined) await dropOldCache(cacheFolder(options), run.cacheNames);
  return settle(report, options);
}

/** State of one run: takes files one after the other. */
class Run {
  readonly chunks: Chunk[] = [];
  readonly files: PreparedFile[] = [];
  readonly skipped: PrepareReport['skipped'] = [];
  readonly cacheNames = new Set<string>();

  constructor(
    private readonly options: PrepareOptions,
    private readonly code: string,
  ) {}

  skip(path: string, error: unknown): void {
    const errorCode = error instanceof HaetaeError ? error.code : 'INTERNAL';
    this.skipped.push({ path, code: errorCode, message: messageOf(error) });
  }

  async take(
    file: RawFile,
    row: SourceEntry | undefined,
    hash: string,
    pdf: PdfParserProcess,
  ): Promise<void> {
    const { signal, minQuality = 1, force } = this.options;
    const cache = cacheFolder(this.options);
    try {
      const entry = validateLicense(file.path, row, this.options);
      const name = cacheName(hash, entry, this.code);
      this.cacheNames.add(name);
      if (force) await rm(join(cache, name), { force: true });
      const bytes = await readFile(file.location);
      const parsePdf = pdf.parse.bind(pdf);
      const { document, cached } = await prepareDocument(bytes, entry, join(cache, name), parsePdf, signal);
      const kept = document.chunks.filter((chunk) => chunk.qualityScore >= minQuality);
      this.chunks.push(...kept);
      this.files.push({
        path: file.path,
        title: document.chunks[0]?.title ?? entry.title,
        format: document.format,
        kind: document.kind,
        licence: entry.licence,
        effective: document.chunks[0]?.effective ?? entry.effective,
        chunks: kept.length,
        tokens: kept.reduce((sum, chunk) => sum + chunk.tokenCount, 0),
        lowQuality: document.chunks.length - kept.length,
        cached,
        warnings: document.warnings,
      });
    } catch (error) {
      signal?.throwIfAborted();
      this.skip(file.path, error);
    }
  }
}

/** Rejects where the run counts as failed. */
function settle(report: PrepareReport, options: PrepareOptions): PrepareReport {
  const [first] = report.skipped;
  const reason = first === undefined ? '' : ` First reason: ${first.code}: ${first.message}`;
  const where = join(options.outDir, outputs.report);
  if (report.totals.chunks === 0) {
    throw new HaetaeError(
      'DOCUMENT_EMPTY',
      `Nothing could be prepared from ${options.rawDir}: ${report.totals.skipped} files were skipped, see ${where}.${reason}`,
    );
  }
  if (options.strict && first !== undefined) {
    throw new HaetaeError(
      'DOCUMENT_REFUSED',
      `${report.totals.skipped} files were skipped and --strict is set, see ${where}.${reason}`,
    );
  }
  return report;
}

async function readSourcesFile(rawDir: string, optional: boolean): Promise<Uint8Array | undefined> {
  const path = join(rawDir, 'sources.csv');
  try {
    return await readFile(path);
  } catch (error) {
    if (optional) return undefined;
    throw new HaetaeError(
      'FILE_NOT_FOUND',
      `There is no ${path}, so no licence is known. Write it (path,title,publisher,license,effective,url,domain) ` +
        'or take documents without a known licence with --allow-unknown.',
      { path },
      { cause: error },
    );
  }
}

function cacheFolder({ outDir, cacheDir }: PrepareOptions): string {
  return cacheDir ?? join(outDir, 'cache', 'prepare');
}

async function dropOldCache(folder: string, used: ReadonlySet<string>): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) if (!used.has(name)) await rm(join(folder, name), { force: true });
}

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[keyOf(item)] = (counts[keyOf(item)] ?? 0) + 1;
  return counts;
}
