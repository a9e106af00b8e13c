import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { openDecoder } from '../../../shared/lm/open-decoder.js';
import { tinyConfig, writeTinyCheckpoint } from '../../fixtures/tiny-checkpoint.js';
import { type TinyExportOptions, writeTinyExport } from '../../fixtures/tiny-export.js';

const variants: [name: string, options: TinyExportOptions, tolerance: number][] = [
  ['with position_ids', {}, 1e-5],
  ['without position_ids', { positionIds: false, file: 'model.onnx' }, 1e-5],
  // Logits up to 5 in float16 are 0.004 apart; keys and values are rounded as well.
  ['with cache and logits in float16', { type: 'float16', file: 'onnx/model_fp16.onnx' }, 0.01],
];

for (const [name, options, tolerance] of variants) {
  t.test(`a graph exported by others, ${name}, computes what the checkpoint does`, async (t) => {
    const folder = t.testdir({});
    const own = await openDecoder(await writeTinyCheckpoint(join(folder, 'own')), { threads: 1 });
    const other = await openDecoder(await writeTinyExport(join(folder, 'other'), options), { threads: 1 });
    t.teardown(() => Promise.all([own.close(), other.close()]));
    t.equal(other.precision, `as exported (${options.file ?? 'onnx/model.onnx'})`);
    t.ok(other.weightBytes > 400_000);
    t.equal(other.supportsBranches, false);

    const caches = [own.createCache(3, 32), other.createCache(3, 32)] as const;
    const both = async (
      what: string,
      rows: { slot: number; tokens: number[] }[],
      more: { wanted?: [number, number][]; targets?: number[] } = {},
    ) => {
      const expected = await own.step({ cache: caches[0], rows, ...more });
      const kept = { logits: [...expected.logits], logprobs: [...expected.logprobs] };
      const actual = await other.step({ cache: caches[1], rows, ...more });
      t.ok(largest(actual.logits, kept.logits) < tolerance, `${what}: logits`);
      t.ok(largest(actual.logprobs, kept.logprobs) < tolerance, `${what}: logprobs`);
      for (const { slot } of rows) {
        t.equal(caches[1].length(slot), caches[0].length(slot));
      }
    };
    await both('prefill', [{ slot: 1, tokens: [1, 2, 300, 4, 5] }]);
    await both('more behind it', [{ slot: 1, tokens: [9, 8] }], {
      wanted: [
        [0, 0],
        [0, 1],
      ],
      targets: [3, 511],
    });
    await both('unequal rows', [
      { slot: 0, tokens: [7] },
      { slot: 1, tokens: [8] },
      { slot: 2, tokens: [9] },
    ]);
    for (const cache of caches) {
      cache.truncate(1, 6);
      cache.copyFrom(cache, { slot: 1, position: 2 }, { slot: 2, position: 1 }, 3);
      cache.copy(1, 0, 4);
    }
    await both('after cutting and copying', [
      { slot: 0, tokens: [70] },
      { slot: 1, tokens: [80] },
      { slot: 2, tokens: [90] },
    ]);
    await t.rejects(
      other.step({ cache: caches[1], rows: [{ slot: 0, tokens: [1, 2] }], branches: [1, 1] }),
      /supportsBranches/,
    );
    await t.rejects(other.step({ cache: caches[1], rows: [{ slot: 0, tokens: Array(40).fill(1) }] }), {
      code: 'LM_CONTEXT_EXCEEDED',
    });
    await t.rejects(other.step({ cache: caches[0], rows: [{ slot: 0, tokens: [1] }] }), TypeError);
  });
}

t.test(
  'a graph of any name onnx/model*.onnx is taken, behind those whose precision the name says',
  async (t) => {
    const folder = await writeTinyExport(t.testdir({}), { file: 'onnx/model_O4.onnx' });
    const precisionOf = async () => {
      const decoder = await openDecoder(folder, { threads: 1 });
      await decoder.close();
      return decoder.precision;
    };
    t.equal(await precisionOf(), 'as exported (onnx/model_O4.onnx)');
    await writeTinyExport(folder, { file: 'onnx/model_q4.onnx' });
    t.equal(await precisionOf(), 'as exported (onnx/model_q4.onnx)');
  },
);

