/**
 * Run files: one YAML file per training run, one schema per program.
 *
 * A field with a default may be left out; `read-run-file.ts` fills it in, so programs see every field but those that
 * are optional here. What a schema cannot say (one of two fields, but not both) is checked there too.
 * `write-run-schemas.ts` writes these as JSON schema for editors.
 */
import Type, { type Static } from 'typebox';
import { matmulPrecisions } from '../autodiff/tape.js';
import { LossConfig } from '../losses/loss-config.js';
import { defaultLora, loraTargets } from '../model/lora.js';
import { choice, count, fraction, path, required, section } from './schema-fields.js';

const Optimizer = section(
  {
    learningRate: Type.Number({
      exclusiveMinimum: 0,
      maximum: 10,
      default: 3e-4,
      description: 'At its peak',
    }),
    schedule: choice(['cosine', 'linear', 'constant'], {
      default: 'cosine',
      description: 'What follows the warm-up',
    }),
    warmupFraction: fraction('Share of the steps in which the learning rate grows from 0', 0.02),
    finalFraction: fraction('Learning rate at the end, as a share of the peak', 0.1),
    beta1: Type.Number({
      minimum: 0,
      exclusiveMaximum: 1,
      default: 0.9,
      description: 'Decay of the first moment',
    }),
    beta2: Type.Number({
      minimum: 0,
      exclusiveMaximum: 1,
      default: 0.95,
      description: 'Decay of the second moment',
    }),
    epsilon: Type.Number({
      exclusiveMinimum: 0,
      default: 1e-8,
      description: 'Added to the root of the second moment',
    }),
    weightDecay: Type.Number({
      minimum: 0,
      default: 0.1,
      description: 'Decoupled, on matrices only, times the learning rate',
    }),
    maxGradNorm: Type.Union([Type.Number({ exclusiveMinimum: 0 }), Type.Null()], {
      default: 1,
      description: 'The gradient is scaled down to this norm; null: never',
    }),
  },
  'AdamW (Loshchilov & Hutter 2019)',
);

const common = {
  output: path('Folder the run writes to: figures, report, checkpoints, result'),
  seed: Type.Integer({
    minimum: 0,
    maximum: 4_294_967_295,
    default: 1,
    description: 'Of initial weights, the split and the order of the data',
  }),
  steps: Type.Optional(count('Optimizer steps to make; or give epochs')),
  epochs: Type.Optional(
    Type.Number({
      exclusiveMinimum: 0,
      maximum: 10_000,
      description: 'Passes over the training data; or give steps',
    }),
  ),
  accumulate: count('Micro-batches whose gradients make one step', 1),
  optimizer: Optimizer,
  evaluation: section(
    {
      everySteps: count('Steps between two measurements of the validation data; 0: only at the end', 100, 0),
      batches: count('Most batches that are measured', 50),
    },
    'Loss on documents that are not trained on',
  ),
  checkpoint: section(
    {
      everySteps: count(
        'Steps between two checkpoints, the most a killed run loses; 0: only at the end',
        100,
        0,
      ),
      keep: count('Checkpoints that are kept, the newest', 2),
    },
    'What --resume goes on from',
  ),
  divergence: Type.Union(
    [
      required(
        {
          factor: Type.Number({
            exclusiveMinimum: 1,
            default: 3,
            description: 'Of the best smoothed loss so far',
          }),
          steps: count('Steps in a row above it', 50),
        },
        'When a run counts as lost',
      ),
      Type.Null(),
    ],
    { default: {}, description: 'The run stops when its smoothed loss has run away; null: never' },
  ),
  threads: Type.Optional(count('Threads of native work; default: the number of cores. 1: equal to the bit')),
  kernels: choice(['auto', 'haetae', 'runtime'], {
    default: 'auto',
    description: "haetae: our operators; runtime: ONNX Runtime's, slower; auto: ours where they run",
  }),
  matmulPrecision: choice(matmulPrecisions, {
    default: 'highest',
    description: 'highest: float32; high: three bfloat16 products; medium: bfloat16. The latter need AMX',
  }),
  memory: section(
    {
      allowOvercommit: Type.Boolean({
        default: false,
        description: 'Start even where the estimate exceeds the memory that is available',
      }),
    },
    'The estimate made before the first step',
  ),
};

