/** `haetae lm generate|logprobs|perplexity`: a model folder tried by hand; what it needs is loaded when it runs. */
import { availableParallelism } from 'node:os';
import { Command, Option } from 'commander';
import { defaultFolder } from '../../shared/default-folder.js';
import { HaetaeError } from '../../shared/errors.js';
import type { LanguageModel, SamplingOptions } from '../../shared/lm/language-model.js';
import { withInterrupt } from '../interrupt.js';
import { realNumber, wholeNumber } from '../number-option.js';

interface ModelOptions {
  model: string;
  modelsDir: string;
  threads: number;
}

/** @param env of the process, which the program reads in one place. */
export function lmCommand(env: NodeJS.ProcessEnv = {}): Command {
  const models = env.HAETAE_MODELS_DIR || defaultFolder('models');
  return new Command('lm')
    .description('Try a language model by hand: a Hugging Face folder, a quantised one, or that of a bundle')
    .addCommand(generateCommand(models))
    .addCommand(logprobsCommand(models))
    .addCommand(perplexityCommand(models));
}

interface GenerateOptions extends ModelOptions {
  maxNewTokens: number;
  temperature: number;
  topK: number;
  topP: number;
  repetitionPenalty: number;
  seed: number;
  stop?: string[];
  topLogprobs?: number;
  ignoreEos?: boolean;
  prompt?: string;
  promptFile?: string;
  chat?: boolean;
  system?: string;
  bos?: boolean;
  stream?: boolean;
  json?: boolean;
}

function generateCommand(models: string): Command {
  return onModel(new Command('generate'), models)
    .description('continue a prompt, or answer it as a chat')
    .option('--prompt <text>', 'the prompt (default: standard input)')
    .option('--prompt-file <file>', 'a file with the prompt; a line break at its end is left out')
    .option('--chat', 'the prompt is what a user says: apply the chat template')
    .option('--system <text>', 'what the system says first; with --chat')
    .option('--bos', 'put the BOS token before a prompt that is no chat')
    .option('--max-new-tokens <n>', 'tokens to make at most', wholeNumber(1), 64)
    .option(
      '--temperature <t>',
      '0 is greedy',
      realNumber('≥ 0', (t) => t >= 0),
      0.3,
    )
    .option('--top-k <k>', 'keep the k likeliest tokens; 0: all', wholeNumber(0), 0)
    .option(
      '--top-p <p>',
      'keep the likeliest tokens that together reach p',
      realNumber('above 0, at most 1', (p) => p > 0 && p <= 1),
      1,
    )
    .option(
      '--repetition-penalty <r>',
      'divides the logits of tokens seen before',
      realNumber('above 0', (r) => r > 0),
      1,
    )
    .option('--stop <text>', 'end before this text (may be given several times)', collect)
    .option('--seed <n>', 'equal seeds give equal texts', wholeNumber(0), 0)
    .option('--top-logprobs <n>', 'with --json: each token, and so many likeliest ones', wholeNumber(0, 20))
    .option('--ignore-eos', 'go on after an end-of-sequence token')
    .addOption(
      new Option('--stream', 'write the text as it is made (default on a terminal)').conflicts('json'),
    )
    .option('--no-stream', 'write the text when it is complete')
    .option('--json', 'one JSON object: text, finishReason, usage, timings')
    .action(async (options: GenerateOptions, command: Command) => {
      if (options.system !== undefined && !options.chat)
        throw new HaetaeError(
          'USAGE',
          '--system belongs to a chat. Add --chat, or put its text into the prompt.',
        );
      if (options.topLogprobs !== undefined && !options.json)
        throw new HaetaeError('USAGE', '--top-logprobs are only in the JSON output. Add --json.');
      const { readTextInput, withoutLastLineBreak } = await import('../text-input.js');
      const read = await readTextInput(
        { text: options.prompt, file: options.promptFile },
        { text: '--prompt', file: '--prompt-file' },
      );
      const prompt = options.prompt === undefined ? withoutLastLineBreak(read) : read;
      const isStreamed =
        command.getOptionValueSource('stream') === 'default'
          ? process.stdout.isTTY && !options.json
          : options.stream === true;
      await withModel(options, async (model, opened, signal) => {
        const { generateText } = await import('../generate-text.js');
        const { promptTokens } = await import('../prompt-tokens.js');
        const done = await generateText({
          model,
          prompt: await promptTokens(model, { ...options, prompt }),
          sampling: samplingOf(options),
          signal,
          ...(isStreamed ? { onText: (text: string) => process.stdout.write(text) } : {}),
        });
        if (options.json) printJson({ ...opened, ...done });
        else {
          process.stdout.write(isStreamed ? '\n' : `${done.text}\n`);
          const { prefillTokensPerSecond: prefill, decodeTokensPerSecond: decode } = done.timings;
          note(
            `${done.finishReason}; ${done.usage.promptTokens} prompt tokens${rate(prefill)}, ${done.usage.completionTokens} new${rate(decode)}`,
          );
        }
      });
    });
}

interface LogprobsOptions extends ModelOptions {
  text: string;
  continuation: string[];
  bos?: boolean;
}

