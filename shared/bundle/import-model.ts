/**
 * A bundle from a model folder: documents, indices, embedder and evidence model of a base bundle, and the model as
 * its student.
 *
 *   plan     what the folder holds and lacks, what the rules say; nothing is opened or written
 *   import   base files and model files into a staging folder; the model is opened from there and its fingerprint
 *            taken; then the folder is published whole, or removed
 *
 * Files of the base bundle never change, so they are linked where the file system can; those of the model folder
 * are the user's, and are copied.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, link, mkdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { PromptSet } from '../answering/prompt-wording.js';
import type { StudentMode } from '../answering/student-questions.js';
import { HaetaeError } from '../errors.js';
import { licenceExpression } from '../licence/licence-expression.js';
import { fingerprintModel } from '../lm/fingerprint.js';
import type { LanguageModel } from '../lm/language-model.js';
import { readChunks } from '../retrieval/chunk-file.js';
import { type Bundle, createStagingFolder, publishBundle, readBundle, verifyBundle } from './bundle-store.js';
import { type Check, standsInTheWay } from './check.js';
import { checkContestRules } from './contest-rules.js';
import type { BundleManifest, StudentEntry } from './manifest.js';
import { type ModelFolder, readModelFolder } from './model-folder.js';

export interface PlanOptions {
  /** The model folder. */
  folder: string;
  modelsDir: string;
  /** Bundle that the documents come from; default: the active one. */
  baseId?: string;
  /** When the model was published, YYYY-MM-DD, where the folder does not say. */
  released?: string;
  rules?: 'contest';
}

export interface ImportPlan {
  model: ModelFolder;
  base: Bundle;
  modelsDir: string;
  /** Files of the base bundle that the new one has too. */
  baseFiles: BundleManifest['files'];
  released: string | null;
  /** What the rules say; none without rules. */
  ruleChecks: Check[];
}

export interface ImportOptions {
  /** Default: made of the model's name and its content. */
  id?: string;
  mode: StudentMode;
  /** What it is asked with; default `ko-1`, for models that follow instructions. */
  prompts?: PromptSet;
  /** Longest prompt and output together; default: what the model can, at most 4096. */
  contextLength?: number;
  /** Questions that are worked on at once. */
  slots: number;
  /** Take the place of a bundle that has the id already. */
  replace: boolean;
  openModel: (folder: string) => Promise<LanguageModel>;
  now: () => Date;
  signal: AbortSignal;
  log: (line: string) => void;
}

const studentFolder = 'student';
const defaultContext = 4096;

/** @throws HaetaeError FILE_NOT_FOUND, BUNDLE_NOT_FOUND, BUNDLE_INVALID */
export async function planImport(options: PlanOptions): Promise<ImportPlan> {
  const { folder, modelsDir, baseId, released, rules } = options;
  const model = await readModelFolder(folder);
  const base = await readBundle(modelsDir, baseId);
  const { student: former, probes } = base.manifest;
  // Probes say how the base bundle answers.
  const kept = base.manifest.files.filter(
    ({ path }) => path !== probes && (former === null || !path.startsWith(`${former.path}/`)),
  );
  const sizes = [...kept, ...model.files].map(({ bytes }) => bytes);
  const ruleChecks =
    rules === undefined
      ? []
      : checkContestRules({
          card: model.card,
          ...(released === undefined ? {} : { released }),
          bytes: sizes.reduce((sum, bytes) => sum + bytes, 0),
          documents: await documentsOf(base),
        });
  return {
    model,
    base,
    modelsDir,
    baseFiles: kept,
    released: released ?? latest(model.card.released.map(({ value }) => value)) ?? null,
    ruleChecks,
  };
}

/**
 * @throws HaetaeError MODEL_INVALID where the folder lacks something, MODEL_REFUSED where it breaks a rule, USAGE
 * where the id is taken, BUNDLE_CHECKSUM where the base is damaged; whatever opening the model throws
 */
export async function importModel(plan: ImportPlan, options: ImportOptions): Promise<Bundle> {
  const { model, base, modelsDir } = plan;
  const { signal, log } = options;
  refuse(plan);
  if (options.id !== undefined) await refuseTaken(modelsDir, options.id, base, options.replace);
  // Else a damaged file would be published under a checksum of its own.
  await verifyBundle({ ...base, manifest: { ...base.manifest, files: plan.baseFiles } });
  const staging = await createStagingFolder(modelsDir);
  try {
    for (const { path } of plan.baseFiles) {
      signal.throwIfAborted();
      await linkOrCopy(join(base.folder, path), join(staging, path));
    }
    for (const { path, bytes } of model.files) {
      if (bytes > 1e8) log(`copying ${path} (${(bytes / 1e6).toFixed(0)} MB)`);
      await copy(join(model.folder, path), join(staging, studentFolder, path), signal);
    }
    log('opening the model and taking its fingerprint');
    const { student, metrics, precision } = await examine(join(staging, studentFolder), plan, options);
    log(`it is ${precision}`);
    const id = options.id ?? `${slug(student.name)}-${contentHash(plan, options.mode, student)}`;
    if (options.id === undefined) await refuseTaken(modelsDir, id, base, options.replace);
    signal.throwIfAborted();
    const manifest = manifestOf(plan, options, id, student, metrics);
    return await publishBundle(modelsDir, staging, manifest, { signal });
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  }
}

