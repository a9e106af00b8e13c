/**
 * Stage `quantize`: the chosen student with fewer bits a weight, and what that costs.
 *
 *   chosen student → quantized/ (+ quantized.json) → measured against it → model/, quantization-report.json
 *
 * `calibrated` rounds for the prompts and answers of the training questions (GPTQ). The perplexity is that of prompts
 * and answers of calibration questions, the agreement that of picks on those questions: neither was rounded for.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import { readDecoderConfig } from '../../shared/lm/decoder-config.js';
import { calibrationSequences } from '../../shared/lm/quantize/calibration-text.js';
import type { ChoiceQuestion } from '../../shared/lm/quantize/choice-agreement.js';
import { measureQuality } from '../../shared/lm/quantize/measure-quality.js';
import {
  type QuantizationReport,
  quantizationReport,
  quantizationReportName,
  writeQuantizationReport,
} from '../../shared/lm/quantize/quantization-report.js';
import { quantizeFolder } from '../../shared/lm/quantize/quantize-folder.js';
import { openTokenizer } from '../../shared/lm/tokenizer.js';
import { writeAtomically } from '../../shared/write-atomically.js';
import { readAllJsonLines } from '../formats/json-lines.js';
import { QaPair } from '../formats/qa-pair.js';
import { TaskPrompt } from '../formats/task-prompt.js';
import { quantizationGate } from '../gates/quantization-gate.js';
import { answeringSeconds, studentShape } from '../model-stages/estimate-work.js';
import { placeFolder, removePartial } from '../model-stages/place-folder.js';
import { modelName, studentAfter } from '../model-stages/student-folders.js';
import type { StageContext, StageDefinition, StagePlace } from '../pipeline/stage-definition.js';
import { chosenName, readChosen } from '../predictions/chosen-iteration.js';
import { sample } from '../predictions/measured-questions.js';
import type { QuantizeDetails } from './details.js';

const sequenceTokens = 512;
const sequences = 64;
/** Prompts that the sequences are cut from, and that the perplexity is measured on. */
const calibrationPrompts = 512;
const measuredPrompts = 128;
const measuredTokens = 4096;
const measuredQuestions = 200;

const promptsOf = ({ folderOf }: Pick<StagePlace, 'folderOf'>): string =>
  join(folderOf('respond'), 'prompts.jsonl');
const questionsOf = ({ folderOf }: Pick<StagePlace, 'folderOf'>): string =>
  join(folderOf('synthesize'), 'qa.jsonl');

/** That calibrate it and that it is measured on, about. */
const quantizationPrompts = 300;

export const quantize: StageDefinition = {
  name: 'quantize',
  about: 'the student with fewer bits, and what they cost',
  isWanted: () => true,
  isGate: true,
  options: ({ config }) => ({ seed: config.seed, quantize: config.quantize }),
  async inputs(place) {
    const chosen = join(place.folderOf('validate'), chosenName);
    const iteration = await readChosen(place.folderOf('validate'));
    return [chosen, studentAfter(place, iteration), promptsOf(place), questionsOf(place)];
  },
  outputs: [modelName, quantizationReportName],
  code: {
    folders: [
      '../model',
      ...['../gates', '../model-stages', '../predictions', '../prompts', '../data', '../formats'],
      ...['../../shared/lm', '../../shared/onnx', '../../shared/question', '../../shared/evaluation'],
      '../../shared/text',
    ],
    libraries: ['onnxruntime-node', 'tokenizers'],
  },
  async estimate({ config }) {
    const shape = await studentShape(config);
    const { bits, block, headBits, calibrated } = config.quantize;
    return {
      facts: [
        ['weights', `${bits} bits in blocks of ${block}, head ${headBits} bits`],
        ['rounding', calibrated ? 'GPTQ on training prompts' : 'to nearest'],
      ],
      seconds: answeringSeconds(config, shape, quantizationPrompts),
    };
  },
  async run(context) {
    const { folder, config, folderOf, threads, signal, log } = context;
    const chosen = await readChosen(folderOf('validate'));
    const student = studentAfter(context, chosen);
    const prompts = await readAllJsonLines(promptsOf(context), TaskPrompt);
    const questions = await readAllJsonLines(questionsOf(context), QaPair);

    const quantized = join(folder, 'quantized');
    const report = await quantizeOnce(context, student, quantized, prompts);
    const quality = await measureQuality(student, quantized, {
      text: textOf(heldOut(prompts), measuredPrompts, config.seed),
      maxTokens: measuredTokens,
      questions: choiceQuestions(questions, config.seed),
      ...{ threads, signal, log },
    });
    report.quality = { text: 'prompts of calibration questions', ...quality };
    await writeQuantizationReport(quantized, report);
    await writeQuantizationReport(folder, report);
    await placeFolder(quantized, join(folder, modelName), signal);
    // In this order: what says that the folder is whole goes first.
    await rm(factsOf(quantized), { force: true });
    await rm(quantized, { recursive: true, force: true });

    const details = detailsOf(context, chosen, report, quality);
    const { perplexity, choices, gate } = details;
    return {
      figures: {
        bitsPerWeight: Number(report.bitsPerWeight.toFixed(3)),
        perplexityRatio: Number(perplexity.ratio.toFixed(4)),
        ...(choices ? { agreement: Number(choices.agreement.toFixed(4)) } : {}),
      },
      details,
      ...(gate.passed ? {} : { rejected: gate.sentence }),
    };
  },
};