function logprobsCommand(models: string): Command {
  return onModel(new Command('logprobs'), models)
    .description('log-probabilities of continuations of a text, as JSON')
    .requiredOption('--text <text>', 'what stands before; tokenised by itself, without special tokens')
    .requiredOption(
      '--continuation <text...>',
      'what may follow; each tokenised by itself, so that a space before it has to be written',
    )
    .option('--bos', 'put the BOS token before the text')
    .action(async (options: LogprobsOptions) => {
      await withModel(options, async (model, opened, signal) => {
        const { scoreText } = await import('../score-text.js');
        const { promptTokens } = await import('../prompt-tokens.js');
        const textTokens = await promptTokens(model, { prompt: options.text, bos: options.bos });
        const { text, continuation: continuations } = options;
        const scored = await scoreText(model, { text, textTokens, continuations, signal }).catch(
          (error: unknown) => {
            if (!signal.aborted) throw error;
          },
        );
        if (scored === undefined) note('interrupted');
        else printJson({ ...opened, ...scored });
      });
    });
}

interface PerplexityOptions extends ModelOptions {
  text?: string;
  context?: number;
  stride?: number;
  json?: boolean;
}

function perplexityCommand(models: string): Command {
  return onModel(new Command('perplexity'), models)
    .description('how well the model predicts a text; lower is better, among models of one tokenizer')
    .option('--text <file>', 'the text, in UTF-8 (default: standard input)')
    .option('--context <n>', 'tokens of a window (default 512)', wholeNumber(2))
    .option('--stride <n>', 'tokens between the starts of two windows (default half of one)', wholeNumber(1))
    .option('--json', 'one JSON object')
    .action(async ({ text: file, context, stride, json, ...options }: PerplexityOptions) => {
      const { readTextInput } = await import('../text-input.js');
      const { resolveModelFolder } = await import('../model-argument.js');
      const { perplexityOfText } = await import('../measure-perplexity.js');
      const { startProgress } = await import('../../shared/progress.js');
      const text = await readTextInput({ file }, { text: '', file: '--text' });
      const folder = await resolveModelFolder(options.model, options.modelsDir);
      await withInterrupt(async (signal) => {
        const measured = await perplexityOfText({
          folder,
          text,
          threads: options.threads,
          ...(context === undefined ? {} : { context }),
          ...(stride === undefined ? {} : { stride }),
          signal,
          onOpen: (description) => note(`${folder}: ${description}`),
          progress: (total) => startProgress('perplexity', total),
        }).catch((error: unknown) => {
          if (!signal.aborted) throw error;
        });
        if (measured === undefined) note('interrupted; nothing was measured to its end');
        else if (json) printJson({ model: folder, ...measured });
        else {
          const { perplexity, bitsPerByte, tokens, tokensPerSecond } = measured;
          process.stdout.write(
            `perplexity ${perplexity.toFixed(4)}  ${bitsPerByte?.toFixed(4)} bits a byte  ${tokens} tokens${rate(tokensPerSecond)}\n`,
          );
        }
      });
    });
}

interface Opened {
  model: string;
  precision: string;
  loadMs: number;
}

function onModel(command: Command, models: string): Command {
  return command
    .requiredOption('--model <folder>', 'a model folder, or the id of a bundle, or current')
    .option('--models-dir <folder>', 'folder of the bundles (HAETAE_MODELS_DIR)', models)
    .option('--threads <n>', 'threads of native work', wholeNumber(1, 256), availableParallelism());
}

/** Opens the model and says on stderr what was opened; closes it whatever happens. */
async function withModel(
  { model: name, modelsDir, threads }: ModelOptions,
  work: (model: LanguageModel, opened: Opened, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { resolveModelFolder } = await import('../model-argument.js');
  const { openLanguageModel } = await import('../../shared/lm/open-language-model.js');
  const folder = await resolveModelFolder(name, modelsDir);
  await withInterrupt(async (signal) => {
    const started = performance.now();
    const model = await openLanguageModel(folder, { threads });
    try {
      const opened = { model: folder, precision: model.precision, loadMs: performance.now() - started };
      note(
        `${folder}: ${model.config.family}, ${model.precision}, ${model.kernels} kernels, opened in ${(opened.loadMs / 1000).toFixed(1)} s`,
      );
      await work(model, opened, signal);
    } finally {
      await model.close();
    }
  });
}

function samplingOf(options: GenerateOptions): SamplingOptions {
  const { maxNewTokens, temperature, topK, topP, repetitionPenalty, seed } = options;
  const { stop = [], ignoreEos = false, topLogprobs } = options;
  const sampling = { maxNewTokens, temperature, topK, topP, repetitionPenalty, seed, stop, ignoreEos };
  return topLogprobs === undefined ? sampling : { ...sampling, topLogprobs };
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

function rate(perSecond: number | null): string {
  return perSecond === null ? '' : ` at ${perSecond.toFixed(perSecond < 10 ? 1 : 0)}/s`;
}

function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** stdout holds nothing but results. */
function note(line: string): void {
  process.stderr.write(`lm: ${line}\n`);
}
