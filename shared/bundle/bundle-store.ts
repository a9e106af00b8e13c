/**
 * The folder of bundles: list, read, verify, activate, publish.
 *
 *   models/<id>/manifest.json   models/<id>/…   models/current (one line: the active id)   models/activations.jsonl
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { HaetaeError } from '../errors.js';
import { writeAtomically } from '../write-atomically.js';
import { type Activation, activeStack, appendActivation, readActivations } from './activations.js';
import { currentName, isBundleId, readCurrent } from './current-file.js';
import { type BundleManifest, parseManifest } from './manifest.js';

export const manifestName = 'manifest.json';
const temporaryPrefix = '.tmp-';

export interface Bundle {
  folder: string;
  manifest: BundleManifest;
}

/** Ids of the complete bundles, sorted. */
export async function listBundles(modelsDir: string): Promise<string[]> {
  const entries = await readdir(modelsDir, { withFileTypes: true }).catch(() => []);
  const ids: string[] = [];
  for (const entry of entries) {
    if (!entry.isDirectory() || entry.name.startsWith('.')) continue;
    if (await isFile(join(modelsDir, entry.name, manifestName))) ids.push(entry.name);
  }
  return ids.sort();
}

/** The active bundle's id. @throws HaetaeError BUNDLE_NOT_FOUND */
export async function currentBundleId(modelsDir: string): Promise<string> {
  const id = await readCurrent(modelsDir);
  if (id === '') {
    throw new HaetaeError(
      'BUNDLE_NOT_FOUND',
      `${join(modelsDir, currentName)} names no bundle. Build one with: npm run setup`,
    );
  }
  return id;
}

/** @throws HaetaeError BUNDLE_NOT_FOUND, BUNDLE_INVALID */
export async function readBundle(modelsDir: string, id?: string): Promise<Bundle> {
  const bundleId = id ?? (await currentBundleId(modelsDir));
  if (!isBundleId(bundleId)) {
    throw new HaetaeError(
      'BUNDLE_NOT_FOUND',
      `'${bundleId}' is not a bundle id. List them with: haetae models list`,
    );
  }
  const folder = join(modelsDir, bundleId);
  const path = join(folder, manifestName);
  const text = await readFile(path, 'utf8').catch(async (error: unknown) => {
    throw new HaetaeError(
      'BUNDLE_NOT_FOUND',
      `There is no bundle '${bundleId}' in ${modelsDir}. ${knownText(await listBundles(modelsDir))}`,
      { bundleId },
      { cause: error },
    );
  });
  const manifest = parseManifest(text, path);
  if (manifest.id !== bundleId) {
    throw new HaetaeError(
      'BUNDLE_INVALID',
      `${path} says it is '${manifest.id}', but its folder is '${bundleId}'. Rename the folder.`,
    );
  }
  for (const file of manifest.files) {
    const size = await stat(join(folder, file.path)).then(
      (info) => info.size,
      () => -1,
    );
    if (size === file.bytes) continue;
    const came = size < 0 ? 'is missing' : `has ${size} bytes`;
    throw new HaetaeError(
      'BUNDLE_INVALID',
      `Bundle '${bundleId}': ${file.path} ${came}, expected ${file.bytes} bytes. Rebuild it with: haetae train index --force`,
      { path: file.path },
    );
  }
  return { folder, manifest };
}

function knownText(ids: readonly string[]): string {
  if (ids.length === 0) return 'There is none at all: build one with: npm run setup';
  const named = ids.slice(0, 10).join(', ');
  return `There ${ids.length === 1 ? 'is' : 'are'} ${named}${ids.length > 10 ? ', … : haetae models list' : ''}.`;
}

/** Reads every byte. @throws HaetaeError BUNDLE_CHECKSUM naming the first file that differs. */
export async function verifyBundle(bundle: Bundle): Promise<void> {
  for (const file of bundle.manifest.files) {
    const sha256 = await hashFile(join(bundle.folder, file.path));
    if (sha256 !== file.sha256) {
      throw new HaetaeError(
        'BUNDLE_CHECKSUM',
        `Bundle '${bundle.manifest.id}': ${file.path} has sha256 ${sha256}, expected ${file.sha256}. Rebuild it with: haetae train index --force`,
        { path: file.path },
      );
    }
  }
}

/** Makes a complete bundle the active one; atomic. A kill between the two writes loses the line, which matters little. */
export async function activateBundle(
  modelsDir: string,
  id: string,
  kind: Activation['kind'] = 'activate',
): Promise<void> {
  await readBundle(modelsDir, id);
  await writeAtomically(join(modelsDir, currentName), `${id}\n`);
  await recordActivation(modelsDir, id, kind);
}

/** Notes that `current` names this bundle, unless that is known already. */
export async function recordActivation(
  modelsDir: string,
  bundleId: string,
  kind: Activation['kind'] = 'activate',
): Promise<void> {
  if (activeStack(await readActivations(modelsDir)).at(-1) === bundleId) return;
  await appendActivation(modelsDir, { at: new Date().toISOString(), bundleId, kind });
}

/** The bundles that were active before the one that is, the latest first. */
export async function earlierBundles(modelsDir: string): Promise<string[]> {
  const current = await readCurrent(modelsDir);
  return activeStack(await readActivations(modelsDir), current)
    .slice(0, -1)
    .reverse();
}

