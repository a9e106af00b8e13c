/**
 * About how long the stages of a student take that have never run here: for a plan. What has run once is known.
 *
 * Counted are tokens and the arithmetic of each (`training-flops.ts`), at the rate that two cores with AMX reach (README,
 * Figures); a machine without it needs several times as long. Prompts are taken to be as long as they may be.
 */
import { readDecoderConfig } from '../../shared/lm/decoder-config.js';
import type { DecoderConfig } from '../../shared/lm/model-config.js';
import type { PromptTask } from '../formats/task-prompt.js';
import { llamaConfig, type LlamaSizes } from '../model/llama-config.js';
import { trainingFlopsPerToken } from '../model/training-flops.js';
import type { PipelineConfig } from '../pipeline/pipeline-config.js';

/** Floating-point operations a second, of whole steps. */
const rate = 150e9;
/** What a token costs beside its arithmetic, seconds: small models are bound by it. */
const perToken = 1.5e-5;
/** Start of a process, tokenising, saving. */
const perStage = 5;
const passageTokens = 350;
const questionTokens = 200;

/** Of the student; null where its shape is not known before it is made, or its folder cannot be read. */
export async function studentShape({ student, pretrain }: PipelineConfig): Promise<DecoderConfig | null> {
  try {
    if (student.from !== undefined) return await readDecoderConfig(student.from);
    const { model, tokenizer } = pretrain ?? {};
    if (model?.from !== undefined) return await readDecoderConfig(model.from);
    return llamaConfig({ ...(model?.shape as LlamaSizes), vocabSize: tokenizer?.vocabSize ?? 8_000 });
  } catch {
    return null;
  }
}

/** Tokens of a prompt. */
export function promptTokens({ student }: PipelineConfig): number {
  return Math.min(student.contextLength, questionTokens + passageTokens * student.passages);
}

interface Section {
  steps?: number;
  epochs?: number;
  accumulate?: number;
  data?: { rows?: number; length?: number };
}

/** Tokens that a run file's section trains on, or `epochTokens` as often as it has epochs. */
export function trainedTokens(
  { steps, epochs = 1, accumulate = 1, data = {} }: Section,
  epochTokens: number,
): number {
  const { rows = 8, length = 256 } = data;
  return steps === undefined ? epochs * epochTokens : steps * accumulate * rows * length;
}

/** Seconds of training on so many tokens. */
export function trainingSeconds(shape: DecoderConfig | null, tokens: number, length = 256): number | null {
  if (shape === null) return null;
  return perStage + tokens * (trainingFlopsPerToken(shape, length) / rate + perToken);
}

/** Seconds of reading so many prompts, each answered by a few tokens. */
export function answeringSeconds(
  config: PipelineConfig,
  shape: DecoderConfig | null,
  prompts: number,
): number | null {
  if (shape === null) return null;
  const tokens = promptTokens(config);
  return perStage + prompts * (0.01 + tokens * (trainingFlopsPerToken(shape, tokens) / 3 / rate + perToken));
}

/** Prompts that questions of the training and calibration splits give. */
export function trainingPrompts({ synthesize, respond }: PipelineConfig): number {
  const { questions, openShare, fiveChoiceShare, validationShare } = synthesize;
  const closed = questions * (1 - validationShare) * (1 - openShare);
  const most = (task: PromptTask) => respond.promptsPerTask[task] ?? Number.POSITIVE_INFINITY;
  const each = { label: 1, continuation: 1, verify: 4 + fiveChoiceShare, open: 0 };
  const open = Math.min(questions * openShare, most('open'));
  const all = respond.tasks.reduce((sum, task) => sum + Math.min(each[task] * closed, most(task)), open);
  return Math.min(respond.prompts ?? Number.POSITIVE_INFINITY, Math.round(all));
}