const textData = {
  train: Type.Array(path('A file or folder'), {
    minItems: 1,
    description: 'JSONL or plain text, .gz or not; folders are read with all below them',
  }),
  validation: Type.Array(path('A file or folder'), {
    default: [],
    description: 'Documents to measure on; none: a share of the training documents is held out',
  }),
  validationFraction: Type.Number({
    minimum: 0,
    exclusiveMaximum: 1,
    default: 0.05,
    description: 'Share of the documents that is held out where validation names none; 0: no validation',
  }),
  length: count('Tokens in a row', undefined, 2),
  rows: count('Rows in a micro-batch'),
};

const folder = (what: string) => path(`Folder of ${what}, in the Hugging Face layout`);

const ModelShape = required(
  {
    hiddenSize: count('Width'),
    nLayer: count('Layers'),
    nHead: count('Attention heads'),
    nKvHead: Type.Optional(count('Heads of keys and values, a divisor of nHead; default: nHead')),
    headDim: Type.Optional(count('Width of a head, even; default: hiddenSize / nHead')),
    intermediateSize: Type.Optional(
      count('Width inside the feed-forward layers; default: 8/3 of hiddenSize, up to a multiple of 64'),
    ),
    maxPositions: Type.Optional(count('Longest text it will be used with; default: data.length')),
    ropeTheta: Type.Number({
      exclusiveMinimum: 0,
      default: 10_000,
      description: 'Base of the rotary frequencies',
    }),
    rmsNormEps: Type.Number({ exclusiveMinimum: 0, default: 1e-5, description: 'Added to the mean square' }),
    tiedHead: Type.Boolean({ default: true, description: 'Whether logits are computed with the embedding' }),
  },
  'A new Llama',
);

const Lora = required(
  {
    r: count('Rank', defaultLora.r),
    alpha: Type.Number({
      exclusiveMinimum: 0,
      default: defaultLora.alpha,
      description: 'The adapters are multiplied by alpha / r',
    }),
    targets: Type.Array(choice(loraTargets, { description: 'A linear layer' }), {
      minItems: 1,
      default: [...loraTargets],
      description: 'Layers that get adapters',
    }),
  },
  'Low-rank adapters beside frozen weights (Hu et al. 2021); dropout is 0',
);

const fitting = {
  tooLong: choice(['truncate', 'drop'], {
    default: 'truncate',
    description: 'Examples longer than a row: cut (prompts at their beginning first), or left out',
  }),
  maxPromptTokens: Type.Optional(
    count('Longest prompt; longer ones lose their beginning. Default: no limit'),
  ),
};

const weighting = choice(['tokens', 'responses'], {
  default: 'tokens',
  description:
    'What counts alike in the loss: tokens, or responses however long; distillm2: always responses',
});

export const PretrainFile = required(
  {
    program: Type.Literal('pretrain', { description: 'haetae train pretrain' }),
    ...common,
    model: required(
      {
        from: Type.Optional(folder('a model to go on from')),
        shape: Type.Optional(ModelShape),
      },
      'Either from or shape',
    ),
    tokenizer: section(
      {
        from: Type.Optional(folder('a tokenizer')),
        vocabSize: Type.Optional(
          count('Entries of a tokenizer learnt from the training data', undefined, 300),
        ),
      },
      'Either from or vocabSize; neither where model.from has one',
    ),
    data: required(
      {
        ...textData,
        textDocuments: choice(['file', 'block'], {
          default: 'file',
          description: 'What a document is in plain text: a file, or lines between blank ones',
        }),
      },
      'Texts to learn from',
    ),
  },
  'haetae train pretrain: a language model from text',
);

