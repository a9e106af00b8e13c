import { join } from 'node:path';
import t from 'tap';
import { Checkpoint } from '../../../../shared/lm/checkpoint.js';
import { readDecoderConfig } from '../../../../shared/lm/decoder-config.js';
import { linearLayerNames } from '../../../../shared/lm/decoder-graph.js';
import { openDecoder } from '../../../../shared/lm/open-decoder.js';
import { openCalibration } from '../../../../shared/lm/quantize/calibration.js';
import { openTensorReader } from '../../../../shared/lm/quantize/tensor-reader.js';
import { type TinyCheckpointOptions, writeTinyCheckpoint } from '../../../fixtures/tiny-checkpoint.js';
import { naiveProducts } from './naive-products.js';

const models: Record<string, TinyCheckpointOptions> = {
  llama: { family: 'llama', config: { attention_bias: true } },
  'mistral with a window': { family: 'mistral', config: { sliding_window: 8 } },
  qwen2: { family: 'qwen2', dtype: 'bfloat16' },
  qwen3: { family: 'qwen3' },
};

t.test('block by block, calibration sees what the decoder feeds its linear layers', async (t) => {
  for (const [title, options] of Object.entries(models)) {
    const folder = await writeTinyCheckpoint(join(t.testdir({}), 'model'), options);
    const config = await readDecoderConfig(folder);
    const sequences = [0, 1, 2].map((s) =>
      Array.from({ length: 20 }, (_, i) => (s * 131 + i * 37 + 5) % 500),
    );

    // Xᵀ X of every linear layer, summed over the sequences, from the decoder itself.
    const wanted = new Map<string, Float32Array>();
    const decoder = await openDecoder(folder, {
      threads: 1,
      taps: {
        names: linearLayerNames(config),
        receive(name, rows, n) {
          const sum = wanted.get(name) ?? new Float32Array(n * n);
          for (let row = 0; row < rows.length; row += n) {
            for (let i = 0; i < n; i++) {
              for (let j = 0; j <= i; j++) sum[i * n + j]! += rows[row + i]! * rows[row + j]!;
            }
          }
          wanted.set(name, sum);
        },
      },
    });
    for (const tokens of sequences) {
      const cache = decoder.createCache(1, 32);
      const all = tokens.map((_, i) => [0, i] as const);
      await decoder.step({ cache, rows: [{ slot: 0, tokens }], wanted: all, targets: tokens });
    }
    await decoder.close();

    const reader = openTensorReader((await Checkpoint.open(folder)).tensors);
    const products = naiveProducts;
    const calibration = await openCalibration({ config, reader, sequences, products, threads: 1 });
    const compare = (name: string, found: Float32Array) => {
      const expected = wanted.get(name)!;
      const n = Math.sqrt(found.length);
      const size = Math.max(...Array.from({ length: n }, (_, i) => expected[i * n + i]!));
      let worst = 0;
      for (let i = 0; i < n; i++) {
        for (let j = 0; j <= i; j++) {
          worst = Math.max(worst, Math.abs(found[i * n + j]! - expected[i * n + j]!) / size);
        }
      }
      t.ok(worst < 1e-5, `${title}, ${name}: ${worst}`);
    };
    for (let block = 0; block < config.nLayer; block++) {
      const weights = await calibration.readBlock(block);
      for (const [name, hessian] of await calibration.hessians(block, weights)) {
        compare(`model.layers.${block}.${name}`, hessian);
      }
      await calibration.advance(block, weights);
    }
    const norm = (await reader.readRows('model.norm.weight', 0, config.hiddenSize)).slice();
    compare('lm_head', await calibration.headHessian(norm));
    await calibration.close();
    await reader.close();
  }
});