t.test('the most exact graph is taken unless one is named; a checkpoint goes before all', async (t) => {
  const folder = await writeTinyExport(t.testdir({}), { file: 'onnx/model_q4.onnx' });
  await writeTinyExport(folder, { file: 'onnx/model_fp16.onnx', type: 'float16' });
  const precisionOf = async (onnx?: string) => {
    const decoder = await openDecoder(folder, { threads: 1, ...(onnx ? { onnx } : {}) });
    await decoder.close();
    return decoder.precision;
  };
  t.equal(await precisionOf(), 'as exported (onnx/model_fp16.onnx)');
  t.equal(await precisionOf('model_q4'), 'as exported (onnx/model_q4.onnx)');
  t.equal(await precisionOf('onnx/model_q4.onnx'), 'as exported (onnx/model_q4.onnx)');
  await t.rejects(precisionOf('model_int8'), {
    code: 'MODEL_INVALID',
    message: /no exported graph "model_int8"\. It has: onnx\/model_fp16\.onnx, onnx\/model_q4\.onnx\./,
  });
  await writeTinyCheckpoint(folder);
  t.equal(await precisionOf(), 'float32');
  t.equal(await precisionOf('model_q4'), 'as exported (onnx/model_q4.onnx)');
});

t.test('a hub cache, whose graph and data are links to blobs, opens', async (t) => {
  const root = t.testdir({ blobs: {} });
  const folder = await writeTinyExport(join(root, 'snapshots', 'abc'), { externalData: true });
  for (const [name, blob] of [
    ['model.onnx', 'b1'],
    ['model.onnx_data', 'b2'],
  ] as const) {
    await rename(join(folder, 'onnx', name), join(root, 'blobs', blob));
    await symlink(join('..', '..', '..', 'blobs', blob), join(folder, 'onnx', name));
  }
  const decoder = await openDecoder(folder, { threads: 1 });
  t.teardown(() => decoder.close());
  t.ok(decoder.weightBytes > 400_000, 'the data beside the graph is counted');
  const { logits } = await decoder.step({
    cache: decoder.createCache(1, 8),
    rows: [{ slot: 0, tokens: [1] }],
  });
  t.equal(logits.length, 512);
});

t.test(
  'a graph that is no decoder with past, or another than config.json says, is refused by name',
  async (t) => {
    const foreign = await writeTinyExport(join(t.testdir({}), 'foreign'), {
      foreignInput: 'use_cache_branch',
    });
    await t.rejects(openDecoder(foreign, { threads: 1 }), {
      code: 'MODEL_UNSUPPORTED',
      message: /onnx\/model\.onnx is not a decoder that can be used: it wants use_cache_branch/,
    });
    const config = { family: 'qwen2' } as const;
    for (const [change, message] of [
      [
        { num_hidden_layers: 3 },
        /it lacks past_key_values\.2\.key, past_key_values\.2\.value, present\.2\.key/,
      ],
      [{ num_hidden_layers: 1 }, /it wants past_key_values\.1\.key, past_key_values\.1\.value/],
      [{ num_key_value_heads: 4 }, /past_key_values\.0\.key has the shape \[.*\], config\.json asks for/],
    ] as const) {
      const folder = await writeTinyExport(join(t.testdirName, `wrong-${Object.keys(change)[0]}`));
      await writeFile(join(folder, 'config.json'), JSON.stringify(tinyConfig({ ...config, config: change })));
      await t.rejects(openDecoder(folder, { threads: 1 }), { code: 'MODEL_UNSUPPORTED', message });
    }
  },
);

t.test('a folder without weights, or that is none, says what is missing', async (t) => {
  const folder = t.testdir({});
  await t.rejects(openDecoder(join(folder, 'none'), { threads: 1 }), { code: 'FILE_NOT_FOUND' });
  await t.rejects(openDecoder(folder, { threads: 1 }), {
    code: 'MODEL_INVALID',
    message: /has no config\.json/,
  });
  await writeTinyExport(folder);
  await mkdir(join(folder, 'away'));
  await rename(join(folder, 'onnx'), join(folder, 'away', 'onnx'));
  await t.rejects(openDecoder(folder, { threads: 1 }), {
    code: 'MODEL_INVALID',
    message: /neither model\.safetensors \(or its index\), nor onnx\/model\*\.onnx/,
  });
});

function largest(actual: ArrayLike<number>, expected: readonly number[]): number {
  return actual.length === expected.length
    ? expected.reduce((most, value, i) => Math.max(most, Math.abs(value - actual[i]!)), 0)
    : Number.POSITIVE_INFINITY;
}
