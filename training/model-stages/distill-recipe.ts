/**
 * The published recipe of DistiLLM-2 with adapters, as far as it can be kept on any machine: what a run file of
 * `distill` has where the configuration is silent. The batch of 32 is 8 times 4 pairs.
 *
 * Its prompts are cut to 512 tokens; ours are built to fit the context of the student with their passages, so that a
 * cut would take away what they were built for.
 */
import type { LossConfig } from '../losses/loss-config.js';
import { defaultLora } from '../model/lora.js';
import type { PipelineConfig } from '../pipeline/pipeline-config.js';

type Section = NonNullable<PipelineConfig['distill']['run']>;

/** Tokens of a row at most. */
export const maxRowTokens = 1024;
/** Pairs of a micro-batch. */
export const recipeRows = 4;

export const recipeFields = {
  epochs: 1,
  accumulate: 8,
  optimizer: {
    ...{ learningRate: 5e-5, schedule: 'cosine', warmupFraction: 0.1, finalFraction: 0 },
    ...{ beta2: 0.999, weightDecay: 0 },
  },
} as const satisfies Section;

export const recipeLora: NonNullable<Section['lora']> = {
  ...{ r: defaultLora.r, alpha: defaultLora.alpha },
  targets: [...defaultLora.targets],
};

export const recipeLoss: LossConfig = { name: 'distillm2', form: 'paper' };
