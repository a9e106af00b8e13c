import { join } from 'node:path';
import t from 'tap';
import { Checkpoint } from '../../../shared/lm/checkpoint.js';
import { decoderParameters } from '../../../training/model/decoder-parameters.js';
import { initialiseParameters } from '../../../training/model/initialise-parameters.js';
import { llamaConfig } from '../../../training/model/llama-config.js';
import { loadParameters } from '../../../training/model/load-parameters.js';
import { saveCheckpoint } from '../../../training/model/save-checkpoint.js';
import { emptyValues } from './train-decoder.js';

const config = llamaConfig({ vocabSize: 40, hiddenSize: 8, nLayer: 1, nHead: 2, intermediateSize: 16 });
const parameters = decoderParameters(config);

t.test('weights that are not finite are refused, and named', async (t) => {
  for (const [value, dtype] of [
    [Number.NaN, 'float32'],
    [Number.NEGATIVE_INFINITY, 'bfloat16'],
  ] as const) {
    const values = emptyValues(parameters);
    initialiseParameters(parameters, values, 2);
    values.get('model.norm.weight')![3] = value;
    const folder = join(t.testdir({}), dtype);
    await saveCheckpoint(folder, config, parameters, values, { dtype });
    await t.rejects(loadParameters(await Checkpoint.open(folder), parameters, emptyValues(parameters)), {
      code: 'MODEL_INVALID',
      message: new RegExp(`tensor "model\\.norm\\.weight" holds ${value} \\(number 3 of 8\\)`),
    });
  }
});