/** Stands for a bundle's content: its manifest names the checksum of every file. */
export function manifestHash({ manifest }: Bundle): string {
  return createHash('sha256').update(JSON.stringify(manifest)).digest('hex');
}

/** A new empty folder beside the bundles, to be filled and handed to `publishBundle`. */
export async function createStagingFolder(modelsDir: string): Promise<string> {
  await removeStaleStaging(modelsDir);
  const folder = join(modelsDir, `${temporaryPrefix}${process.pid}`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  return folder;
}

/**
 * Hashes and syncs the staged files, writes the manifest, and renames the folder to its id. A bundle that has the
 * id already is put aside first and removed afterwards. `signal` stops it while it hashes; the staged files stay.
 *
 * @throws HaetaeError BUNDLE_INVALID where the manifest does not fit, or the folder holds links or devices.
 */
export async function publishBundle(
  modelsDir: string,
  staging: string,
  manifest: Omit<BundleManifest, 'files'>,
  { signal }: { signal?: AbortSignal } = {},
): Promise<Bundle> {
  await refuseOddEntries(staging);
  const files: BundleManifest['files'] = [];
  for (const path of await filesBelow(staging)) {
    const absolute = join(staging, path);
    await syncFile(absolute);
    files.push({
      path: path.split(sep).join('/'),
      bytes: (await stat(absolute)).size,
      sha256: await hashFile(absolute, signal),
    });
  }
  const complete: BundleManifest = { ...manifest, files };
  const text = `${JSON.stringify(complete, null, 2)}\n`;
  parseManifest(text, manifestName);
  await writeFile(join(staging, manifestName), text);
  await syncFile(join(staging, manifestName));
  await syncFolders(staging);
  const folder = join(modelsDir, manifest.id);
  const aside = join(modelsDir, `${temporaryPrefix}${process.pid}-old`);
  await rm(aside, { recursive: true, force: true });
  await rename(folder, aside).catch(ignoreMissing);
  await rename(staging, folder);
  await syncFile(modelsDir);
  await rm(aside, { recursive: true, force: true });
  return { folder, manifest: complete };
}

/**
 * Replaces fields of a bundle's manifest that say how it answers, not what it holds; atomic. Probes that were taken
 * while it answered otherwise are not named any more.
 *
 * @throws HaetaeError BUNDLE_INVALID where the manifest does not fit any more.
 */
export async function updateManifest(
  { folder, manifest }: Bundle,
  change: Partial<Pick<BundleManifest, 'answering' | 'retrieval' | 'metrics'>>,
): Promise<Bundle> {
  const path = join(folder, manifestName);
  const { probes: _, ...withoutProbes } = manifest;
  const answersOtherwise = change.answering !== undefined || change.retrieval !== undefined;
  const kept = answersOtherwise ? withoutProbes : manifest;
  const text = `${JSON.stringify({ ...kept, ...change }, null, 2)}\n`;
  const changed = parseManifest(text, path);
  await writeAtomically(path, text);
  return { folder, manifest: changed };
}

/** The bundle with a file that lies in its folder already, or whose content has changed, in its list. */
export async function addBundleFile({ folder, manifest }: Bundle, path: string): Promise<Bundle> {
  const { size: bytes } = await stat(join(folder, path));
  const entry = { path, bytes, sha256: await hashFile(join(folder, path)) };
  const files = [...manifest.files.filter((file) => file.path !== path), entry];
  const text = `${JSON.stringify({ ...manifest, files }, null, 2)}\n`;
  const changed = parseManifest(text, join(folder, manifestName));
  await writeAtomically(join(folder, manifestName), text);
  return { folder, manifest: changed };
}

/** Removes a bundle that is not active; for readers it is gone at once, whenever this is killed. */
export async function removeBundle(modelsDir: string, id: string): Promise<void> {
  const aside = join(modelsDir, `${temporaryPrefix}${process.pid}-old`);
  await rm(aside, { recursive: true, force: true });
  await rename(join(modelsDir, id), aside).catch(ignoreMissing);
  await rm(aside, { recursive: true, force: true });
}

export async function hashFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash, { ...(signal ? { signal } : {}) });
  return hash.digest('hex');
}

/** Files below a folder, relative paths, sorted, so that hashes over them are stable. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

/** What a killed build left behind; folders of live processes stay. */
async function removeStaleStaging(modelsDir: string): Promise<void> {
  for (const name of await readdir(modelsDir).catch(() => [])) {
    if (!name.startsWith(temporaryPrefix)) continue;
    const pid = /^([1-9]\d*)(?:-old)?$/.exec(name.slice(temporaryPrefix.length))?.[1];
    if (pid === undefined || !isAlive(Number(pid))) {
      await rm(join(modelsDir, name), { recursive: true, force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user may not be signalled, but lives.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function refuseOddEntries(staging: string): Promise<void> {
  const entries = await readdir(staging, { recursive: true, withFileTypes: true });
  const odd = entries.find((entry) => !entry.isFile() && !entry.isDirectory());
  if (!odd) return;
  throw new HaetaeError(
    'BUNDLE_INVALID',
    `${join(odd.parentPath, odd.name)} is neither a file nor a folder. Copy what it stands for into the bundle.`,
  );
}

async function syncFolders(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) if (entry.isDirectory()) await syncFile(join(entry.parentPath, entry.name));
  await syncFile(folder);
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r');
  await handle.sync().finally(() => handle.close());
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isFile(),
    () => false,
  );
}
