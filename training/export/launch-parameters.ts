/** How a run on a GPU cluster would train, after the pipeline's own section of `distill`. */
import type { PipelineConfig } from '../pipeline/pipeline-config.js';
import { defaultLora } from '../model/lora.js';
import { maxRowTokens, recipeFields, recipeLora, recipeRows } from '../model-stages/distill-recipe.js';

export interface LaunchParameters {
  learningRate: number;
  /** As transformers names it. */
  scheduler: 'cosine' | 'linear' | 'constant_with_warmup';
  /** Share of the steps. */
  warmup: number;
  /** One of both is set. */
  epochs: number | null;
  steps: number | null;
  /** Pairs of a step, on all GPUs together. */
  batch: number;
  /** Pairs that a GPU holds at once. */
  rows: number;
  /** Tokens of prompt and response; longer ones would be cut. */
  maxLength: number;
  maxPromptLength: number;
  maxNewTokens: number;
  weightDecay: number;
  beta1: number;
  beta2: number;
  maxGradNorm: number | null;
  /** Null: all weights. Targets as PEFT names them. */
  lora: { r: number; alpha: number; targets: readonly string[] } | null;
  temperature: number;
  topP: number;
  seed: number;
}

export function launchParameters({ distill, student, respond, seed }: PipelineConfig): LaunchParameters {
  const run = distill.run ?? { lora: recipeLora };
  const optimizer = { ...recipeFields.optimizer, ...run.optimizer };
  const rows = run.data?.rows ?? recipeRows;
  const { steps = null } = run;
  const schedule = optimizer.schedule ?? 'cosine';
  return {
    learningRate: optimizer.learningRate,
    scheduler: schedule === 'constant' ? 'constant_with_warmup' : schedule,
    warmup: optimizer.warmupFraction,
    epochs: steps === null ? (run.epochs ?? recipeFields.epochs) : null,
    steps,
    batch: rows * (run.accumulate ?? recipeFields.accumulate),
    rows,
    // A GPU has room for the response behind the longest prompt.
    maxLength: Math.max(
      run.data?.length ?? Math.min(student.contextLength, maxRowTokens),
      student.contextLength + respond.maxNewTokens,
    ),
    maxPromptLength: student.contextLength,
    maxNewTokens: respond.maxNewTokens,
    weightDecay: optimizer.weightDecay,
    beta1: optimizer.beta1 ?? 0.9,
    beta2: optimizer.beta2,
    maxGradNorm: optimizer.maxGradNorm === undefined ? 1 : optimizer.maxGradNorm,
    lora: run.lora
      ? {
          r: run.lora.r ?? defaultLora.r,
          alpha: run.lora.alpha ?? defaultLora.alpha,
          targets: (run.lora.targets ?? defaultLora.targets).map((target) => `${target}_proj`),
        }
      : null,
    temperature: respond.temperature,
    topP: respond.topP,
    seed,
  };
}
