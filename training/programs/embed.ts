/**
 * `haetae train embed`: a static-embedding encoder for retrieval. Queries learn to be nearer to the passage that
 * answers them than to those of all other queries of the batch, and to hard negatives where the data have some.
 */
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HaetaeError } from '../../shared/errors.js';
import type { TokenizerJson } from '../../shared/lm/tokenizer.js';
import { elementCount } from '../../shared/onnx/tensor-type.js';
import { readTrainingDocuments } from '../data/read-training-documents.js';
import { type RetrievalBatch, RetrievalBatches } from '../data/retrieval-batches.js';
import { openRetrievalEncoder } from '../data/retrieval-encoder.js';
import { heldOut } from '../data/split-by-document.js';
import { padToken, trainBpe } from '../embedder/train-bpe.js';
import { addContrastiveObjective, contrastiveFeeds } from '../encoder/contrastive-objective.js';
import {
  type EncoderTokenizer,
  exportStaticEncoder,
  readStaticEncoder,
} from '../encoder/static-encoder-folder.js';
import { type StaticEncoderConfig, staticEncoderParameters, tableName } from '../encoder/static-encoder.js';
import { initialiseParameters } from '../model/initialise-parameters.js';
import type { EmbedRun } from '../run/run-file-schema.js';
import type { TaskState } from '../run/training-task.js';
import type { FactTable } from '../run/report-page.js';
import type { BatchStream, MicroBatch, ValidationSet } from './graph-task.js';
import { stepsOf, trainedGraph } from './language-model.js';
import { modelInputs } from './model-inputs.js';
import { type Corpora, dataInputs, readCorpus } from './read-corpus.js';
import type { ProgramContext, ProgramDefinition } from './run-program.js';

export const embed: ProgramDefinition<EmbedRun> = {
  program: 'embed',
  async inputs({ data, encoder }) {
    return {
      ...(await dataInputs(data)),
      ...(encoder.from === undefined ? {} : await modelInputs(encoder.from)),
    };
  },
  async prepare(run, context) {
    const { data, seed, accumulate, temperature, symmetric } = run;
    const beginning = await encoderOf(run, context);
    const { config, tokenizer, tokenizerPath } = beginning;
    const { rows: pairs, length: passageLength, queryLength, negatives } = data;
    const encoder = await openRetrievalEncoder(tokenizerPath, {
      ...{ vocabSize: config.vocabSize, maxTokens: Math.max(queryLength, passageLength) },
    });
    const options = { kind: 'retrieval', seed, output: context.output, signal: context.signal } as const;
    const corpora = await readCorpus(data, encoder, options);
    refuseSmall(corpora, pairs);
    const shape = {
      ...{ pairs, queryLength, passageLength, seed },
      ...(negatives === undefined ? {} : { negatives }),
    };
    const training = new RetrievalBatches(corpora.training, shape);
    const passagesPerQuery = 1 + training.statistics.negatives;
    const held =
      corpora.validation &&
      new RetrievalBatches(corpora.validation, { ...shape, negatives: passagesPerQuery - 1 });
    const totalSteps = stepsOf(run, training.batchesPerEpoch);
    const trained = staticEncoderParameters(config);
    const graph = trainedGraph({
      ...{ run, context, totalSteps },
      plan: {
        ...{ name: 'embed', trained, frozen: [] },
        build: (tape, weights) => ({
          loss: addContrastiveObjective(
            tape,
            config,
            { pairs, passagesPerQuery, queryLength, passageLength },
            weights,
            { temperature, symmetric },
          ),
        }),
      },
      stream: new RetrievalStream(training, accumulate),
      validation: held && validationSet(held, run.evaluation.batches),
      async begin(values) {
        initialiseParameters(trained, values, seed);
        if (beginning.table) values.get(tableName)!.set(beginning.table);
        return new Map();
      },
    });
    return {
      totalSteps,
      ...{ memory: graph.memory, open: graph.open },
      tables: {
        Encoder: encoderTable(run, config),
        Data: dataTable(training, held, { ...run, totalSteps }),
      },
      result: 'model',
      save: (folder) => exportStaticEncoder(folder, config, graph.weights(), tokenizer),
      next: (folder) => [`haetae train index --embedder ${folder}`],
    };
  },
};

interface BeginningEncoder {
  config: StaticEncoderConfig;
  tokenizer: EncoderTokenizer;
  tokenizerPath: string;
  /** The table to begin with; null: a fresh one. */
  table: Float32Array | null;
}

