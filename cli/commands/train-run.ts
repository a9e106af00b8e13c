/**
 * `haetae train run CONFIG`: a pipeline from documents to a published bundle; `haetae train synthesize CONFIG` and its
 * like: one stage of it. Exit status: 0 published or as far as was asked, 3 kept from being published by a gate,
 * 130 interrupted, 1 failed, 2 wrong usage.
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { defaultFolder } from '../../shared/default-folder.js';
import { HaetaeError } from '../../shared/errors.js';
import type { PipelineConfig } from '../../training/pipeline/pipeline-config.js';
import type { PlannedStage } from '../../training/pipeline/plan-pipeline.js';
import type { StageName } from '../../training/pipeline/stage-definition.js';
import { durationText } from '../../training/run/training-progress.js';
import { interruptedExitCode, withInterrupt } from '../interrupt.js';
import { wholeNumber } from '../number-option.js';
import { stageProgress } from '../stage-progress.js';
import { respondInShards, type ShardArguments, wantsShards, withShardOptions } from './train-respond.js';

interface RunArguments {
  out?: string;
  from?: string;
  to?: string;
  only?: string;
  dryRun?: boolean;
  force?: boolean;
  threads?: number;
  runId?: string;
  trigger: 'command' | 'schedule' | 'api';
}

const rejectedExitCode = 3;
const example = 'training/runs/tiny.ts';

const text = `Runs the stages of a pipeline in their order: prepare, index, synthesize, pretrain, sft-teacher, sft, then respond, reformat and
distill as often as the configuration says, validate, quantize, evaluate, publish. Each is a process of its own. What has not
changed is skipped, what was interrupted is gone on with: run the same command again.

The configuration is a TypeScript module with a default export, or YAML or JSON; relative paths in it start at the folder
the command runs in.`;

const after = `
Writes:  OUT/work/<stage>/       what each stage made
         OUT/runs/<run>/         run.json, report.html, logs/
         OUT/models/<bundle>/    the bundle, unless the configuration names another folder of bundles
To stop: Ctrl-C; what is done is kept. Exit status: 0 done, 3 a gate kept the student from being published, 130 interrupted

Examples:
  haetae train run ${example} --dry-run
  haetae train run ${example} --out data/work/training/tiny
  haetae train run ${example} --from respond --to validate`;

/** @param env of the process, for the keys of teachers */
export function trainRunCommand(env: NodeJS.ProcessEnv): Command {
  return withCommon(new Command('run'))
    .summary('a whole pipeline, from documents to a published bundle')
    .description(text)
    .option('--from <stage>', 'first stage that is run; those before are taken as they are')
    .option('--to <stage>', 'last stage that is run')
    .option('--only <stage>', 'the one stage that is run')
    .option('--dry-run', 'say what would be run, on how much and for how long; write nothing')
    .addOption(new Option('--run-id <id>', 'id of the run').hideHelp())
    .addOption(
      new Option('--trigger <what>', 'what started it')
        .choices(['command', 'schedule', 'api'])
        .default('command')
        .hideHelp(),
    )
    .addHelpText('after', after)
    .action((config: string, options: RunArguments) => run(config, options, env));
}

/** Stages that are no command for other uses already. */
const ownStages: readonly (readonly [StageName, string])[] = [
  ['synthesize', 'questions with answers, written by a teacher and judged'],
  ['respond', 'a response of teacher and student to each prompt'],
  ['reformat', 'the responses as pairs'],
  ['validate', 'the student against the one that is served'],
  ['quantize', 'the student in 4 bits'],
  ['publish', 'the bundle that the API loads'],
];

/**
 * The commands of single stages, to be added to `haetae train`.
 * @param env of the process, for the keys of teachers
 */
export function stageCommands(env: NodeJS.ProcessEnv): Command[] {
  return ownStages.map(([stage, summary]) => {
    const command = withCommon(new Command(stage))
      .summary(summary)
      .description(`Stage ${stage} of a pipeline: ${summary}. As haetae train run CONFIG --only ${stage}.`);
    const alone = (config: string, options: RunArguments): Promise<void> =>
      run(config, { ...options, only: stage, trigger: 'command' }, env);
    if (stage !== 'respond') return command.action(alone);
    return withShardOptions(command).action((config: string, options: RunArguments & ShardArguments) =>
      wantsShards(options) ? respondInShards(config, options, env) : alone(config, options),
    );
  });
}

