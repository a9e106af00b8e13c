/** Reads the configuration of a pipeline: a TypeScript or JavaScript module with a default export, YAML or JSON. */
import { HaetaeError } from '../../shared/errors.js';
import { checkAgainstSchema, type FieldSchema, type Problem } from '../run/check-against-schema.js';
import { programs, runFileSchemas } from '../run/run-file-schema.js';
import { PipelineConfig } from './pipeline-config.js';
import { readConfigContent } from './read-config-content.js';

/**
 * The configuration with every default in place. Relative paths in it start at the folder the command runs in.
 * @throws HaetaeError FILE_NOT_FOUND; CONFIG_INVALID that names the file, the field, what came and what is allowed
 */
export async function readPipelineConfig(path: string): Promise<PipelineConfig> {
  return parsePipelineConfig(await readConfigContent(path, 'a pipeline'), path);
}

/** As `readPipelineConfig`, from what the file holds; `path` names it in errors. */
export function parsePipelineConfig(content: unknown, path: string): PipelineConfig {
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw invalid(path, [
      { path: '', message: 'holds no fields: see training/runs/tiny.ts for what a pipeline is' },
    ]);
  }
  const { program } = content as { program?: unknown };
  if (programs.some((name) => name === program)) {
    throw new HaetaeError(
      'CONFIG_INVALID',
      `${path} is the run file of a single program. Run it with: haetae train ${String(program)} ${path}`,
      { path },
    );
  }
  const { value, problems } = checkAgainstSchema(PipelineConfig as FieldSchema, content);
  if (problems.length > 0) throw invalid(path, problems);
  const config = value as PipelineConfig;
  const contradictions = crossProblems(config);
  if (contradictions.length > 0) throw invalid(path, contradictions);
  return config;
}

/** What the schema cannot say. */
function crossProblems(config: PipelineConfig): Problem[] {
  const { student, pretrain, synthesize, quantize, distill, teacherSft, sft, respond } = config;
  const problems: Problem[] = sectionProblems(config);
  if (student.from === undefined && pretrain === undefined) {
    problems.push({ path: 'student.from', message: 'is missing: give it, or a section pretrain' });
  } else if (student.from !== undefined && pretrain !== undefined) {
    problems.push({ path: 'student.from', message: 'and pretrain are both there: give one' });
  }
  if (synthesize.calibrationShare + synthesize.validationShare >= 1) {
    problems.push({
      path: 'synthesize.validationShare',
      message: `and calibrationShare are ${synthesize.validationShare + synthesize.calibrationShare} together, allowed is less than 1: the rest trains`,
    });
  }
  if (![16, 32, 64, 128, 256].includes(quantize.block)) {
    problems.push({
      path: 'quantize.block',
      message: `is ${quantize.block}, allowed is one of 16, 32, 64, 128, 256`,
    });
  }
  const teacher = respond.teacher ?? synthesize.teacher;
  if (!(distill.teacher ?? teacherSft ?? sft) && teacher.kind !== 'local') {
    problems.push({
      path: 'distill.teacher',
      message: `is missing: a ${teacher.kind} teacher gives no probabilities. Give the folder of a model with the vocabulary of the student, or a section teacherSft or sft`,
    });
  }
  return problems;
}

/** What the pipeline decides in every run file. */
const decided = ['program', 'output', 'seed', 'threads'];

/**
 * Mistakes in the sections that are run files. Their programs would find them as well, but hours later, when a
 * teacher has been paid already. What is missing is none: the stages have defaults for it.
 */
function sectionProblems({ embed, pretrain, teacherSft, sft, distill }: PipelineConfig): Problem[] {
  const sections = [
    ['embed.general', runFileSchemas.embed, embed?.general],
    ['embed.run', runFileSchemas.embed, embed?.run],
    ['pretrain', runFileSchemas.pretrain, pretrain],
    ['teacherSft', runFileSchemas.sft, teacherSft],
    ['sft', runFileSchemas.sft, sft],
    ['distill.run', runFileSchemas.distill, distill.run],
  ] as const;
  return sections.flatMap(([name, schema, section]) => {
    if (section === undefined) return [];
    const { properties = {} } = schema as FieldSchema;
    const free = Object.entries(properties).filter(([field]) => !decided.includes(field));
    const partial = withoutRequired({ type: 'object', properties: Object.fromEntries(free) });
    return checkAgainstSchema(partial, section).problems.map(({ path, message }) => ({
      path: path === '' ? name : `${name}.${path}`,
      message,
    }));
  });
}

/** The schema, of whose fields none need be there; alternatives and items of lists stay whole. */
function withoutRequired({ required: _, properties, ...rest }: FieldSchema): FieldSchema {
  if (properties === undefined) return rest;
  const fields = Object.entries(properties).map(([name, field]) => [name, withoutRequired(field)]);
  return { ...rest, properties: Object.fromEntries(fields) };
}

function invalid(path: string, problems: readonly Problem[]): HaetaeError {
  const lines = problems.slice(0, 10).map((it) => `${path}: ${it.path || 'the file'} ${it.message}`);
  if (problems.length > 10) lines.push(`and ${problems.length - 10} more`);
  return new HaetaeError('CONFIG_INVALID', lines.join('\n  '), { problems });
}
