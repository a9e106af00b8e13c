/**
 * Commands that show the figures of a stage again: the stage itself, computed anew, and where there is one the program
 * that measures the same by itself.
 */
import { dirname, join } from 'node:path';
import Type from 'typebox';
import { Check } from 'typebox/value';
import type { RunRecord } from '../../shared/training-run/run-record.js';
import type { PipelineConfig } from '../pipeline/pipeline-config.js';

export interface CommandFacts {
  record: Pick<RunRecord, 'config' | 'bundleId' | 'stages'>;
  config: PipelineConfig;
  /** `<output>/work`. */
  workFolder: string;
}

/** What `evaluate` tells of the bundle that it measured. */
const Evaluated = Type.Object({
  sets: Type.Array(Type.Object({ candidate: Type.Object({ bundleId: Type.String() }) }), { minItems: 1 }),
});

/** The command that made the run, with the stages it was asked for. */
export function runCommand(facts: CommandFacts): string {
  const selection = selectionOf(facts.record.stages);
  return [wholeCommand(facts), ...(selection.length > 0 ? [command(...selection)] : [])].join(' ');
}

function wholeCommand({ record, workFolder }: CommandFacts): string {
  return command('haetae', 'train', 'run', record.config, '--out', dirname(workFolder));
}

/** What the record shows of `--from`, `--to` and `--only`: stages behind a gate that said no are left out as well. */
function selectionOf(stages: RunRecord['stages']): string[] {
  const ids = stages.map(({ id }) => id);
  const rejected = stages.findIndex(({ status }) => status === 'rejected');
  const asked = stages.flatMap(({ status }, i) => (status !== 'left-out' ? [i] : []));
  const [first, last] = [asked[0], asked.at(-1)];
  if (first === undefined || last === undefined) return [];
  const names = new Set(asked.map((i) => stageName(ids[i] ?? '')));
  if (names.size === 1 && asked.length < stages.length && rejected < 0) {
    const [name = ''] = names;
    const isWhole = ids.every((id, i) => stageName(id) !== name || asked.includes(i));
    return ['--only', isWhole ? name : (ids[first] ?? name)];
  }
  return [
    ...(first > 0 ? ['--from', ids[first] ?? ''] : []),
    ...(last < stages.length - 1 && rejected < 0 ? ['--to', ids[last] ?? ''] : []),
  ];
}

/** `respond-2` → `respond` */
export function stageName(id: string): string {
  return id.replace(/-\d+$/u, '');
}

/** @param details of the stage's summary */
export function stageCommands(id: string, details: unknown, facts: CommandFacts): string[] {
  return [
    `${wholeCommand(facts)} ${command('--only', id)} --force`,
    ...direct(stageName(id), details, facts),
  ];
}

function direct(stage: string, details: unknown, facts: CommandFacts): string[] {
  const { index, seed, synthesize, evaluate, publish } = facts.config;
  const { record, workFolder: work } = facts;
  switch (stage) {
    case 'index':
      return index.queries === 0
        ? []
        : [
            command(
              ...['haetae', 'train', 'evaluate-retrieval', '--models-dir', join(work, 'index', 'models')],
              ...['--queries', String(index.queries), '--seed', String(seed)],
            ),
          ];
    case 'synthesize':
      return synthesize.decontaminate.files.length === 0
        ? []
        : [command('sha256sum', ...synthesize.decontaminate.files)];
    case 'evaluate':
      return !Check(Evaluated, details)
        ? []
        : evaluate.files.map((file) =>
            command(
              ...['haetae', 'evaluate', '--questions', file, '--models', join(work, 'evaluate', 'models')],
              ...['--bundle', details.sets[0]?.candidate.bundleId ?? ''],
            ),
          );
    case 'publish':
      return record.bundleId === null
        ? []
        : [
            command(
              ...['haetae', 'models', 'verify', record.bundleId],
              ...['--models-dir', publish.models ?? join(dirname(work), 'models')],
            ),
          ];
    default:
      return [];
  }
}

/** Words as a POSIX shell takes them. */
export function command(...words: readonly string[]): string {
  return words
    .map((word) => (/^[\p{L}\p{N}_./:@%+=,-]+$/u.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}