function withCommon(command: Command): Command {
  return command
    .argument('<config>', `configuration of the pipeline, e.g. ${example}`)
    .option('--out <folder>', 'folder to write to (default: data/work/training/<name of the pipeline>)')
    .option('--force', 'run the stages even where nothing has changed')
    .option(
      '--threads <n>',
      'threads of native work (default: the configuration, else all cores)',
      wholeNumber(1, 256),
    );
}

async function run(configPath: string, options: RunArguments, env: NodeJS.ProcessEnv): Promise<void> {
  if (options.out !== undefined && options.out.trim() === '')
    throw new HaetaeError('USAGE', '--out is empty: name a folder, or leave it out.');
  const { readPipelineConfig } = await import('../../training/pipeline/read-pipeline-config.js');
  const config = await readPipelineConfig(configPath);
  const { stages } = await import('../../training/pipeline/stages.js');
  const common = {
    ...{ stages, config, env, force: options.force === true },
    out: options.out ?? join(defaultFolder('data/work/training'), config.name),
    selection: selectionOf(options),
  };
  if (options.dryRun) {
    const { planPipeline } = await import('../../training/pipeline/plan-pipeline.js');
    for (const line of planLines(config, common.out, await planPipeline(common))) print(line);
    return;
  }
  const { runPipeline } = await import('../../training/pipeline/run-pipeline.js');
  const { runSummaryLines } = await import('../../training/report/run-summary.js');
  const progress = stageProgress(process.stderr);
  await withInterrupt(async (signal) => {
    signal.addEventListener(
      'abort',
      () =>
        progress.line(
          'stopping: the stage at work keeps what it has done; Ctrl-C again does not wait for it',
        ),
      { once: true },
    );
    try {
      const { record, place } = await runPipeline({
        ...common,
        ...{ configPath, runId: await runIdOf(options), trigger: options.trigger, signal },
        threads: options.threads ?? config.threads ?? availableParallelism(),
        note: progress.line,
        onProgress: progress.update,
      });
      progress.stop();
      for (const line of await runSummaryLines(record, place.work)) print(line);
      if (record.status === 'rejected') process.exitCode = rejectedExitCode;
      if (record.status === 'interrupted') process.exitCode = interruptedExitCode;
    } finally {
      progress.stop();
    }
  });
}

async function runIdOf({ runId }: RunArguments): Promise<string> {
  const { isRunId, newRunId } = await import('../../shared/training-run/run-id.js');
  if (runId === undefined) return newRunId(new Date());
  if (isRunId(runId)) return runId;
  throw new HaetaeError('USAGE', `--run-id ${runId} is no id of a run: it is like ${newRunId(new Date())}.`);
}

function selectionOf({ from, to, only }: RunArguments) {
  return {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(only === undefined ? {} : { only }),
  };
}

function planLines({ name }: PipelineConfig, out: string, plan: readonly PlannedStage[]): string[] {
  const width = Math.max(...plan.map(({ id }) => id.length));
  const known = plan.filter(({ seconds }) => seconds !== null);
  const total = known.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0);
  const unknown = plan.length - known.length;
  return [
    `${name}: a plan, nothing is written (output ${out})`,
    ...plan.map(({ id, what, about, facts, seconds }) => {
      const time =
        what === 'left out' || what === 'unchanged' ? '' : seconds === null ? '?' : durationText(seconds);
      const more = facts.map(([fact, value]) => `; ${fact} ${value}`).join('');
      return `  ${id.padEnd(width)}  ${what.padEnd(9)}  ${time.padStart(8)}  ${about}${more}`;
    }),
    `about ${durationText(total)}${unknown > 0 ? `, and ${unknown === 1 ? 'a stage' : `${unknown} stages`} of which nothing tells yet` : ''}`,
  ];
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
