import t from 'tap';
import { elementCount } from '../../../shared/onnx/tensor-type.js';
import { decoderParameters } from '../../../training/model/decoder-parameters.js';
import { initialiseParameters } from '../../../training/model/initialise-parameters.js';
import { llamaConfig } from '../../../training/model/llama-config.js';
import { type LoraConfig, loraConfig, loraParameters } from '../../../training/model/lora.js';
import { TrainableDecoder } from '../../../training/programs/trainable-decoder.js';
import { isSameBits } from '../model/train-decoder.js';

const config = llamaConfig({ vocabSize: 40, hiddenSize: 16, nLayer: 2, nHead: 2 });

async function begun(seed: number, lora: LoraConfig | null): Promise<Map<string, Float32Array>> {
  const decoder = new TrainableDecoder({ config, from: null, lora, seed });
  const values = new Map(
    decoder.trained.map(({ name, shape }) => [name, new Float32Array(elementCount(shape))]),
  );
  await decoder.begin(values);
  return values;
}

for (const [what, lora] of [
  ['all weights', null],
  ['adapters', loraConfig({ r: 2, alpha: 4 })],
] as const) {
  t.test(`${what} begin as the seed of the run says`, async (t) => {
    const parameters = lora ? loraParameters(config, lora) : decoderParameters(config);
    const found = await begun(7, lora);
    const expected = new Map([...found].map(([name, { length }]) => [name, new Float32Array(length)]));
    initialiseParameters(parameters, expected, 7);
    const other = await begun(8, lora);
    let differing = 0;
    for (const { name, init } of parameters) {
      t.ok(isSameBits(found.get(name)!, expected.get(name)!), name);
      const isRandom = init.kind === 'normal' || init.kind === 'uniform';
      if (isRandom && !isSameBits(other.get(name)!, expected.get(name)!)) differing++;
    }
    t.ok(differing > 0, 'another seed begins otherwise');
  });
}