/** What the folder lacks is said before what the rules forbid: it can be mended. */
function refuse({ model, ruleChecks }: ImportPlan): void {
  for (const [code, checks] of [
    ['MODEL_INVALID', model.checks],
    ['MODEL_REFUSED', ruleChecks],
  ] as const) {
    const bad = checks.filter(standsInTheWay);
    if (bad.length === 0) continue;
    const subjects = [...new Set(bad.map(({ subject }) => subject))].join(', ');
    throw new HaetaeError(
      code,
      `${model.folder} cannot be imported because of: ${subjects}. Nothing was written.`,
      { checks: bad },
    );
  }
}

async function refuseTaken(modelsDir: string, id: string, base: Bundle, replace: boolean): Promise<void> {
  if (id === base.manifest.id)
    throw new HaetaeError('USAGE', `'${id}' is the bundle the documents come from. Choose another --id.`);
  const taken = await stat(join(modelsDir, id)).catch(() => undefined);
  if (taken === undefined || replace) return;
  throw new HaetaeError(
    'USAGE',
    `There is a bundle '${id}' already. Choose another --id, replace it with --force, or use it: haetae models activate ${id}`,
    { bundleId: id },
  );
}

async function examine(
  folder: string,
  plan: ImportPlan,
  options: ImportOptions,
): Promise<{ student: StudentEntry; metrics: Record<string, number>; precision: string }> {
  const started = performance.now();
  const model = await options.openModel(folder);
  try {
    const studentLoadMs = Math.round(performance.now() - started);
    options.signal.throwIfAborted();
    const contextLength = options.contextLength ?? Math.min(model.contextLength, defaultContext);
    if (contextLength > model.contextLength) {
      throw new HaetaeError(
        'USAGE',
        `The model reaches over ${model.contextLength} tokens, --context asks for ${contextLength}.`,
      );
    }
    const { card, files, metrics } = plan.model;
    return {
      student: {
        path: studentFolder,
        contextLength,
        slots: options.slots,
        fingerprint: await fingerprintModel(model),
        name: modelName(plan.model.folder),
        licence: licenceExpression(card.licences.map(({ value }) => value)),
        released: plan.released,
      },
      metrics: {
        studentLoadMs,
        studentBytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
        ...metrics,
      },
      precision: `${model.config.family}, ${model.precision}`,
    };
  } finally {
    await model.close();
  }
}

function manifestOf(
  plan: ImportPlan,
  options: ImportOptions,
  id: string,
  student: StudentEntry,
  metrics: Record<string, number>,
): Omit<BundleManifest, 'files'> {
  const { files: _, probes: ___, ...base } = plan.base.manifest;
  // A calibration belongs to the model and mode that it was fitted for.
  const { calibration: __, ...answering } = base.answering;
  const [publisher = ''] = student.name.includes('/') ? student.name.split('/') : [];
  return {
    ...base,
    id,
    createdAt: options.now().toISOString(),
    parent: base.id,
    student,
    tokenizer: `${student.path}/tokenizer.json`,
    prompt: options.prompts ?? 'ko-1',
    answering: { ...answering, mode: options.mode },
    metrics: { ...withoutStudent(base.metrics), ...metrics },
    licences: [
      ...base.licences.filter(({ documents }) => documents > 0),
      { licence: student.licence, publisher: publisher || student.name, documents: 0, url: '' },
    ],
  };
}

/** Figures of the base bundle's own student, if it has one, say nothing of this one. */
function withoutStudent(metrics: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).filter(([name]) => !name.startsWith('student')));
}

/** What the rules ask of the documents: their licences, and the latest day one of them takes effect. */
async function documentsOf({ folder, manifest }: Bundle) {
  const chunks = await readChunks(join(folder, manifest.index.chunks));
  return {
    licences: [...new Set(chunks.map(({ licence }) => licence))],
    latestEffective: latest(chunks.map(({ effective }) => effective)) ?? '',
  };
}

function latest(dates: readonly string[]): string | undefined {
  return dates.reduce<string | undefined>(
    (last, date) => (last === undefined || date > last ? date : last),
    undefined,
  );
}

/** `Qwen/Qwen2.5-0.5B` of a hub cache's folder, else the folder's own name. */
function modelName(folder: string): string {
  const path = resolve(folder);
  const cached = /models--([^/]+)--([^/]+)\/snapshots\/[^/]+$/u.exec(path);
  return cached ? `${cached[1]}/${cached[2]}` : basename(path);
}

function slug(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9._-]+/gu, '-').replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/gu, '');
  return plain.slice(0, 80).toLowerCase() || 'model';
}

/** The same folder, base and mode give the same id. */
function contentHash(plan: ImportPlan, mode: string, student: StudentEntry): string {
  const { config, files } = plan.model;
  const content = JSON.stringify([plan.base.manifest.id, mode, config, files, student]);
  return createHash('sha256').update(content).digest('hex').slice(0, 8);
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await link(from, to).catch(() => copyFile(from, to));
}

async function copy(from: string, to: string, signal: AbortSignal): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await pipeline(createReadStream(from), createWriteStream(to, { flags: 'wx' }), { signal });
}
