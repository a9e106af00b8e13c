/** Files, folders and keys that a configuration names: what is missing is said before hours of work, not after them. */
import { stat } from 'node:fs/promises';
import { HaetaeError } from '../../shared/errors.js';
import type { PipelineConfig, TeacherConfig } from './pipeline-config.js';
import type { StageName } from './stage-definition.js';

interface Needed {
  /** Of the configuration. */
  field: string;
  stage: StageName;
  path: string;
}

/**
 * @param isSelected whether a stage may be run: what only others read is not asked for
 * @param env of the process, for the keys of teachers
 * @throws HaetaeError CONFIG_INVALID that names every field with what is wrong
 */
export async function checkInputs(
  config: PipelineConfig,
  isSelected: (stage: StageName) => boolean,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const problems: string[] = [];
  for (const { field, stage, path } of neededPaths(config)) {
    if (!isSelected(stage)) continue;
    const isThere = await stat(path).then(
      () => true,
      () => false,
    );
    if (!isThere) problems.push(`${field} is ${path}, which is not there`);
  }
  for (const [field, stage, teacher] of teachersOf(config)) {
    if (isSelected(stage)) problems.push(...teacherProblems(field, teacher, env));
  }
  if (problems.length === 0) return;
  throw new HaetaeError(
    'CONFIG_INVALID',
    `The pipeline ${config.name} cannot be run: ${problems.join('; ')}. Relative paths start at ${process.cwd()}.`,
    { problems },
  );
}

function neededPaths({
  prepare,
  index,
  synthesize,
  student,
  distill,
  evaluate,
  ...rest
}: PipelineConfig): Needed[] {
  const list = (field: string, stage: StageName, paths: readonly (string | undefined)[]): Needed[] =>
    paths.flatMap((path) => (path === undefined ? [] : [{ field, stage, path }]));
  const local = (field: string, stage: StageName, teacher: TeacherConfig | undefined): Needed[] =>
    teacher?.kind === 'local' ? [{ field: `${field}.model`, stage, path: teacher.model }] : [];
  return [
    ...list('prepare.raw', 'prepare', [prepare.raw]),
    ...list('embed.texts', 'embed', rest.embed?.texts ?? []),
    ...list('index.embedder', 'index', [index.embedder]),
    ...list('synthesize.decontaminate.files', 'synthesize', synthesize.decontaminate.files),
    ...local('synthesize.teacher', 'synthesize', synthesize.teacher),
    ...list('student.from', 'respond', [student.from]),
    ...local('respond.teacher', 'respond', rest.respond.teacher),
    ...list('distill.teacher', 'distill', [distill.teacher]),
    ...list('evaluate.files', 'evaluate', evaluate.files),
    ...list('pretrain.data.train', 'pretrain', rest.pretrain?.data?.train ?? []),
    ...list('teacherSft.data.train', 'sft-teacher', rest.teacherSft?.data?.train ?? []),
    ...list('sft.data.train', 'sft', rest.sft?.data?.train ?? []),
  ];
}

function teachersOf({ synthesize, respond }: PipelineConfig): [string, StageName, TeacherConfig][] {
  return [
    ['synthesize.teacher', 'synthesize', synthesize.teacher],
    ...(respond.teacher
      ? [['respond.teacher', 'respond', respond.teacher] as [string, StageName, TeacherConfig]]
      : []),
  ];
}

function teacherProblems(field: string, teacher: TeacherConfig, env: NodeJS.ProcessEnv): string[] {
  if (teacher.kind !== 'openai') return [];
  const problems: string[] = [];
  if (!/^https?:$/u.test(URL.canParse(teacher.baseUrl) ? new URL(teacher.baseUrl).protocol : ''))
    problems.push(
      `${field}.baseUrl is ${teacher.baseUrl}, allowed is an address, e.g. http://127.0.0.1:8000/v1`,
    );
  const { apiKeyEnv } = teacher;
  if (apiKeyEnv !== undefined && !env[apiKeyEnv])
    problems.push(`${field}.apiKeyEnv names the variable ${apiKeyEnv}, which is not set`);
  return problems;
}
