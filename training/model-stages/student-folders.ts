/** Which model a stage begins with, and whose probabilities are learnt. */
import { join } from 'node:path';
import { HaetaeError } from '../../shared/errors.js';
import type { StagePlace } from '../pipeline/stage-definition.js';

type Place = Pick<StagePlace, 'config' | 'folderOf'>;

/** Name of the folder that stages which train put their model into. */
export const modelName = 'model';

/** @throws HaetaeError CONFIG_INVALID where the configuration names no student */
export function startStudent({ config, folderOf }: Place): string {
  if (config.student.from !== undefined) return config.student.from;
  if (config.pretrain !== undefined) return join(folderOf('pretrain'), modelName);
  throw new HaetaeError(
    'CONFIG_INVALID',
    'The configuration has no student: give student.from, a model folder to begin with, or pretrain, a new model.',
  );
}

/**
 * The student after an iteration of `distill`; of 0 the one it began with: what `sft` made, where the teacher is another
 * stage's.
 */
export function studentAfter(place: Place, iteration: number): string {
  const { config, folderOf } = place;
  if (iteration > 0) return join(folderOf('distill', iteration), modelName);
  return config.sft && config.teacherSft ? join(folderOf('sft'), modelName) : startStudent(place);
}

/**
 * The one that is configured, else what `sft-teacher` made, else that which answers in `respond`, if it is a local model,
 * else what `sft` made.
 * @throws HaetaeError CONFIG_INVALID where no model folder is known
 */
export function distillTeacher(place: Place): string {
  const { config, folderOf } = place;
  if (config.distill.teacher !== undefined) return config.distill.teacher;
  if (config.teacherSft !== undefined) return join(folderOf('sft-teacher'), modelName);
  const answers = config.respond.teacher ?? config.synthesize.teacher;
  if (answers.kind === 'local') return answers.model;
  if (config.sft !== undefined) return join(folderOf('sft'), modelName);
  throw new HaetaeError(
    'CONFIG_INVALID',
    'distill has no teacher: it learns probabilities, which a model folder has and a server or the statute teacher has not. ' +
      'Give distill.teacher, a folder of a model with the vocabulary of the student; a teacher of kind local; or teacherSft or sft, which make one of the student itself.',
  );
}
