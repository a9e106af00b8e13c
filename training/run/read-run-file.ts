/** Reads a run file, takes in what the command line sets, and holds the result to the schema of its program. */
import { readFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { LineCounter, parse, parseDocument } from 'yaml';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import { checkAgainstSchema, type FieldSchema, type Problem } from './check-against-schema.js';
import { type CommonRun, type Program, programs, type RunOf, runFileSchemas } from './run-file-schema.js';

export interface RunOverrides {
  /** `key=value` each; the key with dots (`optimizer.learningRate`), the value as YAML. */
  set?: readonly string[];
  output?: string;
  threads?: number;
}

/**
 * The run file with every default in place.
 * @throws HaetaeError FILE_NOT_FOUND; CONFIG_INVALID that names the file, the line, the field, what came and what is
 * allowed; USAGE where an override is not `key=value`
 */
export async function readRunFile<P extends Program>(
  program: P,
  path: string,
  overrides: RunOverrides = {},
): Promise<RunOf[P]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new HaetaeError(
      'FILE_NOT_FOUND',
      `The run file ${path} cannot be read (${messageOf(error)}). Examples are in training/runs/.`,
      { path },
    );
  });
  return parseRunFile(program, text, path, overrides);
}

/** As `readRunFile`, from the text of the file; `path` names it in errors. */
export function parseRunFile<P extends Program>(
  program: P,
  text: string,
  path: string,
  overrides: RunOverrides = {},
): RunOf[P] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [broken] = [...document.errors, ...document.warnings];
  if (broken) {
    const { line } = lines.linePos(broken.pos[0]);
    throw invalid([`${path}:${line}: ${broken.message}`]);
  }
  const content = toPlain(document, path);
  const set: Record<string, string> = {};
  for (const override of overrides.set ?? []) applyOverride(content, override, set);
  if (overrides.output !== undefined) content.output = overrides.output;
  if (overrides.threads !== undefined) content.threads = overrides.threads;

  const place = ({ path: field, message }: Problem): string => {
    const override = Object.keys(set).find((key) => field === key || field.startsWith(`${key}.`));
    const where = override ? `--set ${set[override]}` : `${path}${lineOf(document, lines, field)}`;
    return `${where}: ${field || 'the file'} ${message}`;
  };
  // Before all else: with the wrong schema every other message would mislead.
  const named = programs.find((name) => name === content.program);
  if (named !== undefined && named !== program) {
    throw invalid([`${path} is for haetae train ${named}, not for haetae train ${program}`]);
  }
  const { value, problems } = checkAgainstSchema(runFileSchemas[program] as FieldSchema, content);
  const run = value as RunOf[P];
  const all = problems.length > 0 ? problems : crossProblems(program, run);
  if (all.length > 0) throw invalid(all.map(place), all);
  return run;
}

function toPlain(document: ReturnType<typeof parseDocument>, path: string): Record<string, unknown> {
  let content: unknown;
  try {
    content = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw invalid([`${path}: ${messageOf(error)}`]);
  }
  if (typeof content === 'object' && content !== null && !Array.isArray(content)) {
    return content as Record<string, unknown>;
  }
  throw invalid([`${path} holds no fields. It must be YAML like the examples in training/runs/`]);
}

function applyOverride(
  content: Record<string, unknown>,
  override: string,
  set: Record<string, string>,
): void {
  const equals = override.indexOf('=');
  const key = override.slice(0, Math.max(0, equals)).trim();
  const names = key.split('.');
  if (names.some((name) => !/^\w+$/u.test(name) || name === '__proto__')) {
    throw new HaetaeError(
      'USAGE',
      `--set ${override}: it must be key=value, e.g. --set optimizer.learningRate=1e-3`,
    );
  }
  let value: unknown;
  try {
    value = parse(override.slice(equals + 1));
  } catch (error) {
    throw new HaetaeError('USAGE', `--set ${override}: the value is not YAML (${messageOf(error)})`);
  }
  let at = content;
  for (const [depth, name] of names.slice(0, -1).entries()) {
    const inner = Object.hasOwn(at, name) ? at[name] : undefined;
    if (Array.isArray(inner)) {
      const list = names.slice(0, depth + 1).join('.');
      throw new HaetaeError(
        'USAGE',
        `--set ${override}: ${list} is a list. Set all of it: --set ${list}=[…]`,
      );
    }
    const next = typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>) : {};
    at[name] = next;
    at = next;
  }
  at[names.at(-1)!] = value;
  set[key] = override;
}

/** `:12`, or '' where the field is not in the file. */
function lineOf(document: ReturnType<typeof parseDocument>, lines: LineCounter, field: string): string {
  const names = field.split('.').map((name) => (/^\d+$/u.test(name) ? Number(name) : name));
  for (let depth = names.length; depth > 0; depth--) {
    const node = document.getIn(names.slice(0, depth), true) as
      | { range?: [number, number, number] }
      | undefined;
    if (node?.range) return `:${lines.linePos(node.range[0]).line}`;
  }
  return '';
}

