/**
 * `haetae train sft`: supervised fine-tuning. A model learns the assistant's side of dialogues, written with the chat
 * template that serves it; prompts are read and not learnt. All weights, or LoRA adapters beside frozen ones.
 */
import { readConfig } from '../../shared/lm/quantize/folder-files.js';
import { linearCrossEntropy } from '../blocks/linear-cross-entropy.js';
import { openDecoderEncoder } from '../data/decoder-encoder.js';
import { PackedBatches } from '../data/packed-batches.js';
import { loraConfig } from '../model/lora.js';
import type { SftRun } from '../run/run-file-schema.js';
import { dataTable, decoderResult, modelTable, stepsOf, trainedGraph } from './language-model.js';
import { modelInputs } from './model-inputs.js';
import { dataInputs, readCorpus } from './read-corpus.js';
import type { ProgramDefinition } from './run-program.js';
import { TokenBatches, validationBatches } from './token-batches.js';
import { TrainableDecoder } from './trainable-decoder.js';

export const sft: ProgramDefinition<SftRun> = {
  program: 'sft',
  async inputs({ data, model }) {
    return { ...(await dataInputs(data)), ...(await modelInputs(model.from)) };
  },
  async prepare(run, context) {
    const { data, seed, accumulate, lora, model, weighting } = run;
    const { config } = await readConfig(model.from);
    const encoder = await openDecoderEncoder(model.from, config);
    const options = { kind: 'dialogue', seed, output: context.output, signal: context.signal } as const;
    const corpora = await readCorpus(data, encoder, options);
    const { rows, length, packing, tooLong, maxPromptTokens } = data;
    const packed = {
      ...{ rows, length, seed, packing, tooLong },
      ...(maxPromptTokens === undefined ? {} : { maxPromptTokens }),
    };
    const training = new PackedBatches(corpora.training, packed);
    const held = corpora.validation && new PackedBatches(corpora.validation, packed);
    const { batchesPerEpoch } = training;
    const totalSteps = stepsOf(run, batchesPerEpoch);
    const decoder = new TrainableDecoder({
      ...{ config, from: model.from, seed },
      lora: lora ? loraConfig(lora) : null,
    });
    const graph = trainedGraph({
      ...{ run, context, totalSteps },
      plan: {
        name: 'sft',
        ...{ trained: decoder.trained, frozen: decoder.frozen },
        build(tape, weights, purpose) {
          const slots = (purpose === 'validation' && held ? held : training).slots ?? rows * length;
          const { hidden, head } = decoder.forward(tape, { rows, length }, weights, slots);
          const labels = tape.input('labels', [slots], 'int64');
          const weight = tape.input('weights', [slots, 1]);
          return { loss: linearCrossEntropy(tape, hidden, head, labels, weight) };
        },
      },
      stream: new TokenBatches(training, accumulate, { weighting }),
      validation: held && validationBatches(held, run.evaluation.batches, { weighting }),
      begin: (trained) => decoder.begin(trained),
    });
    return {
      totalSteps,
      ...{ memory: graph.memory, open: graph.open },
      tables: {
        Model: modelTable(decoder, model.from),
        Data: dataTable(training.statistics, held?.statistics ?? null, {
          ...{ rows, length, accumulate, totalSteps, batchesPerEpoch, slots: training.slots },
        }),
      },
      ...decoderResult(decoder, graph, model.from, model.from),
    };
  },
};
