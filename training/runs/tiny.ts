/**
 * The whole pipeline in a few minutes on two cores: the bundled documents, the statute teacher, and a student so small
 * that it learns little more than how an answer looks. It shows that everything works together, not what a student
 * can do.
 *
 *   haetae train run training/runs/tiny.ts --dry-run
 *   haetae train run training/runs/tiny.ts --out data/work/training/tiny
 */
import type { PipelineFile } from '../pipeline/pipeline-config.js';

export default {
  name: 'tiny',
  seed: 1,

  // Shared with the set-up, which has read the same documents.
  prepare: { cache: 'data/work/cache/prepare' },

  synthesize: {
    questions: 300,
  },

  // A new Llama of 0.3 million parameters, with a vocabulary of its own.
  pretrain: {
    model: { shape: { hiddenSize: 64, nLayer: 2, nHead: 4, nKvHead: 2, headDim: 16, maxPositions: 512 } },
    tokenizer: { vocabSize: 2000 },
    data: { rows: 16, length: 128, validationFraction: 0.02 },
    steps: 150,
    optimizer: { learningRate: 3e-3, warmupFraction: 0.05 },
    evaluation: { everySteps: 50, batches: 10 },
    checkpoint: { everySteps: 50 },
  },

  // The teacher of the distillation: the same model, taught the right answers.
  sft: {
    data: { rows: 4, length: 512 },
    steps: 40,
    optimizer: { learningRate: 2e-3 },
    evaluation: { everySteps: 20, batches: 5 },
    checkpoint: { everySteps: 20 },
  },

  // With an answer behind it, its longest prompt fits the rows of 512.
  student: { contextLength: 448, passages: 1 },
  respond: { prompts: 120, maxNewTokens: 16 },
  distill: {
    iterations: 1,
    run: {
      data: { rows: 2, length: 512 },
      epochs: 1,
      optimizer: { learningRate: 1e-3 },
      evaluation: { everySteps: 10, batches: 5 },
      checkpoint: { everySteps: 10 },
    },
  },

  validate: { questions: 60 },
  // Of a model this small the last bits matter little, and its answers are near to chance: both gates are wide.
  quantize: { maxPerplexityRatio: 1.5, minAgreement: 0.5 },
  evaluate: { questions: 60, shuffles: 1 },
  // Its student is to answer, though the evidence would answer better.
  publish: { mode: 'label' },
} satisfies PipelineFile;
