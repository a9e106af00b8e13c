/**
 * The licence table of a pipeline: the documents it read, the embedder, the student it began with, and every teacher
 * that its configuration names. What is absent (a folder that is gone, chunks that were never made) has no card or no
 * rows; that is for whoever needs them to find out.
 */
import { readModelFolder } from '../../shared/bundle/model-folder.js';
import { readChunks } from '../../shared/retrieval/chunk-file.js';
import type { PipelineConfig, TeacherConfig } from '../pipeline/pipeline-config.js';
import {
  contestLicenceRules,
  type DocumentLicence,
  documentLicences,
  type LicenceRow,
  licenceTable,
  type ModelLicence,
} from './licence-table.js';

/** @param chunks path of `chunks.jsonl` of the stage prepare */
export async function pipelineLicences(config: PipelineConfig, chunks: string): Promise<LicenceRow[]> {
  return licenceTable({
    documents: [...(await documentsOf(chunks)), ...ownTexts(config)],
    models: await modelsOf(config),
    ...(config.publish.rules === undefined ? {} : { rules: contestLicenceRules }),
  });
}

async function documentsOf(chunks: string): Promise<DocumentLicence[]> {
  return documentLicences(await readChunks(chunks).catch(() => []));
}

/** Files that a section of training names: nothing is known of them. */
function ownTexts({ pretrain, teacherSft, sft, distill }: PipelineConfig): DocumentLicence[] {
  const named = [pretrain, teacherSft, sft, distill.run].flatMap((section) => section?.data?.train ?? []);
  return [...new Set(named)].map((path) => ({ publisher: path, licence: '', documents: 1 }));
}

async function modelsOf(config: PipelineConfig): Promise<ModelLicence[]> {
  const { student, index, synthesize, respond, distill, pretrain, teacherSft, sft } = config;
  const models: ModelLicence[] = [];
  if (student.from === undefined)
    models.push({
      ...{ name: 'student, pretrained here', kind: 'model', origin: 'made' },
      licence: student.licence ?? 'MIT',
    });
  else
    models.push({
      ...(await folderModel(student.from, 'model')),
      ...(student.licence === undefined ? {} : { licence: student.licence }),
      ...(student.released === undefined ? {} : { released: student.released }),
    });
  if (pretrain?.model?.from !== undefined) models.push(await folderModel(pretrain.model.from, 'model'));
  models.push(
    index.embedder === undefined
      ? { name: 'embedder, made from the documents', kind: 'model', origin: 'made' }
      : await folderModel(index.embedder, 'model'),
  );
  for (const teacher of [synthesize.teacher, ...(respond.teacher ? [respond.teacher] : [])])
    models.push(await teacherModel(teacher));
  if (distill.teacher !== undefined) models.push(await folderModel(distill.teacher, 'teacher'));
  else if (teacherSft !== undefined)
    models.push({ name: 'student after sft-teacher', kind: 'teacher', origin: 'made' });
  else if (sft !== undefined) models.push({ name: 'student after sft', kind: 'teacher', origin: 'made' });
  const seen = new Set<string>();
  return models.filter(({ name, kind }) => {
    const key = `${kind}\n${name}`;
    return !seen.has(key) && seen.add(key);
  });
}

async function teacherModel(teacher: TeacherConfig): Promise<ModelLicence> {
  if (teacher.kind === 'statute') return { name: 'statute', kind: 'teacher', origin: 'program' };
  if (teacher.kind === 'openai') return { name: teacher.model, kind: 'teacher', origin: 'remote' };
  return folderModel(teacher.model, 'teacher');
}

async function folderModel(folder: string, kind: ModelLicence['kind']): Promise<ModelLicence> {
  const card = await readModelFolder(folder).then(
    (model) => model.card,
    () => undefined,
  );
  return { name: folder, kind, origin: 'folder', ...(card === undefined ? {} : { card }) };
}
