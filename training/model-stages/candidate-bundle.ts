/**
 * The bundle that may be published: the index of the stage `index`, the student of `quantize`, the way to answer that
 * was measured as best, and probes. It is made as a draft, asked, and then put together under the id of its content.
 */
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  activateBundle,
  type Bundle,
  createStagingFolder,
  publishBundle,
} from '../../shared/bundle/bundle-store.js';
import { importModel, planImport } from '../../shared/bundle/import-model.js';
import type { BundleManifest, StudentEntry } from '../../shared/bundle/manifest.js';
import { type Probe, writeProbes } from '../../shared/bundle/probes.js';
import { licenceExpression } from '../../shared/licence/licence-expression.js';
import { readDecoderConfig } from '../../shared/lm/decoder-config.js';
import { openLanguageModel } from '../../shared/lm/open-language-model.js';
import type { PipelineConfig } from '../pipeline/pipeline-config.js';
import type { StageContext } from '../pipeline/stage-definition.js';
import { stableJson } from '../stages/stage.js';
import { linkFiles } from './place-folder.js';

const draftId = 'draft';
const probesName = 'probes.jsonl';

export interface DraftOptions {
  /** Folder of the quantised student. */
  student: string;
  /** Store of the index bundle. */
  indexModels: string;
  /** Store that the draft is made in. */
  modelsDir: string;
}

/** @throws HaetaeError MODEL_INVALID where the folder lacks something */
export async function draftBundle(context: StageContext, options: DraftOptions): Promise<Bundle> {
  const { config, threads, signal, log, now } = context;
  const { released, slots } = config.student;
  const { maxPositions } = await readDecoderConfig(options.student);
  const plan = await planImport({
    ...{ folder: options.student, modelsDir: options.indexModels },
    ...(released === undefined ? {} : { released }),
  });
  const bundle = await importModel(
    { ...plan, modelsDir: options.modelsDir },
    {
      ...{
        id: draftId,
        mode: 'label',
        prompts: config.student.prompts,
        replace: true,
        slots,
        now,
        signal,
        log,
      },
      contextLength: Math.min(config.student.contextLength, maxPositions),
      openModel: (folder) => openLanguageModel(folder, { threads }),
    },
  );
  const written = plan.model.card.licences.map(({ value }) => value);
  return withStudent(bundle, {
    name: config.name,
    licence: licenceExpression([...written, ...statedLicence(config, written)]),
  });
}

/** What the configuration says; of a model that was made here from nothing, and of which nobody says anything, MIT. */
function statedLicence({ student, pretrain }: PipelineConfig, written: readonly string[]): string[] {
  if (student.licence !== undefined) return [student.licence];
  const isNew = student.from === undefined && pretrain?.model?.from === undefined;
  return isNew && written.length === 0 ? ['MIT'] : [];
}

function withStudent({ folder, manifest }: Bundle, change: Pick<StudentEntry, 'name' | 'licence'>): Bundle {
  const student = manifest.student && { ...manifest.student, ...change };
  const licences = manifest.licences.map((entry) =>
    entry.documents > 0 ? entry : { ...entry, licence: change.licence, publisher: change.name },
  );
  return { folder, manifest: { ...manifest, student, licences } };
}

export interface CompletionOptions {
  modelsDir: string;
  /** Of the pipeline: the id begins with it. */
  name: string;
  parent: string | null;
  probes: readonly Probe[];
  metrics: Record<string, number>;
  now: () => Date;
  signal: AbortSignal;
}

/** Puts the draft together under its own id, as the current bundle of the store; the draft goes. */
export async function completeBundle(draft: Bundle, options: CompletionOptions): Promise<Bundle> {
  const { modelsDir, name, parent, probes, metrics, now, signal } = options;
  const { files, ...manifest } = draft.manifest;
  const staging = await createStagingFolder(modelsDir);
  try {
    await linkFiles(draft.folder, staging, ...([files.map(({ path }) => path), signal] as const));
    await writeProbes(join(staging, probesName), probes);
    const complete = { ...manifest, parent, metrics, probes: probesName, createdAt: now().toISOString() };
    const id = `${name}-${contentHash(draft.manifest, probes)}`;
    const bundle = await publishBundle(modelsDir, staging, { ...complete, id }, { signal });
    await activateBundle(modelsDir, id);
    await rm(draft.folder, { recursive: true, force: true });
    return bundle;
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  }
}

/** Of all that decides how the bundle answers; not of when it was made, what it replaces, and what was measured. */
function contentHash(manifest: BundleManifest, probes: readonly Probe[]): string {
  const { files, student, index, embedder, retrieval, prompt, answering } = manifest;
  const content = [files, student, index, embedder, retrieval, prompt, answering, probes];
  return createHash('sha256').update(stableJson(content)).digest('hex').slice(0, 12);
}
