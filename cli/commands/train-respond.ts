/**
 * `haetae train respond CONFIG`: one stage of a pipeline, whole, or shared among machines:
 *
 *   on each machine   copy OUT there, then haetae train respond CONFIG --out OUT --shard I/N  (I from 0 to N − 1)
 *   on the first      copy OUT/shards/respond-1/I-of-N of each back, then haetae train respond CONFIG --out OUT
 *                     --merge FOLDER …; haetae train run CONFIG --out OUT goes on from there
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { defaultFolder } from '../../shared/default-folder.js';
import { HaetaeError } from '../../shared/errors.js';
import { startProgress } from '../../shared/progress.js';
import type { StageContext } from '../../training/pipeline/stage-definition.js';
import type { ShardPart } from '../../training/prompts/response-shards.js';
import { withInterrupt } from '../interrupt.js';
import { wholeNumber } from '../number-option.js';

export interface ShardArguments {
  out?: string;
  threads?: number;
  shard?: ShardPart;
  merge?: string[];
  iteration?: number;
}

const help = `
Several machines: copy OUT to each and run one shard there; copy the shards' folders back, and merge them.
  haetae train respond CONFIG --out OUT --shard 0/2        on one machine, --shard 1/2 on another
  haetae train respond CONFIG --out OUT --merge OUT/shards/respond-1/0-of-2 OUT/shards/respond-1/1-of-2
  haetae train run CONFIG --out OUT                        goes on with what they have made`;

/** Adds `--shard` and `--merge` to the command of the stage. */
export function withShardOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--shard <i/n>', 'only the prompts of shard i (from 0) of n, into OUT/shards')
        .argParser(shardPart)
        .conflicts(['merge', 'force']),
    )
    .addOption(
      new Option('--merge <folder...>', 'put the shards of all machines together').conflicts('force'),
    )
    .option('--iteration <n>', 'of respond, with --shard or --merge (default: 1)', wholeNumber(1))
    .addHelpText('after', help);
}

/** Whether the options ask for a shard, or for shards to be merged. */
export function wantsShards({ shard, merge, iteration }: ShardArguments): boolean {
  if (shard !== undefined || merge !== undefined) return true;
  if (iteration === undefined) return false;
  throw new HaetaeError('USAGE', '--iteration goes with --shard or --merge.');
}

/** @param env of the process, for the key of a teacher */
export async function respondInShards(
  configPath: string,
  { out, threads, shard, merge, iteration = 1 }: ShardArguments,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const { readPipelineConfig } = await import('../../training/pipeline/read-pipeline-config.js');
  const { pipelinePlace, stagePlace } = await import('../../training/pipeline/pipeline-place.js');
  const { stageId } = await import('../../training/pipeline/stage-instances.js');
  const { respond, respondShard } = await import('../../training/stages/respond.js');
  const { mergeShards, shardsFolder } = await import('../../training/prompts/response-shards.js');
  const config = await readPipelineConfig(configPath);
  if (iteration > config.distill.iterations) {
    throw new HaetaeError(
      'USAGE',
      `--iteration ${iteration}: the pipeline has ${config.distill.iterations}.`,
    );
  }
  const root = pipelinePlace(out ?? join(defaultFolder('data/work/training'), config.name), config);
  const instance = { id: stageId('respond', iteration), definition: respond, iteration };
  const place = stagePlace(root, config, instance, null);
  if (merge !== undefined) {
    const to = join(shardsFolder(place.folder), 'merged');
    const { shards, teacher, student } = await mergeShards(merge, to);
    print(`${to}: ${shards} shards, ${teacher} responses of the teacher, ${student} of the student`);
    print(`next: haetae train run ${configPath}${out === undefined ? '' : ` --out ${out}`}`);
    return;
  }
  await withInterrupt(async (signal) => {
    const context: StageContext = {
      ...{ ...place, env, signal, threads: threads ?? config.threads ?? availableParallelism() },
      progress: startProgress,
      log: (line) => process.stderr.write(`${line}\n`),
      now: () => new Date(),
    };
    try {
      const { folder, responses } = await respondShard(context, shard as ShardPart);
      print(`${folder}: ${responses} responses. Copy it back, and merge the shards with --merge`);
    } catch (error) {
      if (!signal.aborted) throw error;
      process.stderr.write('interrupted; the same command goes on\n');
    }
  });
}

function shardPart(text: string): ShardPart {
  const [, first = '', second = ''] = /^(\d{1,6})\/(\d{1,6})$/u.exec(text) ?? [];
  const [index, count] = [Number(first), Number(second)];
  if (first !== '' && count >= 1 && index < count) return { index, count };
  throw new InvalidArgumentError('It must be I/N with I from 0 to N − 1, e.g. 0/4.');
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
