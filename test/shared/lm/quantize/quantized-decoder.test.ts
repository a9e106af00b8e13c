import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { Checkpoint } from '../../../../shared/lm/checkpoint.js';
import { openDecoder } from '../../../../shared/lm/open-decoder.js';
import { planLayers } from '../../../../shared/lm/quantize/plan-layers.js';
import { dequantizeBlocks } from '../../../../shared/lm/quantize/quantize-blocks.js';
import {
  type QuantizeFolderOptions,
  quantizeFolder,
} from '../../../../shared/lm/quantize/quantize-folder.js';
import { type NamedTensor, writeSafetensors } from '../../../../shared/onnx/safetensors.js';
import { type TinyCheckpointOptions, writeTinyCheckpoint } from '../../../fixtures/tiny-checkpoint.js';

type Layout = Pick<QuantizeFolderOptions, 'bits' | 'blockSize' | 'headBits' | 'embedding' | 'method'>;

const cases: { title: string; checkpoint: TinyCheckpointOptions; layout: Layout }[] = [
  {
    title: 'llama with biases, untied head',
    checkpoint: { family: 'llama', config: { attention_bias: true } },
    layout: { bits: 4, blockSize: 32, headBits: 8, embedding: 'checkpoint', method: 'rtn' },
  },
  {
    title: 'qwen2, embedding from a 4-bit head',
    checkpoint: { family: 'qwen2', dtype: 'bfloat16' },
    layout: { bits: 4, blockSize: 32, headBits: 4, embedding: 'head', method: 'gptq' },
  },
  {
    title: 'qwen3, embedding from an 8-bit head, blocks of 64',
    checkpoint: { family: 'qwen3', config: { intermediate_size: 128 } },
    layout: { bits: 4, blockSize: 64, headBits: 8, embedding: 'head', method: 'rtn-search' },
  },
  {
    title: 'mistral with a window, 8 bits, blocks of 128',
    checkpoint: {
      family: 'mistral',
      dtype: 'float16',
      config: { sliding_window: 8, hidden_size: 128, intermediate_size: 128 },
    },
    layout: { bits: 8, blockSize: 128, headBits: 8, embedding: 'checkpoint', method: 'gptq' },
  },
];
const tokens = Array.from({ length: 24 }, (_, i) => (i * 73 + 11) % 500);
const sequences = [1, 2, 3, 4].map((s) => Array.from({ length: 48 }, (_, i) => (i * i * s + 31 * i) % 500));

/** The checkpoint with float32 weights that the integers of `quantized` stand for. */
async function writeDequantized(
  model: string,
  quantized: string,
  layout: Layout,
  out: string,
): Promise<void> {
  const source = await Checkpoint.open(model);
  const integers = await Checkpoint.open(quantized);
  const config = JSON.parse(await readFile(join(model, 'config.json'), 'utf8'));
  const tied = config.tie_word_embeddings === true;
  const plan = planLayers(source.tensors, { nLayer: config.num_hidden_layers, tiedHead: tied }, layout);
  const weights = new Map<string, NamedTensor>();
  for (const [name, { shape }] of source.tensors) {
    weights.set(name, { name, type: 'float32', shape, data: await source.read(name) });
  }
  for (const { name, parts, k, bits } of plan.layers) {
    const { path, offset, length } = integers.tensor(`${name}.qweight`);
    const qweight = new Uint8Array((await readFile(path)).subarray(offset, offset + length));
    const scales = await integers.read(`${name}.scales`);
    const all = dequantizeBlocks({ qweight, scales }, { bits, block: layout.blockSize });
    let at = 0;
    for (const part of parts) {
      const shape = source.tensor(`${part}.weight`).shape;
      const target = name === 'lm_head' ? 'lm_head.weight' : `${part}.weight`;
      const data = all.slice(at, at + shape[0]! * k);
      weights.set(target, { name: target, type: 'float32', shape, data });
      if (name === 'lm_head' && layout.embedding === 'head') {
        const embedding = 'model.embed_tokens.weight';
        weights.set(embedding, { name: embedding, type: 'float32', shape, data });
      }
      at += data.length;
    }
  }
  await mkdir(out);
  await writeSafetensors(join(out, 'model.safetensors'), [...weights.values()]);
  await writeFile(join(out, 'config.json'), JSON.stringify({ ...config, tie_word_embeddings: false }));
  await copyFile(join(model, 'generation_config.json'), join(out, 'generation_config.json'));
}

async function logitsOf(folder: string): Promise<Float32Array> {
  const decoder = await openDecoder(folder, { threads: 1 });
  const wanted = tokens.map((_, i) => [0, i] as const);
  const { logits } = await decoder.step({
    cache: decoder.createCache(1, 32),
    rows: [{ slot: 0, tokens }],
    wanted,
  });
  const copy = logits.slice();
  await decoder.close();
  return copy;
}

/** Root mean square of the difference over that of the reference. */
function distance(found: Float32Array, reference: Float32Array): number {
  let lost = 0;
  let all = 0;
  reference.forEach((value, i) => {
    lost += (found[i]! - value) ** 2;
    all += value ** 2;
  });
  return Math.sqrt(lost / all);
}

t.test('a quantised decoder computes what its dequantised weights compute in float32', async (t) => {
  for (const { title, checkpoint, layout } of cases) {
    const folder = t.testdir({});
    const model = await writeTinyCheckpoint(join(folder, 'model'), checkpoint);
    const out = join(folder, 'quantized');
    await quantizeFolder({ ...layout, model, out, sequences });
    await writeDequantized(model, out, layout, join(folder, 'dequantized'));
    const [original, quantized, dequantized] = [
      await logitsOf(model),
      await logitsOf(out),
      await logitsOf(join(folder, 'dequantized')),
    ];
    const toDequantized = distance(quantized, dequantized);
    const toOriginal = distance(quantized, original);
    // The kernel rounds inputs of every layer to 8 bits, a hundredth or so of them.
    t.ok(toDequantized < 0.03, `${title}: ${toDequantized.toFixed(4)} from its weights`);
    if (layout.bits === 4) {
      t.ok(toOriginal > 3 * toDequantized, `and ${toOriginal.toFixed(4)} from the checkpoint`);
    }
    t.ok(toOriginal < 0.6);
  }
});
