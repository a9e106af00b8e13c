/**
 * What of a bundle was learnt: the student, the embedder, and the model that combines student and evidence, as a
 * folder that can be kept under version control. Chunks and indices are made again from the documents.
 *
 *   weights.json     this file's `BundleWeights`
 *   student/         Hugging Face layout, quantised
 *   embedder/        Hugging Face layout
 *   combined-model.json
 */
import { cp, mkdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { HaetaeError } from '../errors.js';
import { writeAtomically } from '../write-atomically.js';
import { type Bundle, hashFile } from './bundle-store.js';
import { BundleManifest } from './manifest.js';

const { student, prompt, answering, files } = BundleManifest.properties;

export const BundleWeights = Type.Object(
  {
    formatVersion: Type.Literal(1),
    madeBy: Type.String({ description: 'Bundle that they were taken from' }),
    ...{ student, prompt, answering, files },
  },
  { additionalProperties: false },
);
export type BundleWeights = Static<typeof BundleWeights>;

const validator = Compile(BundleWeights);
const weightsName = 'weights.json';

/** Null where the folder has none. @throws HaetaeError BUNDLE_INVALID, BUNDLE_CHECKSUM */
export async function readWeights(folder: string): Promise<BundleWeights | null> {
  const path = join(folder, weightsName);
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return null;
  const value = parseJson(text);
  if (!validator.Check(value)) {
    throw new HaetaeError(
      'BUNDLE_INVALID',
      `${path} is not what this program writes. Restore the folder, or write it again with: haetae models weights`,
      { path },
    );
  }
  for (const file of value.files) await checkFile(folder, file);
  return value;
}

async function checkFile(
  folder: string,
  { path, bytes, sha256 }: BundleWeights['files'][number],
): Promise<void> {
  const whole = join(folder, path);
  const size = await stat(whole).then(
    (found) => found.size,
    () => null,
  );
  if (size === bytes && (await hashFile(whole)) === sha256) return;
  const fault = size === null ? 'is missing' : size === bytes ? 'has another checksum' : `has ${size} bytes`;
  throw new HaetaeError(
    'BUNDLE_CHECKSUM',
    `${whole} ${fault}, but ${weightsName} lists ${bytes} bytes of ${sha256.slice(0, 12)}…. Restore the folder.`,
    { path: whole },
  );
}

/** Takes what was learnt out of a bundle; what was in the folder goes, the embedder excepted where it is the same. */
export async function writeWeights({ folder, manifest }: Bundle, out: string): Promise<BundleWeights> {
  const { student: entry, answering: how } = manifest;
  if (entry === null) {
    throw new HaetaeError(
      'USAGE',
      `Bundle '${manifest.id}' has no student. Name one that has: haetae models list`,
    );
  }
  const isLearnt = ({ path }: BundleWeights['files'][number]): boolean =>
    path.startsWith(`${entry.path}/`) || path === how.combined;
  const learnt = manifest.files.filter(isLearnt);
  await rm(join(out, entry.path), { recursive: true, force: true });
  for (const { path } of learnt) {
    await mkdir(dirname(join(out, path)), { recursive: true });
    await cp(join(folder, path), join(out, path), { dereference: true });
  }
  const weights: BundleWeights = {
    ...{ formatVersion: 1, madeBy: manifest.id, student: entry, prompt: manifest.prompt },
    ...{ answering: how, files: learnt },
  };
  await writeAtomically(join(out, weightsName), `${JSON.stringify(weights, null, 2)}\n`);
  return weights;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
