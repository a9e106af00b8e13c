/**
 * `haetae train pretrain|sft|distill|embed RUN_FILE`: trains a model from a run file. What it needs is loaded when it
 * runs.
 */
import { Command } from 'commander';
import { HaetaeError } from '../../shared/errors.js';
import type { ProgramDefinition, ProgramOptions } from '../../training/programs/run-program.js';
import type { CommonRun, Program } from '../../training/run/run-file-schema.js';
import { withInterrupt } from '../interrupt.js';
import { wholeNumber } from '../number-option.js';

interface TrainArguments {
  resume?: boolean;
  output?: string;
  set?: string[];
  dryRun?: boolean;
  threads?: number;
}

const about: Record<Program, { summary: string; text: string }> = {
  pretrain: {
    summary: 'a language model from text',
    text: 'Learns to predict the next token of plain texts, from fresh weights or from a checkpoint. The tokenizer is learnt from the same texts, or that of a model folder. Writes OUTPUT/model, a Hugging Face folder.',
  },
  sft: {
    summary: 'teach a language model to answer, from prompts and responses',
    text: 'Supervised fine-tuning: the model learns the responses to the prompts of JSONL lines, {"prompt", "response"} or {"messages"}. With a lora section only small adapters are trained: OUTPUT/adapter, which haetae merge puts into the model. Without one all weights are: OUTPUT/model.',
  },
  distill: {
    summary: 'teach a student the probabilities of its teacher',
    text: 'A small model (student) learns the distribution of a large one (teacher) with the same vocabulary: DistiLLM-2 on pairs {"promptId", "prompt", "chosen", "rejected"} of the teacher\'s and the student\'s responses, or plain divergences on prompts and responses. Writes OUTPUT/model, or with LoRA OUTPUT/adapter.',
  },
  embed: {
    summary: 'an encoder for retrieval, from queries and passages',
    text: 'A static-embedding encoder learns to put queries near the passages that answer them, from JSONL lines {"query", "positive", "negatives"?}. Writes OUTPUT/model, which haetae train index --embedder takes.',
  },
};

const files = `
A run file is YAML: what to train, on which data, for how long. Commented examples: training/runs/*.yaml; editors that
know YAML schemas complete and check it. Relative paths start at the folder the command runs in.

While it trains:  OUTPUT/metrics.jsonl (a line a step), OUTPUT/report.html (curves), TensorBoard event files in OUTPUT
To stop it:       Ctrl-C finishes the step and saves (a second Ctrl-C does not save); --resume goes on from there
After a crash:    --resume goes on from the newest checkpoint, as if nothing had happened
`;

/** The commands of all programs, to be added to `haetae train`. */
export function trainModelCommands(): Command[] {
  return (Object.keys(about) as Program[]).map(trainModelCommand);
}

function trainModelCommand(program: Program): Command {
  const { summary, text } = about[program];
  const example = `training/runs/${program}.yaml`;
  return new Command(program)
    .summary(summary)
    .description(text)
    .argument('<run-file>', `YAML, e.g. ${example}`)
    .option('--resume', 'go on from the newest checkpoint; from the beginning where there is none')
    .option('--output <folder>', 'folder to write to, instead of the one the run file names')
    .option(
      '--set <key=value>',
      'set a field of the run file, e.g. optimizer.learningRate=1e-3 (may be given several times)',
      (value: string, before: string[] = []) => [...before, value],
    )
    .option('--dry-run', 'say what would be trained, the memory and the time it would take; write nothing')
    .option(
      '--threads <n>',
      'threads of native work (default: the run file, else all cores)',
      wholeNumber(1, 256),
    )
    .addHelpText('after', files)
    .addHelpText(
      'after',
      `Examples:\n  haetae train ${program} ${example} --dry-run\n  haetae train ${program} ${example}\n  haetae train ${program} ${example} --resume`,
    )
    .action((runFile: string, options: TrainArguments) => train(program, runFile, options));
}

async function train(program: Program, runFile: string, options: TrainArguments): Promise<void> {
  if (/\.m?[jt]s$/u.test(runFile)) {
    throw new HaetaeError(
      'USAGE',
      `${runFile} is a pipeline, and a run file is YAML. For this stage of it: haetae train run ${runFile} --only ${program}`,
    );
  }
  const { readRunFile } = await import('../../training/run/read-run-file.js');
  const run = await readRunFile(program, runFile, {
    ...(options.set === undefined ? {} : { set: options.set }),
    ...(options.output === undefined ? {} : { output: options.output }),
    ...(options.threads === undefined ? {} : { threads: options.threads }),
  });
  const { runProgram } = await import('../../training/programs/run-program.js');
  const definition = (await definitions[program]()) as ProgramDefinition<CommonRun>;
  await withInterrupt(async (signal) => {
    const onAbort = (): void => {
      process.stderr.write(
        options.dryRun
          ? '\nstopping\n'
          : '\nstopping: the step in work is finished and saved; Ctrl-C again ends at once, without saving\n',
      );
    };
    signal.addEventListener('abort', onAbort, { once: true });
    const programOptions: ProgramOptions = {
      ...{ resume: options.resume === true, dryRun: options.dryRun === true, signal },
      log: (line) => process.stdout.write(`${line}\n`),
      note: (line) => process.stderr.write(`${line}\n`),
      resumeCommand: resumeCommand(program, runFile, options),
    };
    try {
      await runProgram(definition, run, programOptions);
    } catch (error) {
      if (!(signal.aborted && error instanceof HaetaeError && error.code === 'CANCELLED')) throw error;
      process.stderr.write(`interrupted before the first step\n`);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  });
}

const definitions: { [P in Program]: () => Promise<unknown> } = {
  pretrain: async () => (await import('../../training/programs/pretrain.js')).pretrain,
  sft: async () => (await import('../../training/programs/sft.js')).sft,
  distill: async () => (await import('../../training/programs/distill.js')).distill,
  embed: async () => (await import('../../training/programs/embed.js')).embed,
};

/** The same command, with what was set, so that the run is the same. */
function resumeCommand(
  program: Program,
  runFile: string,
  { set = [], output, threads }: TrainArguments,
): string {
  const words = [
    ...['haetae', 'train', program, runFile, '--resume'],
    ...(output === undefined ? [] : ['--output', output]),
    ...(threads === undefined ? [] : ['--threads', String(threads)]),
    ...set.flatMap((it) => ['--set', it]),
  ];
  return words
    .map((word) => (/^[\w./=:@%+,-]+$/u.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ');
}
