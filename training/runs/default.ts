/**
 * The default student, from nothing but open text, on two cores: what `models/weights/default` was made by.
 *
 *   mkdir -p data/pretrain                    put law_body.txt.gz there: statutes, documents between empty lines
 *   haetae train run training/runs/default.ts --dry-run
 *   haetae train run training/runs/default.ts --out data/work/training/default
 *   haetae models weights data/work/training/default -o models/weights/default
 *
 * Tries and figures are in training/LOG.md.
 */
import type { PipelineFile } from '../pipeline/pipeline-config.js';

const texts = ['data/pretrain/law_body.txt.gz'];

export default {
  name: 'haetae',
  seed: 1,

  prepare: { cache: 'data/work/cache/prepare', texts },

  index: { embedder: 'models/weights/default/embedder' },

  // Each chunk as often as the statute teacher finds something to ask.
  synthesize: { questions: 8_000, perChunk: 16 },

  // 8 layers of 192: at what an hour of two cores reads, a wider model has a higher loss.
  pretrain: {
    model: { shape: { hiddenSize: 192, nLayer: 8, nHead: 6, nKvHead: 3, headDim: 32, maxPositions: 1024 } },
    tokenizer: { vocabSize: 12_000 },
    data: { rows: 8, length: 512, validationFraction: 0.01 },
    steps: 3_600,
    accumulate: 2,
    matmulPrecision: 'medium',
    optimizer: { learningRate: 3e-3, schedule: 'linear', warmupFraction: 0.02, finalFraction: 0.03 },
    evaluation: { everySteps: 200, batches: 30 },
    checkpoint: { everySteps: 200 },
  },

  student: { contextLength: 768, passages: 3, slots: 8, prompts: 'ko-2' },
  respond: {
    tasks: ['label', 'verify', 'open'],
    promptsPerTask: { label: 3_000, verify: 24_000 },
    maxNewTokens: 64,
  },

  // The teacher reads the sentence that a choice was made from.
  teacherSft: {
    data: { rows: 8, length: 512 },
    epochs: 1,
    matmulPrecision: 'medium',
    optimizer: { learningRate: 1e-3, schedule: 'linear', warmupFraction: 0.05, finalFraction: 0.03 },
  },
  // The student reads what retrieval gives.
  sft: {
    data: { rows: 8, length: 768 },
    epochs: 1,
    matmulPrecision: 'medium',
    optimizer: { learningRate: 1e-3, schedule: 'linear', warmupFraction: 0.05, finalFraction: 0.03 },
  },
  distill: {
    iterations: 1,
    run: {
      data: { rows: 8, length: 768 },
      epochs: 1,
      matmulPrecision: 'medium',
      loss: { name: 'distillm2', form: 'paper' },
      optimizer: { learningRate: 3e-4, schedule: 'linear', warmupFraction: 0.05, finalFraction: 0.03 },
    },
  },

  validate: { mode: 'verify' },
  evaluate: {
    fitFiles: [
      'data/validation/general.csv',
      'data/validation/law.csv',
      'data/validation/bank-general.csv',
      'data/validation/bank-law-it.csv',
    ],
  },
  publish: { mode: 'combined' },
} satisfies PipelineFile;
