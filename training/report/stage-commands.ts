/**
 * Commands that show the figures of a stage again: the stage itself, computed anew, and where there is one the program
 * that measures the same by itself.
 */
import { dirname, join } from 'node:path';
import type { RunRecord } from '../../shared/training-run/run-record.js';
import type { PipelineConfig } from '../pipeline/pipeline-config.js';

export interface CommandFacts {
  record: Pick<RunRecord, 'config' | 'bundleId'>;
  config: PipelineConfig;
  /** `<output>/work`. */
  workFolder: string;
}

/** The command of the whole run. */
export function runCommand({ record, workFolder }: CommandFacts): string {
  return command('haetae', 'train', 'run', record.config, '--out', dirname(workFolder));
}

/** @param stage name, without the number of a repeated one */
export function stageCommands(id: string, stage: string, facts: CommandFacts): string[] {
  const { config, workFolder } = facts;
  return [
    `${runCommand(facts)} ${command('--only', id)} --force`,
    ...direct(stage, config, workFolder, facts),
  ];
}

function direct(
  stage: string,
  { index, seed, synthesize, evaluate, publish }: PipelineConfig,
  work: string,
  { record }: CommandFacts,
): string[] {
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
      return evaluate.files.map((file) =>
        command(
          ...['haetae', 'train', 'evaluate', file, '--models-dir', join(work, 'evaluate', 'models')],
          ...['--shuffles', String(evaluate.shuffles)],
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