/** What the schemas cannot say. */
function crossProblems<P extends Program>(program: P, run: RunOf[P]): Problem[] {
  const { steps, epochs, kernels, matmulPrecision }: CommonRun = run;
  const problems = [
    ...exactlyOne('steps', steps, 'epochs', epochs),
    ...outputProblems(run),
    ...(kernels === 'runtime' && matmulPrecision !== 'highest'
      ? [
          {
            path: 'matmulPrecision',
            message: `is ${matmulPrecision}, which needs our operators: with kernels: runtime only highest is allowed`,
          },
        ]
      : []),
  ];
  if (program === 'pretrain') {
    const { model, tokenizer } = run as RunOf['pretrain'];
    problems.push(...exactlyOne('model.from', model.from, 'model.shape', model.shape));
    if (tokenizer.from !== undefined && tokenizer.vocabSize !== undefined) {
      problems.push(
        ...exactlyOne('tokenizer.from', tokenizer.from, 'tokenizer.vocabSize', tokenizer.vocabSize),
      );
    } else if (model.shape && tokenizer.from === undefined && tokenizer.vocabSize === undefined) {
      problems.push({ path: 'tokenizer', message: 'is empty: a new model needs from or vocabSize' });
    } else if (model.from !== undefined && tokenizer.vocabSize !== undefined) {
      problems.push({
        path: 'tokenizer.vocabSize',
        message: 'cannot be given with model.from: its weights belong to the tokenizer it has',
      });
    }
    if (model.shape) problems.push(...shapeProblems(model.shape));
  } else if (program === 'distill') {
    const { teacher, loss } = run as RunOf['distill'];
    if (loss.name === 'cross_entropy') {
      problems.push({
        path: 'loss.name',
        message: 'is cross_entropy, which has no teacher: use haetae train sft',
      });
    }
    if (teacher.from === undefined && teacher.cache === undefined) {
      problems.push({ path: 'teacher', message: 'is empty: give from, or cache, or both' });
    }
  } else if (program === 'embed') {
    const { from, dimension, vocabSize } = (run as RunOf['embed']).encoder;
    problems.push(...exactlyOne('encoder.from', from, 'encoder.dimension', dimension));
    if ((dimension === undefined) !== (vocabSize === undefined)) {
      problems.push({
        path: 'encoder.vocabSize',
        message: 'belongs to encoder.dimension: give both for a new encoder, neither with encoder.from',
      });
    }
  }
  return problems;
}

/** What a run writes must not be found among its data when it is resumed. */
function outputProblems({ output, data }: RunOf[Program]): Problem[] {
  return [...data.train, ...data.validation]
    .filter((path) => !/^\.\.(?:\/|$)/u.test(relative(resolve(path), resolve(output))))
    .map((path) => ({
      path: 'output',
      message: `is ${output}, inside of ${path}, which is read as data: metrics.jsonl would be too. Choose another folder`,
    }));
}

type Shape = NonNullable<RunOf['pretrain']['model']['shape']>;

function shapeProblems({ hiddenSize, nHead, nKvHead = nHead, headDim }: Shape): Problem[] {
  const problems: Problem[] = [];
  if (nHead % nKvHead !== 0) {
    problems.push({
      path: 'model.shape.nKvHead',
      message: `is ${nKvHead}, allowed is a divisor of nHead ${nHead}`,
    });
  }
  if (headDim === undefined && hiddenSize % nHead !== 0) {
    problems.push({
      path: 'model.shape.hiddenSize',
      message: `is ${hiddenSize}, allowed is a multiple of nHead ${nHead} (or give headDim)`,
    });
  }
  const width = headDim ?? hiddenSize / nHead;
  if (Number.isInteger(width) && width % 2 !== 0) {
    const path = headDim === undefined ? 'model.shape.hiddenSize' : 'model.shape.headDim';
    problems.push({ path, message: `makes heads of ${width}, allowed is an even width (rotary positions)` });
  }
  return problems;
}

function exactlyOne(first: string, a: unknown, second: string, b: unknown): Problem[] {
  if ((a === undefined) !== (b === undefined)) return [];
  const message =
    a === undefined ? `is missing: give it, or ${second}` : `and ${second} are both there: give one`;
  return [{ path: first, message }];
}

function invalid(lines: readonly string[], problems: readonly Problem[] = []): HaetaeError {
  const shown = lines.slice(0, 10);
  if (lines.length > shown.length) shown.push(`and ${lines.length - shown.length} more`);
  return new HaetaeError('CONFIG_INVALID', shown.join('\n  '), { problems });
}
