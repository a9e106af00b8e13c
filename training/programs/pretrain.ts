/**
 * `haetae train pretrain`: a language model from text, from fresh weights or from a checkpoint.
 *
 * ```
 * documents → tokenizer (learnt, or of a folder) → tokens → packed rows → cross-entropy of the next token → model/
 * ```
 */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { readConfig } from '../../shared/lm/quantize/folder-files.js';
import type { DecoderConfig } from '../../shared/lm/model-config.js';
import { readDecoderConfig } from '../../shared/lm/decoder-config.js';
import { openTokenizer } from '../../shared/lm/tokenizer.js';
import { linearCrossEntropy } from '../blocks/linear-cross-entropy.js';
import { openDecoderEncoder } from '../data/decoder-encoder.js';
import { PackedBatches } from '../data/packed-batches.js';
import { readTrainingDocuments } from '../data/read-training-documents.js';
import { heldOut } from '../data/split-by-document.js';
import { llamaConfig } from '../model/llama-config.js';
import type { PretrainRun } from '../run/run-file-schema.js';
import { dataTable, decoderResult, modelTable, stepsOf, trainedGraph } from './language-model.js';
import { controlTokens, learnTokenizer, textEndId, turnEndId } from './learn-tokenizer.js';
import { modelInputs } from './model-inputs.js';
import { dataInputs, readCorpus } from './read-corpus.js';
import type { ProgramContext, ProgramDefinition } from './run-program.js';
import { TokenBatches, validationBatches } from './token-batches.js';
import { TrainableDecoder } from './trainable-decoder.js';

export const pretrain: ProgramDefinition<PretrainRun> = {
  program: 'pretrain',
  async inputs({ data, model, tokenizer }) {
    return {
      ...(await dataInputs(data)),
      ...(model.from === undefined ? {} : await modelInputs(model.from)),
      ...(tokenizer.from === undefined ? {} : await modelInputs(tokenizer.from)),
    };
  },
  async prepare(run, context) {
    const { data, seed, accumulate } = run;
    const tokenizerFolder = await tokenizerOf(run, context);
    const config = await configOf(run, tokenizerFolder);
    const encoder = await openDecoderEncoder(tokenizerFolder, config);
    const options = { kind: 'text', seed, output: context.output, signal: context.signal } as const;
    const corpora = await readCorpus(data, encoder, options);
    const { rows, length } = data;
    const training = new PackedBatches(corpora.training, { rows, length, seed });
    const held = corpora.validation && new PackedBatches(corpora.validation, { rows, length, seed });
    const { batchesPerEpoch } = training;
    const totalSteps = stepsOf(run, batchesPerEpoch);
    const from = run.model.from ?? null;
    const decoder = new TrainableDecoder({ config, from, lora: null, seed });
    const graph = trainedGraph({
      ...{ run, context, totalSteps },
      plan: {
        name: 'pretrain',
        ...{ trained: decoder.trained, frozen: decoder.frozen },
        build(tape, weights) {
          const { hidden, head } = decoder.forward(tape, { rows, length }, weights);
          const labels = tape.input('labels', [rows * length], 'int64');
          const weight = tape.input('weights', [rows * length, 1]);
          return { loss: linearCrossEntropy(tape, hidden, head, labels, weight) };
        },
      },
      stream: new TokenBatches(training, accumulate),
      validation: held && validationBatches(held, run.evaluation.batches),
      begin: (trained) => decoder.begin(trained),
    });
    return {
      totalSteps,
      ...{ memory: graph.memory, open: graph.open },
      tables: {
        Model: modelTable(decoder, from),
        Data: dataTable(training.statistics, held?.statistics ?? null, {
          ...{ rows, length, accumulate, totalSteps, batchesPerEpoch, slots: training.slots },
        }),
      },
      ...decoderResult(decoder, graph, tokenizerFolder, from),
    };
  },
};

/** Folder of the tokenizer; it is learnt where a run begins, from documents that are trained on. */
async function tokenizerOf(
  { tokenizer, model, data, seed }: PretrainRun,
  { output, resumed, note }: ProgramContext,
): Promise<string> {
  const { vocabSize } = tokenizer;
  if (vocabSize === undefined) return tokenizer.from ?? model.from!;
  const folder = join(output, 'tokenizer');
  const isThere = await access(join(folder, 'tokenizer.json')).then(
    () => true,
    () => false,
  );
  if (resumed && isThere) return folder;
  const { train, validation, validationFraction, textDocuments } = data;
  const isHeldOut =
    validation.length === 0 && validationFraction > 0 ? heldOut(validationFraction, seed) : () => false;
  async function* texts(): AsyncGenerator<string> {
    for await (const document of readTrainingDocuments(train, { kind: 'text', textDocuments })) {
      if (!isHeldOut(document.documentId)) yield document.text;
    }
  }
  const size = await learnTokenizer(texts(), vocabSize, folder);
  note(`tokenizer: learnt ${size.toLocaleString('en-US')} entries from the training documents`);
  return folder;
}

async function configOf({ model, data }: PretrainRun, tokenizerFolder: string): Promise<DecoderConfig> {
  if (model.from !== undefined) return (await readConfig(model.from)).config;
  const tokenizer = await openTokenizer(join(tokenizerFolder, 'tokenizer.json'));
  const { maxPositions = data.length, ...shape } = model.shape!;
  const isOurs = controlTokens.every((token, id) => tokenizer.tokenToId(token) === id);
  const eosTokenIds = isOurs
    ? [turnEndId, textEndId]
    : (await readDecoderConfig(tokenizerFolder)).eosTokenIds;
  return llamaConfig({ ...shape, maxPositions, vocabSize: tokenizer.vocabSize, eosTokenIds });
}
