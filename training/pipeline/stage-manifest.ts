/**
 * `stage.json` in the folder of a stage: what its result was made from. A stage is unchanged when everything that
 * decides the result is the same and every output is still what was written.
 *
 * `stage.started.json` stands there while a stage works: a stage that is started again from the same goes on with what
 * it finds; from anything else, the folder is emptied first.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { entryPoint } from '../../shared/entry-point.js';
import { HaetaeError } from '../../shared/errors.js';
import { writeAtomically } from '../../shared/write-atomically.js';
import { codeFingerprint, stableJson } from '../stages/stage.js';
import type { StageDefinition, StagePlace, StageSummary } from './stage-definition.js';

/** Everything that decides what a stage writes. */
export interface StageKey {
  stage: string;
  code: string;
  options: Record<string, unknown>;
  /** Path → sha256. */
  inputs: Record<string, string>;
}

export interface FinishedStage extends StageKey {
  /** Bundle it was compared with; null where it compares with none. */
  incumbentId: string | null;
  /** Name in the folder → sha256. */
  outputs: Record<string, string>;
  finishedAt: string;
  seconds: number;
}

const finishedName = 'stage.json';
const startedName = 'stage.started.json';
export const summaryName = 'summary.json';
const stagesUrl = new URL('../stages/stage-manifest.js', import.meta.url).href;

/** @throws HaetaeError FILE_NOT_FOUND where an input is not there */
export async function stageKey(definition: StageDefinition, place: StagePlace): Promise<StageKey> {
  const inputs: Record<string, string> = {};
  for (const path of await definition.inputs(place)) inputs[path] = await hashOf(path, definition.name);
  return {
    stage: definition.name,
    code: `${await codeOf(definition.name)} ${await codeFingerprint(stagesUrl, definition.code.folders, definition.code.libraries)}`,
    options: { ...definition.options(place), iteration: place.iteration },
    inputs,
  };
}

/** sha256 of the stage's own module, which is named after it. */
async function codeOf(stage: string): Promise<string> {
  const path = entryPoint(import.meta.url, `../stages/${stage}`);
  return hashFile(path);
}

/** What the stage in `folder` has finished, if its outputs are whole; else undefined. */
export async function finishedStage(folder: string): Promise<FinishedStage | undefined> {
  const finished = await readJson<FinishedStage>(join(folder, finishedName));
  if (!finished?.stage || !finished.outputs) return undefined;
  for (const [name, hash] of Object.entries(finished.outputs)) {
    if ((await hashOf(join(folder, name), finished.stage).catch(() => '')) !== hash) return undefined;
  }
  return finished;
}

/** Whether two keys say the same. Names of inputs are no part of it: an output folder may be moved. */
export function isSameKey(key: StageKey, other: StageKey): boolean {
  const plain = ({ stage, code, options, inputs }: StageKey) =>
    stableJson({ stage, code, options, inputs: Object.values(inputs) });
  return plain(key) === plain(other);
}

/** The bundle that it was compared with still stands, or has given way to what the pipeline made of the very same. */
export function isSameIncumbent(
  finished: FinishedStage,
  { readsIncumbent }: StageDefinition,
  incumbentId: string | null,
  publishedId: string | null,
): boolean {
  if (!readsIncumbent || finished.incumbentId === incumbentId) return true;
  return incumbentId !== null && incumbentId === publishedId;
}

/** Whether an interrupted start from `key` is there to go on with. */
export async function isStarted(folder: string, key: StageKey): Promise<boolean> {
  const left = await readJson<StageKey>(join(folder, startedName));
  return left?.stage !== undefined && isSameKey(left, key);
}

/** Readies the folder for `key`: what an interrupted start of the same has left stays, anything else goes. */
export async function beginStage(folder: string, key: StageKey, incumbentId: string | null): Promise<void> {
  const started = { ...key, incumbentId };
  const left = await readJson<StageKey & { incumbentId: string | null }>(join(folder, startedName));
  const goesOn = left?.stage && isSameKey(left, key) && left.incumbentId === incumbentId;
  if (!goesOn) await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await rm(join(folder, finishedName), { force: true });
  await writeAtomically(join(folder, startedName), `${JSON.stringify(started, null, 2)}\n`);
}

/** Writes down that the stage is done. @throws HaetaeError TRAINING_STAGE_FAILED where an output is not there */
export async function finishStage(
  folder: string,
  definition: StageDefinition,
  key: StageKey,
  { incumbentId, seconds, now, summary }: FinishFacts,
): Promise<void> {
  const outputs: Record<string, string> = {};
  await writeAtomically(join(folder, summaryName), `${JSON.stringify(summary, null, 2)}\n`);
  for (const name of [...definition.outputs, summaryName]) {
    outputs[name] = await hashOf(join(folder, name), definition.name);
  }
  const finished: FinishedStage = {
    ...key,
    incumbentId,
    outputs,
    finishedAt: now.toISOString(),
    seconds,
  };
  await writeAtomically(join(folder, finishedName), `${JSON.stringify(finished, null, 2)}\n`);
  await rm(join(folder, startedName), { force: true });
}

interface FinishFacts {
  incumbentId: string | null;
  seconds: number;
  now: Date;
  summary: StageSummary;
}

export async function readSummary(folder: string): Promise<StageSummary | undefined> {
  return readJson<StageSummary>(join(folder, summaryName));
}

/** sha256 of a file, or of the names and contents of all files below a folder. */
async function hashOf(path: string, stage: string): Promise<string> {
  const info = await stat(path).catch((error: unknown) => {
    throw new HaetaeError(
      'FILE_NOT_FOUND',
      `The stage ${stage} needs ${path}, which is not there. Run the stages before it, or correct the path.`,
      { path },
      { cause: error },
    );
  });
  if (info.isFile()) return hashFile(path);
  const root = await realpath(path);
  const hash = createHash('sha256');
  for (const name of await filesBelow(root)) {
    hash.update(`${name}\n${await hashFile(join(root, name))}\n`);
  }
  return hash.digest('hex');
}

/** Relative paths, sorted; links are followed (hub caches are made of them). */
async function filesBelow(root: string): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() || (entry.isSymbolicLink() && (await stat(path)).isFile())) {
      files.push(relative(root, path));
    }
  }
  return files.sort();
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
}
