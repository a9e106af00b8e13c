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
  record: Pick<RunRecord, 'config' | 'bundleId'>;
  config: PipelineConfig;
  /** `<output>/work`. */
  workFolder: string;
}

/** What `evaluate` tells of the bundle that it measured. */
const Evaluated = Type.Object({
  sets: Type.Array(Type.Object({ candidate: Type.Object({ bundleId: Type.String() }) }), { minItems: 1 }),
});

/** The command of the whole run. */
export function runCommand({ record, workFolder }: CommandFacts): string {
  return command('haetae', 'train', 'run', record.config, '--out', dirname(workFolder));
}

/**
 * @param stage name, without the number of a repeated one
 * @param details of its summary
 */
export function stageCommands(id: string, stage: string, details: unknown, facts: CommandFacts): string[] {
  return [`${runCommand(facts)} ${command('--only', id)} --force`, ...direct(stage, details, facts)];
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
              ...['haetae', 'train', 'evaluate', file, '--models-dir', join(work, 'evaluate', 'models')],
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
