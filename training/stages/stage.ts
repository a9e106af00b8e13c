/**
 * What every stage shares: a manifest says what they were made from,
 * so that a stage whose inputs, options and code are unchanged is skipped.
 *
 * Manifest (`<stage>.manifest.json`): stage, code (sha256 over the modules that do the work and the versions of
 * the libraries they use), options, inputs and outputs (path → sha256), createdAt. A stage is up to date when
 * code, options and inputs are equal and every output still has its hash.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface StageManifest {
  stage: string;
  createdAt: string;
  code: string;
  options: Record<string, unknown>;
  /** Path (as the stage names it) → sha256. */
  inputs: Record<string, string>;
  /** File name inside the stage's folder → sha256. */
  outputs: Record<string, string>;
}

export type StageKey = Pick<StageManifest, 'stage' | 'code' | 'options' | 'inputs'>;

/** Hex sha256 of bytes or text. */
export function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}

/** The manifest at `path`, or undefined where there is none that can be read. */
export async function readManifest(path: string): Promise<StageManifest | undefined> {
  try {
    const value = JSON.parse(await readFile(path, 'utf8')) as Partial<StageManifest> | null;
    const whole = value?.stage && value.code && value.options && value.inputs && value.outputs;
    return whole ? (value as StageManifest) : undefined;
  } catch {
    return undefined;
  }
}

/** True where `manifest` was written for the same key and its outputs in `folder` are as they were. */
export async function isUpToDate(
  manifest: StageManifest | undefined,
  key: StageKey,
  folder: string,
): Promise<boolean> {
  if (manifest === undefined) return false;
  const { stage, code, options, inputs } = manifest;
  if (stableJson({ stage, code, options, inputs }) !== stableJson(key)) return false;
  for (const [name, hash] of Object.entries(manifest.outputs)) {
    const content = await readFile(join(folder, name)).catch(() => undefined);
    if (content === undefined || sha256(content) !== hash) return false;
  }
  return true;
}

/** JSON with sorted keys: equal values give equal text. */
export function stableJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/**
 * sha256 over the modules and their JSON data in and below `folders` (relative to the caller's module) and the versions
 * of `libraries` in package.json: what a result depends on besides its input. Sources and compiled files hash differently, which
 * costs one needless run and is never wrong.
 */
export async function codeFingerprint(
  importMetaUrl: string,
  folders: readonly string[],
  libraries: readonly string[],
): Promise<string> {
  const hash = createHash('sha256');
  for (const folder of folders) {
    const path = fileURLToPath(new URL(folder, importMetaUrl));
    const names = (await readdir(path, { recursive: true })).filter(
      (name) => /\.(?:ts|js|json)$/u.test(name) && !name.endsWith('.d.ts'),
    );
    for (const name of names.sort())
      hash.update(`${folder}/${name}\n`).update(await readFile(join(path, name)));
  }
  const versions = await dependencyVersions(dirname(fileURLToPath(importMetaUrl)));
  for (const library of libraries) hash.update(`${library}@${versions[library] ?? '?'}\n`);
  return hash.digest('hex');
}

async function dependencyVersions(from: string): Promise<Record<string, string>> {
  for (let folder = from; ; folder = dirname(folder)) {
    const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined);
    if (text !== undefined)
      return (JSON.parse(text) as { dependencies?: Record<string, string> }).dependencies ?? {};
    if (folder === dirname(folder)) return {};
  }
}
