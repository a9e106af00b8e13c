import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { Checkpoint } from '../../../shared/lm/checkpoint.js';
import { parseDecoderConfig } from '../../../shared/lm/decoder-config.js';
import { buildDecoderGraph, linearLayerNames } from '../../../shared/lm/decoder-graph.js';
import { openDecoder } from '../../../shared/lm/open-decoder.js';
import { nativeKernels } from '../../../shared/onnx/native-session.js';
import { writeSafetensors } from '../../../shared/onnx/safetensors.js';
import { tinyConfig, tinyWeights, writeTinyCheckpoint } from '../../fixtures/tiny-checkpoint.js';
import { writeTinyQuantized } from '../../fixtures/tiny-quantized.js';

const tokens = [1, 2, 300, 4, 5, 6, 7];
const native = nativeKernels();

for (const kernels of ['runtime', 'auto'] as const) {
  const skip = kernels === 'auto' && native.kernel === null ? native.reason : false;
  const whose = kernels === 'auto' ? 'our kernels' : "the runtime's kernels";

  t.test(`integer weights by ${whose} stand for what their layout says`, { skip }, async (t) => {
    const folder = t.testdir({});
    for (const [bits, blockSize, headBits, embedding] of [
      [4, 32, 4, 'head'],
      [4, 32, 8, 'checkpoint'],
      [4, 64, 8, 'head'],
      [4, 128, 4, 'checkpoint'],
      [8, 32, 8, 'head'],
      [8, 128, 4, 'checkpoint'],
    ] as const) {
      const config = { bits, blockSize, headBits, embedding, method: 'rtn' };
      const paths = await writeTinyQuantized(folder, config);
      const logits: Float32Array[] = [];
      for (const path of [paths.quantized, paths.plain]) {
        const decoder = await openDecoder(path, { threads: 1, kernels });
        if (path === paths.quantized) {
          t.equal(decoder.precision, `int${bits} block ${blockSize}, head ${headBits} bits (rtn)`);
        }
        const step = { cache: decoder.createCache(1, 16), rows: [{ slot: 0, tokens }] };
        const wanted = tokens.map((_, i) => [0, i] as const);
        logits.push((await decoder.step({ ...step, wanted })).logits.slice());
        await decoder.close();
      }
      // The kernels round activations to 8 bits a block; a wrong nibble, row or scale decorrelates the rest.
      const similarity = correlation(logits[0]!, logits[1]!);
      t.ok(similarity > 0.999, `${JSON.stringify(config)}: ${similarity}`);
    }
  });

  t.test(`taps by ${whose} give what goes into linear layers`, { skip }, async (t) => {
    const folder = await writeTinyCheckpoint(t.testdir({}), { family: 'qwen3' });
    const names = linearLayerNames({ nLayer: 2 });
    t.equal(names.length, 9);
    const heard = new Map<string, { rows: number[]; features: number }>();
    const taps = {
      names,
      receive: (name: string, rows: Float32Array, features: number) => {
        heard.set(name, { rows: [...rows], features });
      },
    };
    const decoder = await openDecoder(folder, { threads: 1, kernels, taps });
    t.teardown(() => decoder.close());
    const { logits } = await decoder.step({
      cache: decoder.createCache(1, 16),
      rows: [{ slot: 0, tokens }],
    });
    t.same([...heard.keys()], names);
    t.same(
      names.map((name) => heard.get(name)!.features),
      [64, 128, 64, 96, 64, 128, 64, 96, 64],
    );
    t.equal(heard.get('model.layers.1.mlp.down_proj')!.rows.length, tokens.length * 96);

    const table = tinyWeights('model.embed_tokens.weight', [512, 64]);
    const norm = tinyWeights('model.layers.0.input_layernorm.weight', [64]);
    const embedded = [...table.subarray(300 * 64, 301 * 64)];
    const size = Math.sqrt(embedded.reduce((sum, x) => sum + x * x, 0) / 64 + 1e-6);
    const normed = embedded.map((x, i) => (x / size) * norm[i]!);
    const tapped = heard.get('model.layers.0.self_attn.qkv_proj')!.rows.slice(2 * 64, 3 * 64);
    t.ok(
      tapped.every((x, i) => Math.abs(x - normed[i]!) < 1e-5),
      'the first layer takes the normed embedding',
    );
    const last = heard.get('lm_head')!.rows;
    t.equal(last.length, 64, 'the head computes wanted positions only');
    for (const token of [0, 17, 511]) {
      const row = table.subarray(token * 64, (token + 1) * 64);
      const product = row.reduce((sum, w, i) => sum + w * last[i]!, 0);
      t.ok(Math.abs(product - logits[token]!) < 1e-4);
    }
  });
}

t.test('a tap on a layer there is not is refused', async (t) => {
  const folder = await writeTinyCheckpoint(t.testdir({}));
  const checkpoint = await Checkpoint.open(folder);
  const config = parseDecoderConfig(tinyConfig(), null, folder);
  t.throws(
    () => buildDecoderGraph(config, checkpoint, { taps: ['model.layers.2.mlp.down_proj'] }),
    /no linear layer/,
  );
});

t.test('heads of a size that attention does not take are refused when the folder is opened', async (t) => {
  const folder = await writeTinyCheckpoint(t.testdir({}), { family: 'llama', config: { head_dim: 20 } });
  await t.rejects(openDecoder(folder, { threads: 1 }), {
    code: 'MODEL_UNSUPPORTED',
    message: /head_dim: 20; supported: multiples of 8/,
  });
});

t.test('integer weights that do not fit their configuration are named', async (t) => {
  const folder = t.testdir({});
  const config = { bits: 4, blockSize: 32, headBits: 4, embedding: 'head', method: 'rtn' } as const;
  const { quantized } = await writeTinyQuantized(folder, config);
  const options = { threads: 1, kernels: 'runtime' } as const;
  const json = tinyConfig({ config: { hidden_size: 128, intermediate_size: 256, head_dim: 32 } });
  const rewrite = (change: Record<string, unknown>) =>
    writeFile(
      join(quantized, 'config.json'),
      JSON.stringify({
        ...json,
        quantization_config: {
          quant_method: 'haetae',
          bits: 4,
          block_size: 32,
          head_bits: 4,
          embedding: 'head',
          ...change,
        },
      }),
    );
  await rewrite({ block_size: 64 });
  await t.rejects(openDecoder(quantized, options), {
    code: 'MODEL_INVALID',
    message: /"lm_head\.qweight" has the shape \[512, 4, 16\], config\.json asks for \[512, 2, 32\]/,
  });
  await rewrite({ embedding: 'checkpoint' });
  await t.rejects(openDecoder(quantized, options), {
    code: 'MODEL_INVALID',
    message: /"model\.embed_tokens\.weight" is missing/,
  });
  await rm(join(quantized, 'model.safetensors'));
  const one = {
    name: 'lm_head.qweight',
    type: 'float32',
    shape: [512, 4, 16],
    data: new Float32Array(32768),
  } as const;
  await writeSafetensors(join(quantized, 'model.safetensors'), [one]);
  await rewrite({});
  await t.rejects(openDecoder(quantized, options), {
    code: 'MODEL_INVALID',
    message: /"lm_head\.qweight" is F32, expected U8/,
  });
});

function correlation(a: Float32Array, b: Float32Array): number {
  const [x, y] = [a, b].map((values) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return values.map((value) => value - mean);
  }) as [Float32Array, Float32Array];
  const dot = (p: Float32Array, q: Float32Array) => p.reduce((sum, value, i) => sum + value * q[i]!, 0);
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
}
