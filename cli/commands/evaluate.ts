/**
 * `haetae evaluate`: how good a bundle is, as it is served, on files of questions with answers. Exit status: 0 measured,
 * 130 interrupted, 1 failed, 2 wrong usage.
 */
import { Command } from 'commander';
import type { AnsweringMode } from '../../shared/bundle/manifest.js';
import { defaultFolder } from '../../shared/default-folder.js';
import { HaetaeError } from '../../shared/errors.js';
import { bundleArgument } from '../bundle-argument.js';
import { withInterrupt } from '../interrupt.js';
import { wholeNumber } from '../number-option.js';

export interface EvaluateArguments {
  questions: string[];
  bundle?: string;
  models?: string;
  mode?: string;
  limit?: number;
  shuffles: number;
  seed: number;
  threads?: number;
  out?: string;
  speed: boolean;
  json?: true;
}

const text = `Asks a bundle questions with known answers, as it is served, and prints accuracy with its interval, calibration, recall and
speed; of open questions keyword recall and cosine, beside answers that need no skill.

A file is CSV with Question and Answer (or Reference), and perhaps domain, Keyword (what an open answer has to hold), title
and section (the article that a question rests on). Multiple choice and open questions may be mixed.`;

const after = `
Examples:
  haetae evaluate --questions data/questions/dev_mc.csv
  haetae evaluate --bundle default --questions a.csv --questions b.csv --json
  haetae evaluate --bundle default --questions a.csv --mode evidence --out data/work/predictions.jsonl`;

/** @param env of the process, which the program reads in one place. */
export function evaluateCommand(env: NodeJS.ProcessEnv = {}): Command {
  return new Command('evaluate')
    .summary('how good a bundle is, on files of questions with answers')
    .description(text)
    .requiredOption('--questions <file...>', 'CSV with Question and Answer; may be repeated')
    .option(
      '--bundle <bundle>',
      'its id, the name of its pipeline (the newest of them), or its folder (HAETAE_BUNDLE, default: models/current)',
    )
    .option('--mode <mode>', "answer in this mode instead of the bundle's: evidence, label, verify, …")
    .option('--limit <n>', 'a sample of so many questions', wholeNumber(1))
    .option('--shuffles <n>', 'also measure over so many deals of the choices', wholeNumber(0, 1000), 0)
    .option('--seed <n>', 'of sample and deals', wholeNumber(0, 2 ** 32 - 1), 1)
    .option(
      '--out <file>',
      'keep each answer as a line of JSON; the same command goes on behind what it holds',
    )
    .option('--no-speed', 'leave out the batch that measures questions per second')
    .option('--json', 'one line of JSON instead of the table')
    .option('--threads <n>', 'threads of native work (HAETAE_THREADS, default: cores)', wholeNumber(1, 256))
    .option(
      '--models <folder>',
      `folder of the bundles (HAETAE_MODELS_DIR, default: ${defaultFolder('models')})`,
    )
    .addHelpText('after', after)
    .action((options: EvaluateArguments) => evaluate(options, env));
}

/** Measures, and prints what came of it. @param env of the process */
export async function evaluate(options: EvaluateArguments, env: NodeJS.ProcessEnv): Promise<void> {
  const { readConfig } = await import('../../api/config.js');
  const { loadRuntime } = await import('../../shared/bundle/load-runtime.js');
  const { evaluateBundle } = await import('../evaluate/evaluate-bundle.js');
  const { evaluationJson } = await import('../evaluate/evaluation-json.js');
  const { evaluationText } = await import('../evaluate/evaluation-text.js');
  const { bundle, models, limit, out, questions, json, shuffles, seed, speed, threads } = options;
  const mode = options.mode === undefined ? undefined : await modeOf(options.mode);
  const config = readConfig(env, { modelsDir: models });
  const { modelsDir, id } = await bundleArgument(bundle ?? config.bundleId, config.modelsDir);
  await withInterrupt(async (signal) => {
    try {
      const evaluation = await evaluateBundle({
        ...{ modelsDir, files: questions, loadRuntime, signal, screen: process.stderr },
        ...{ shuffles, seed, speed, threads: threads ?? config.threads },
        ...(id === undefined ? {} : { bundleId: id }),
        ...(mode === undefined ? {} : { mode }),
        ...(limit === undefined ? {} : { limit }),
        ...(out === undefined ? {} : { out }),
        batch: {
          concurrency: config.batchConcurrency,
          deadlineMs: config.batchDeadlineMs,
          questionDeadlineMs: config.questionDeadlineMs,
        },
      });
      const lines = json ? [evaluationJson(evaluation)] : evaluationText(evaluation);
      process.stdout.write(`${lines.join('\n')}\n`);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  });
}

async function modeOf(name: string): Promise<AnsweringMode> {
  const { AnsweringMode: modes } = await import('../../shared/bundle/manifest.js');
  const known = modes.anyOf.map((mode) => mode.const);
  const found = known.find((mode) => mode === name);
  if (found !== undefined) return found;
  throw new HaetaeError('USAGE', `--mode ${name} is none: there are ${known.join(', ')}.`);
}