const factsOf = (quantized: string): string => `${quantized}.json`;

/** The folder, and what is known of it; a start that was killed behind it finds both. */
async function quantizeOnce(
  context: StageContext,
  model: string,
  out: string,
  prompts: readonly TaskPrompt[],
): Promise<QuantizationReport> {
  const { config, threads, signal, progress } = context;
  const known = await readFile(factsOf(out), 'utf8').catch(() => undefined);
  if (known !== undefined) return JSON.parse(known) as QuantizationReport;
  await removePartial(out);
  await rm(out, { recursive: true, force: true });
  const started = performance.now();
  const { bits, block, headBits, calibrated } = config.quantize;
  const used = calibrated ? await sequencesOf(model, prompts, config.seed) : [];
  const folder = await quantizeFolder({
    ...{ model, out, bits, blockSize: block, headBits, embedding: 'checkpoint', threads, signal },
    ...{ method: calibrated ? 'gptq' : 'rtn', sequences: used },
    progress: (total) => progress('quantize', total),
  }).catch((error: unknown) => {
    throw explained(error, block);
  });
  const report = quantizationReport(folder, {
    model,
    calibration: calibrated
      ? { file: 'prompts of training questions', tokens: used.reduce((sum, ids) => sum + ids.length, 0) }
      : null,
    seconds: (performance.now() - started) / 1000,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  });
  await writeAtomically(factsOf(out), `${JSON.stringify(report)}\n`);
  return report;
}

async function sequencesOf(model: string, prompts: readonly TaskPrompt[], seed: number): Promise<number[][]> {
  const { maxPositions } = await readDecoderConfig(model);
  const tokenizer = await openTokenizer(join(model, 'tokenizer.json'));
  const training = prompts.filter(({ split }) => split === 'train');
  return calibrationSequences(textOf(training, calibrationPrompts, seed), tokenizer, {
    length: Math.min(sequenceTokens, maxPositions),
    count: sequences,
  }).catch((error: unknown) => {
    throw new HaetaeError(
      'CONFIG_INVALID',
      `quantize.calibrated needs prompts of training questions: ${messageOf(error)} Ask for more questions, or set quantize.calibrated: false.`,
      {},
      { cause: error },
    );
  });
}

/** Widths that blocks do not divide are said in the words of the configuration. */
function explained(error: unknown, block: number): unknown {
  if (!(error instanceof HaetaeError) || typeof error.data.block !== 'number') return error;
  const { layer, k } = error.data as { layer: string; k: number };
  const fits = [16, 32, 64, 128, 256].filter((size) => k % size === 0);
  const advice =
    fits.length === 0
      ? 'No block does: its width has to be a multiple of 16.'
      : `Set quantize.block to ${fits.join(' or ')}.`;
  return new HaetaeError(
    'CONFIG_INVALID',
    `quantize.block is ${block}, which does not divide the ${k} inputs of the student's ${layer}. ${advice}`,
    error.data,
    { cause: error },
  );
}

/** Prompts as the student reads them, with their answers. */
function textOf(prompts: readonly TaskPrompt[], count: number, seed: number): string {
  return sample(prompts, count, seed)
    .map(({ formatPrompt, reference }) => `${formatPrompt}${reference}`)
    .join('\n');
}

/** Without calibration questions, what the loss curves are not of either: nothing better is there than all. */
function heldOut(prompts: readonly TaskPrompt[]): readonly TaskPrompt[] {
  const held = prompts.filter(({ split }) => split === 'calibration');
  return held.length > 0 ? held : prompts;
}

function choiceQuestions(pairs: readonly QaPair[], seed: number): ChoiceQuestion[] {
  const held = pairs.filter(({ split, choices }) => split === 'calibration' && choices !== undefined);
  return sample(held, measuredQuestions, seed).map(({ question, choices = [], answer }) => ({
    ...{ stem: question, choices, answer: Number(answer) - 1 },
  }));
}

function detailsOf(
  { config }: StageContext,
  chosen: number,
  { bits, blockSize, headBits, method, bytes, bitsPerWeight }: QuantizationReport,
  { perplexity, choices }: Awaited<ReturnType<typeof measureQuality>>,
): QuantizeDetails {
  const { maxPerplexityRatio, minAgreement } = config.quantize;
  return {
    ...{ chosen, bits, block: blockSize, headBits, method, bytes, bitsPerWeight },
    perplexity: { ...perplexity, maxRatio: maxPerplexityRatio },
    choices: choices && { ...choices, minAgreement },
    gate: quantizationGate(
      { perplexityRatio: perplexity.ratio, choices },
      { maxPerplexityRatio, minAgreement },
    ),
  };
}