/** The encoder to go on from, or a new one whose vocabulary is learnt from texts that are trained on. */
async function encoderOf(
  { encoder, data, seed }: EmbedRun,
  { output, resumed, note }: ProgramContext,
): Promise<BeginningEncoder> {
  if (encoder.from !== undefined) {
    const { config, table, tokenizer, padToken: pad } = await readStaticEncoder(encoder.from);
    return {
      ...{ config, table, tokenizer: { tokenizer, padToken: pad } },
      tokenizerPath: join(encoder.from, 'tokenizer.json'),
    };
  }
  const tokenizerPath = join(output, 'tokenizer/tokenizer.json');
  const isThere = await access(tokenizerPath).then(
    () => true,
    () => false,
  );
  if (!(resumed && isThere)) {
    const { train, validation, validationFraction } = data;
    const isHeldOut =
      validation.length === 0 && validationFraction > 0 ? heldOut(validationFraction, seed) : () => false;
    async function* texts(): AsyncGenerator<string> {
      for await (const document of readTrainingDocuments(train, { kind: 'retrieval' })) {
        if (isHeldOut(document.documentId)) continue;
        yield* [document.query, document.positive, ...document.negatives];
      }
    }
    const learnt = await trainBpe(texts(), encoder.vocabSize!);
    await mkdir(join(output, 'tokenizer'), { recursive: true });
    await writeFile(tokenizerPath, JSON.stringify(learnt));
    note(`tokenizer: learnt ${Object.keys(learnt.model.vocab).length.toLocaleString('en-US')} entries`);
  }
  const tokenizer = JSON.parse(await readFile(tokenizerPath, 'utf8')) as TokenizerJson;
  const vocabSize = Object.keys(tokenizer.model.vocab).length;
  return {
    config: { vocabSize, dimension: encoder.dimension!, projection: null },
    ...{ tokenizer: { tokenizer, padToken }, tokenizerPath, table: null },
  };
}

function refuseSmall({ validation }: Corpora, pairs: number): void {
  const examples = validation?.examples.length ?? pairs;
  if (examples >= pairs) return;
  throw new HaetaeError(
    'TRAINING_DATA_INVALID',
    `Validation has ${examples} pairs, a batch takes data.rows = ${pairs}. Hold out a larger data.validationFraction, ` +
      'take fewer rows, or set data.validationFraction: 0 to measure nothing.',
    { examples, pairs },
  );
}

class RetrievalStream implements BatchStream {
  readonly #batches: RetrievalBatches;
  readonly #accumulate: number;

  constructor(batches: RetrievalBatches, accumulate: number) {
    this.#batches = batches;
    this.#accumulate = accumulate;
  }

  async next(): Promise<{ batches: readonly MicroBatch[]; epoch: number }> {
    const dealt: RetrievalBatch[] = [];
    for (let i = 0; i < this.#accumulate; i++) dealt.push(await this.#batches.next());
    return { batches: dealt.map((it) => microBatch(it, dealt.length)), epoch: dealt.at(-1)!.epoch };
  }

  state(): TaskState {
    return { position: this.#batches.position };
  }

  restore(state: TaskState): void {
    this.#batches.seek(state.position);
  }
}

function validationSet(batches: RetrievalBatches, most: number): ValidationSet {
  const dealt: RetrievalBatch[] = [];
  for (const batch of batches.pass()) {
    if (dealt.length === most) break;
    dealt.push(batch);
  }
  return {
    batches: dealt.map((it) => microBatch(it, dealt.length)),
    tokens: dealt.reduce((sum, { tokens }) => sum + tokens, 0),
  };
}

/** @param batches that the loss is a mean over */
function microBatch(batch: RetrievalBatch, batches: number): MicroBatch {
  const { tokens, documents } = batch;
  return { tokens, documents, feeds: () => contrastiveFeeds(batch, 1 / batches) };
}

function encoderTable({ encoder, temperature }: EmbedRun, config: StaticEncoderConfig): FactTable {
  const { vocabSize, dimension } = config;
  return [
    ['Begins with', encoder.from ?? 'a fresh table'],
    ['Table', `${vocabSize.toLocaleString('en-US')} tokens of ${dimension}`],
    ['Trained parameters', elementCount([vocabSize, dimension]).toLocaleString('en-US')],
    ['Temperature', String(temperature)],
  ];
}

function dataTable(
  training: RetrievalBatches,
  held: RetrievalBatches | null,
  { data, accumulate, totalSteps }: Pick<EmbedRun, 'data' | 'accumulate'> & { totalSteps: number },
): FactTable {
  const whole = (value: number) => value.toLocaleString('en-US');
  const { negatives, leftOver, truncated } = training.statistics;
  const sides = (name: string, { statistics }: RetrievalBatches) =>
    [
      name,
      `${whole(statistics.documents)} documents, ${whole(statistics.examples)} pairs, ${whole(statistics.tokens)} tokens`,
    ] as const;
  return [
    sides('Training', training),
    held ? sides('Validation', held) : ['Validation', 'none'],
    [
      'Batch',
      `${data.rows} pairs${negatives > 0 ? `, ${negatives} negatives each` : ''}${accumulate > 1 ? `, ${accumulate} to a step` : ''}`,
    ],
    ['Cut or left over', `${whole(truncated)} texts cut, ${whole(leftOver)} pairs left out of a pass`],
    [
      'Steps',
      `${whole(totalSteps)}, ${((totalSteps * accumulate) / training.batchesPerEpoch).toFixed(2)} passes over the data`,
    ],
  ];
}
