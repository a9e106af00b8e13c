/**
 * Stage `publish`: the candidate becomes a bundle of the API.
 *
 *   licences → <models>/<name>-<hash of its content>/ → published.json → <models>/current → old ones go
 *
 * The same content has the same id, so that publishing it again changes nothing. `published.json` is written before
 * the bundle is made active: a run that is killed in between finds out what it was about to do.
 *
 * It is made active only in the place of the bundle that it was compared with; where a person has activated another
 * one in the meantime, it is published and waits.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  activateBundle,
  type Bundle,
  createStagingFolder,
  currentBundleId,
  listBundles,
  publishBundle,
  readBundle,
  removeBundle,
} from '../../shared/bundle/bundle-store.js';
import { listed } from '../../shared/bundle/check.js';
import { contestMaxBytes } from '../../shared/bundle/contest-rules.js';
import { HaetaeError } from '../../shared/errors.js';
import { writeAtomically } from '../../shared/write-atomically.js';
import { refuseLicences } from '../licence/licence-table.js';
import { pipelineLicences } from '../licence/pipeline-licences.js';
import { linkFiles } from '../model-stages/place-folder.js';
import { activeBundle } from '../pipeline/incumbent.js';
import type { PipelineConfig } from '../pipeline/pipeline-config.js';
import type { StageContext, StageDefinition, StagePlace } from '../pipeline/stage-definition.js';
import type { PublishDetails } from './details.js';

const publishedName = 'published.json';

const candidates = ({ folderOf }: Pick<StagePlace, 'folderOf'>): string =>
  join(folderOf('evaluate'), 'models');
const chunksOf = ({ folderOf }: Pick<StagePlace, 'folderOf'>): string =>
  join(folderOf('prepare'), 'chunks.jsonl');

export const publish: StageDefinition = {
  name: 'publish',
  about: 'a bundle for the API',
  isWanted: () => true,
  options: ({ config, modelsDir }) => ({
    ...{ name: config.name, publish: config.publish, student: config.student, modelsDir },
    allowUnknown: config.prepare.allowUnknown,
  }),
  inputs: (place) => [candidates(place)],
  outputs: [publishedName],
  code: {
    folders: [
      ...['../licence', '../model-stages', '../../shared/bundle', '../../shared/licence'],
      ...['../../shared/lm', '../../shared/retrieval'],
    ],
    libraries: [],
  },
  async estimate({ config, modelsDir }) {
    const { activate, rules } = config.publish;
    return {
      facts: [
        ['folder', modelsDir],
        ['activate', activate ? 'yes' : 'no'],
        ['rules', rules ?? 'none'],
      ],
      seconds: 5,
    };
  },
  async run(context) {
    const { config, folder, modelsDir } = context;
    const candidate = await readBundle(candidates(context));
    const licences = await pipelineLicences(config, chunksOf(context));
    refuseUnknown(candidate, config);
    refuseLicences(licences);
    if (config.publish.rules === 'contest') refuseTooLarge(candidate);

    const { id, parent, metrics } = candidate.manifest;
    const isThere = await readBundle(modelsDir, id).then(
      () => true,
      () => false,
    );
    if (!isThere) await copyBundle(candidate, context);
    const activated = config.publish.activate && (await mayReplace(context, id, parent));
    await writeAtomically(
      join(folder, publishedName),
      `${JSON.stringify({ bundleId: id, parent, activated }, null, 2)}\n`,
    );
    if (activated && (await activeId(modelsDir)) !== id) await activateBundle(modelsDir, id);
    const removed = await removeOld(config, modelsDir, id);
    const details: PublishDetails = {
      ...{ bundleId: id, parent, activated, unchanged: isThere, removed, licences, metrics },
    };
    return { figures: { bundle: id, activated: activated ? 'yes' : 'no' }, details };
  },
};

/** Under no rules at all it still has to be known what may be done with what is published. */
function refuseUnknown({ manifest }: Bundle, { prepare, student }: PipelineConfig): void {
  const unknown = /^(?:|unknown|noassertion)$/iu;
  if (manifest.student === null || unknown.test(manifest.student.licence)) {
    throw new HaetaeError(
      'MODEL_REFUSED',
      `The licence of the student is not known: ${student.from ?? 'its folder'} names none. Put its LICENSE file or README.md with \`license:\` into the folder, or give student.licence.`,
    );
  }
  const documents = manifest.licences.filter((entry) => entry.documents > 0 && unknown.test(entry.licence));
  if (documents.length === 0 || prepare.allowUnknown) return;
  throw new HaetaeError(
    'MODEL_REFUSED',
    `The licence of documents of ${listed(documents.map(({ publisher }) => publisher || 'an unknown publisher'))} is not known. Write it into sources.csv, or set prepare.allowUnknown.`,
  );
}

function refuseTooLarge({ manifest }: Bundle): void {
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
  if (bytes <= contestMaxBytes) return;
  throw new HaetaeError(
    'MODEL_REFUSED',
    `The bundle has ${(bytes / 1e9).toFixed(1)} GB, the rules allow ${contestMaxBytes / 1e9}. Take a smaller student, or fewer bits.`,
    { bytes },
  );
}

async function copyBundle({ folder, manifest }: Bundle, context: StageContext): Promise<void> {
  const { modelsDir, now, signal } = context;
  const { files, ...rest } = manifest;
  const staging = await createStagingFolder(modelsDir);
  try {
    await linkFiles(
      folder,
      staging,
      files.map(({ path }) => path),
      signal,
    );
    const published = { ...rest, createdAt: now().toISOString() };
    await publishBundle(modelsDir, staging, published, { signal });
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  }
}

async function mayReplace(
  { modelsDir, log }: StageContext,
  id: string,
  parent: string | null,
): Promise<boolean> {
  // One that is gone or broken cannot be served, nor was anything compared with it.
  const active = await activeBundle(modelsDir);
  if (active === null || active === id || active === parent) return true;
  const comparedWith =
    parent === null ? 'when none was' : `in place of ${parent}, which it was compared with`;
  log(`not made active: ${active} became the active bundle ${comparedWith}. Run again to compare them.`);
  return false;
}

async function activeId(modelsDir: string): Promise<string | null> {
  return currentBundleId(modelsDir).catch(() => null);
}

/** Bundles of this pipeline beyond those to be kept, the oldest; never the active one, its parent, or the new one. */
async function removeOld(
  { name, publish: { keep } }: PipelineConfig,
  modelsDir: string,
  id: string,
): Promise<string[]> {
  const active = await activeId(modelsDir);
  const own: { id: string; createdAt: string; parent: string | null }[] = [];
  for (const each of await listBundles(modelsDir)) {
    if (!isOf(name, each)) continue;
    const bundle = await readBundle(modelsDir, each).catch(() => undefined);
    if (bundle) own.push(bundle.manifest);
  }
  const parent = own.find((each) => each.id === active)?.parent;
  const old = own
    .filter((each) => ![active, parent, id].includes(each.id))
    .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))
    .slice(keep);
  for (const each of old) await removeBundle(modelsDir, each.id);
  return old.map((each) => each.id);
}

/** `<name>-<12 hex>`: another pipeline's name may begin with this one's. */
function isOf(name: string, id: string): boolean {
  return id.startsWith(`${name}-`) && /^[0-9a-f]{12}$/u.test(id.slice(name.length + 1));
}
