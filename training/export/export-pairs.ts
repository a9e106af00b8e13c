/**
 * `haetae train export`: the pairs of a pipeline's `reformat-N` as a folder that trains elsewhere.
 *
 *   train.json, test.json      the pairs; test.json those of `pairs.validation.jsonl`
 *   completion/, dialogue/     the teacher's responses alone (TRL: SFT, GKD)
 *   README.md                  dataset card: fields, provenance, licences
 *   run.sh, accelerate.yaml, … what starts the training
 */
import { readdir } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { answerCue } from '../../shared/answering/prompt-wording.js';
import { HaetaeError } from '../../shared/errors.js';
import { readPackageInfo } from '../../shared/package-info.js';
import { writeAtomically } from '../../shared/write-atomically.js';
import { readAllJsonLines } from '../formats/json-lines.js';
import { ResponsePair } from '../formats/response-pair.js';
import { pipelineLicences } from '../licence/pipeline-licences.js';
import { distillTeacher } from '../model-stages/student-folders.js';
import type { StagePlace } from '../pipeline/stage-definition.js';
import { modelOf } from '../prompts/respond.js';
import { trainPairsName, validationPairsName } from '../stages/reformat.js';
import { datasetCard, type ExportTarget } from './dataset-card.js';
import { completionItem, datasetText, dialogueItem, distillm2Item, preferenceItem } from './dataset-items.js';
import { distillm2Files, trlFiles } from './launch-files.js';
import { launchParameters } from './launch-parameters.js';

export interface ExportOptions {
  /** The stage `reformat` of the iteration that is exported. */
  place: StagePlace;
  target: ExportTarget;
  /** Folder to write: new, or empty, or one that was exported before. */
  out: string;
}

export interface ExportReport {
  train: number;
  test: number;
  /** Pairs whose teacher reads a prompt of its own, which other trainers have no place for: it is left out. */
  withoutTeacherPrompt: number;
  files: string[];
}

/** @throws HaetaeError FILE_NOT_FOUND where the stage has not run; USAGE where the folder holds something else */
export async function exportPairs({ place, target, out }: ExportOptions): Promise<ExportReport> {
  await refuseOtherFolder(out);
  const train = await pairsOf(place, trainPairsName);
  const test = await pairsOf(place, validationPairsName);
  const all = [...train, ...test];
  // As `student-prompt.ts` asks a model without a chat template.
  const isPlain = all.every(({ chosen }) => chosen.length === 2 && chosen[0]!.content.endsWith(answerCue));
  const parameters = launchParameters(place.config);
  const withoutTeacherPrompt = all.filter(({ teacherPrompt }) => teacherPrompt !== undefined).length;
  const files: Record<string, string> =
    target === 'trl'
      ? {
          'train.json': datasetText(train.map((pair) => preferenceItem(pair, isPlain))),
          'test.json': datasetText(test.map((pair) => preferenceItem(pair, isPlain))),
          'completion/train.json': datasetText(train.map((pair) => completionItem(pair, isPlain))),
          'completion/test.json': datasetText(test.map((pair) => completionItem(pair, isPlain))),
          ...(isPlain ? {} : dialogueFiles(train, test)),
          ...trlFiles(parameters, isPlain),
        }
      : {
          'train.json': datasetText(train.map(distillm2Item)),
          'test.json': datasetText(test.map(distillm2Item)),
          ...distillm2Files(parameters, isPlain),
        };
  files['README.md'] = datasetCard({
    ...{
      target,
      parameters,
      isPlain,
      withoutTeacherPrompt,
      name: place.config.name,
      iteration: place.iteration,
    },
    pairs: { train: train.length, test: test.length },
    documents: { train: documentsOf(train), test: documentsOf(test) },
    student: modelOf(place, 'student'),
    responder: modelOf(place, 'teacher'),
    teacher: nameOf(distillTeacher(place), place),
    licences: await pipelineLicences(place.config, join(place.folderOf('prepare'), 'chunks.jsonl')),
    version: readPackageInfo().version,
  });
  for (const [name, text] of Object.entries(files)) await writeAtomically(join(out, name), text);
  const names = Object.keys(files).sort();
  return { train: train.length, test: test.length, withoutTeacherPrompt, files: names };
}

async function pairsOf({ folder }: StagePlace, name: string): Promise<ResponsePair[]> {
  const path = join(folder, name);
  return readAllJsonLines(path, ResponsePair).catch((error: unknown) => {
    if (!(error instanceof HaetaeError) || error.code !== 'FILE_NOT_FOUND') throw error;
    throw new HaetaeError(
      'FILE_NOT_FOUND',
      `${path} is not there: the pipeline has not come so far. Run it first: haetae train run CONFIG --to ${basename(folder)}`,
      { path },
    );
  });
}

async function refuseOtherFolder(out: string): Promise<void> {
  const names = await readdir(out).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    throw new HaetaeError('USAGE', `${out} is no folder. Name another.`, { path: out }, { cause: error });
  });
  if (names.length === 0 || (names.includes('train.json') && names.includes('run.sh'))) return;
  throw new HaetaeError(
    'USAGE',
    `${out} holds other files (${names.slice(0, 3).join(', ')}). Name a new folder.`,
    { path: out },
  );
}

function dialogueFiles(
  train: readonly ResponsePair[],
  test: readonly ResponsePair[],
): Record<string, string> {
  return {
    'dialogue/train.json': datasetText(train.map(dialogueItem)),
    'dialogue/test.json': datasetText(test.map(dialogueItem)),
  };
}

function documentsOf(pairs: readonly ResponsePair[]): number {
  return new Set(pairs.map(({ source }) => source)).size;
}

/** Models that a stage made are named by the stage. */
function nameOf(folder: string, { folder: own }: StagePlace): string {
  const path = relative(join(own, '..'), folder);
  return path.startsWith('..') ? folder : path;
}
