/** `haetae quantize`: a Hugging Face checkpoint to 4- or 8-bit blocks; what it needs is loaded when it runs. */
import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { defaultFolder } from '../../shared/default-folder.js';
import { withInterrupt } from '../interrupt.js';
import { wholeNumber } from '../number-option.js';

interface QuantizeArguments {
  out: string;
  bits: 4 | 8;
  block: number;
  headBits: 4 | 8;
  embedding: 'checkpoint' | 'head';
  method?: 'rtn' | 'rtn-search' | 'gptq';
  calibration?: string;
  calibrationTokens: number;
  report?: boolean;
  reportText: string;
  reportTokens: number;
  reportQuestions: string;
  reportCount: number;
  threads: number;
}

const bits = (flags: string, description: string) => new Option(flags, description).argParser(oneOf(4, 8));

export function quantizeCommand(): Command {
  return new Command('quantize')
    .description('make a folder with 4- or 8-bit weights of a Hugging Face checkpoint')
    .argument('<model>', 'folder with config.json, tokenizer.json and safetensors')
    .requiredOption('-o, --out <folder>', 'folder to make; must not exist')
    .addOption(bits('--bits <n>', 'of the layers: 4 or 8').default(4))
    .addOption(
      new Option('--block <n>', 'weights that share a scale: 32 (best quality), 64 or 128 (fastest)')
        .argParser(oneOf(32, 64, 128))
        .default(32),
    )
    .addOption(bits('--head-bits <n>', 'of the output layer: 4 or 8').default(8))
    .addOption(
      new Option('--embedding <from>', "keep the checkpoint's, or read rows of the quantised (tied) head")
        .choices(['checkpoint', 'head'])
        .default('checkpoint'),
    )
    .addOption(
      new Option(
        '--method <name>',
        'rtn: round to nearest; rtn-search: with searched scales; gptq: make up for errors on a text (default: gptq with --calibration, else rtn)',
      ).choices(['rtn', 'rtn-search', 'gptq']),
    )
    .option('--calibration <file>', 'a text like those the model will read, UTF-8; for gptq')
    .option('--calibration-tokens <n>', 'tokens of it that are used', wholeNumber(512), 32_768)
    .option('--report', 'measure perplexity and choice agreement against the checkpoint in float32')
    .option('--report-text <file>', 'text for the perplexity', defaultFolder('data/raw/law-md/한국은행법.md'))
    .option('--report-tokens <n>', 'tokens of it that are used', wholeNumber(2), 4096)
    .option(
      '--report-questions <folder>',
      'CSV files of questions for the agreement',
      defaultFolder('data/validation'),
    )
    .option('--report-count <n>', 'questions that are drawn from them', wholeNumber(0), 100)
    .option('--threads <n>', 'threads of native work', wholeNumber(1), availableParallelism())
    .action(async (model: string, options: QuantizeArguments) => {
      const { quantizeModel } = await import('../quantize-model.js');
      await withInterrupt(async (signal) => {
        await quantizeModel({ ...options, model, signal, log }).catch((error: unknown) => {
          if (!signal.aborted) throw error;
          process.stderr.write('interrupted\n');
        });
      });
    });
}

function oneOf(...values: number[]): (text: string) => number {
  return (text) => {
    const value = values.find((it) => String(it) === text.trim());
    if (value === undefined) throw new InvalidArgumentError(`Allowed are ${values.join(', ')}.`);
    return value;
  };
}

function log(line: string): void {
  process.stdout.write(`${line}\n`);
}