export const SftFile = required(
  {
    program: Type.Literal('sft', { description: 'haetae train sft' }),
    ...common,
    model: required({ from: folder('the model to fine-tune') }, 'What is fine-tuned'),
    lora: Type.Optional(Lora),
    weighting,
    data: required(
      {
        ...textData,
        ...fitting,
        packing: choice(['pack', 'single'], {
          default: 'pack',
          description: 'Several examples in a row, which do not see each other, or one and padding',
        }),
      },
      'Prompts and responses; the loss is that of the responses',
    ),
  },
  'haetae train sft: supervised fine-tuning',
);

export const DistillFile = required(
  {
    program: Type.Literal('distill', { description: 'haetae train distill' }),
    ...common,
    model: required({ from: folder('the student') }, 'The student'),
    lora: Type.Optional(Lora),
    teacher: required(
      {
        from: Type.Optional(folder('the teacher')),
        length: Type.Optional(
          count(
            'Tokens in a row of what it reads, where data have a teacherPrompt; default: data.length',
            undefined,
            2,
          ),
        ),
        cache: Type.Optional(path('File of its log-probabilities, which it fills first')),
        topK: Type.Union([count(''), Type.Null()], {
          default: null,
          description: 'Tokens of each distribution that the cache keeps, the rest as one tail; null: all',
        }),
        cacheType: choice(['float16', 'float32'], {
          default: 'float16',
          description: 'How the cache keeps log-probabilities',
        }),
      },
      'From: runs it beside the student; from and cache: asks it once, before; cache alone: one that is whole',
    ),
    loss: LossConfig,
    weighting,
    alphaWindowSteps: count('Steps at the beginning that adaptive alpha takes its means over', 10),
    data: required(
      { ...textData, ...fitting },
      'Pairs of responses for distillm2, else prompts and responses',
    ),
  },
  'haetae train distill: a student learns the distribution of its teacher',
);

export const EmbedFile = required(
  {
    program: Type.Literal('embed', { description: 'haetae train embed' }),
    ...common,
    encoder: required(
      {
        from: Type.Optional(folder('a static-embedding encoder to go on from')),
        dimension: Type.Optional(count('Width of a new encoder')),
        vocabSize: Type.Optional(
          count('Entries of its tokenizer, learnt from the training data', undefined, 300),
        ),
      },
      'Either from, or dimension and vocabSize',
    ),
    temperature: Type.Number({ exclusiveMinimum: 0, maximum: 10, default: 0.05, description: 'Of InfoNCE' }),
    symmetric: Type.Boolean({
      default: false,
      description: 'Whether passages also have to find their query',
    }),
    data: required(
      {
        train: textData.train,
        validation: textData.validation,
        validationFraction: textData.validationFraction,
        rows: count(
          'Pairs in a batch: each query has the documents of the others as negatives',
          undefined,
          2,
        ),
        length: count('Tokens of a passage that are read; the rest is cut off'),
        queryLength: count('Tokens of a query that are read; the rest is cut off', 64),
        negatives: Type.Optional(
          count(
            'Negatives of each query besides those of the batch; default: as many as all examples have',
            undefined,
            0,
          ),
        ),
      },
      'Pairs of a query and a document that answers it',
    ),
  },
  'haetae train embed: a static-embedding encoder for retrieval',
);

export const runFileSchemas = {
  pretrain: PretrainFile,
  sft: SftFile,
  distill: DistillFile,
  embed: EmbedFile,
} as const;

export const programs = ['pretrain', 'sft', 'distill', 'embed'] as const;
export type Program = (typeof programs)[number];
export type PretrainRun = Static<typeof PretrainFile>;
export type SftRun = Static<typeof SftFile>;
export type DistillRun = Static<typeof DistillFile>;
export type EmbedRun = Static<typeof EmbedFile>;
export interface RunOf {
  pretrain: PretrainRun;
  sft: SftRun;
  distill: DistillRun;
  embed: EmbedRun;
}
/** What the four have in common. */
export type CommonRun = Static<ReturnType<typeof commonSchema>>;
const commonSchema = () => required({ ...common }, 'common');
