import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Checkpoint } from '../../../shared/lm/checkpoint.js';
import type { Decoder } from '../../../shared/lm/decoder.js';
import { openDecoder } from '../../../shared/lm/open-decoder.js';
import { nativeKernels } from '../../../shared/onnx/native-session.js';
import { writeSafetensors } from '../../../shared/onnx/safetensors.js';
import { type TinyCheckpointOptions, writeTinyCheckpoint } from '../../fixtures/tiny-checkpoint.js';

interface Sample {
  logits: number[][];
  logSumExp: number[];
}

interface Reference {
  tokens: number[];
  sequence: Sample;
  rows: number[][];
  batch: Sample;
  greedy: number[];
}

interface Case {
  name: string;
  dtype: NonNullable<TinyCheckpointOptions['dtype']>;
  config: Record<string, unknown>;
}

const folder = new URL('../../reference/transformers/', import.meta.url);
const cases = JSON.parse(await readFile(new URL('cases.json', folder), 'utf8')) as Case[];
const references = JSON.parse(await readFile(new URL('logits.json', folder), 'utf8')) as Record<
  string,
  Reference
>;

/** Float32 sums in another order; measured up to 3.1e-6 for logits up to 5. The issue allows 1e-3. */
const tolerance = 2e-5;
const positionStride = 13;
const columnStride = 37;

const native = nativeKernels();
const runs = cases.flatMap((it) => (['runtime', 'auto'] as const).map((kernels) => ({ ...it, kernels })));

for (const { name, dtype, config, kernels } of runs) {
  const skip = kernels === 'auto' && native.kernel === null ? native.reason : false;
  const whose = kernels === 'auto' ? 'our kernels' : "the runtime's kernels";
  t.test(`transformers' logits by ${whose}: ${name}`, { skip }, async (t) => {
    const path = join(t.testdir({}), 'model');
    const family = config.model_type as NonNullable<TinyCheckpointOptions['family']>;
    await writeTinyCheckpoint(path, { family, dtype, config });
    const decoder = await openDecoder(path, { threads: 1, kernels });
    t.teardown(() => decoder.close());
    const reference = references[name]!;
    const { tokens, sequence, rows, batch, greedy } = reference;
    const { vocabSize } = decoder.config;
    const positions = tokens.map((_, i) => i).filter((i) => i % positionStride === 0);

    const whole = decoder.createCache(1, 64);
    const wanted = positions.map((i) => [0, i] as const);
    const prefill = await decoder.step({ cache: whole, rows: [{ slot: 0, tokens }], wanted });
    t.ok(difference(prefill.logits, sequence, vocabSize) < tolerance, 'prefill in one step');

    const generated: number[] = [];
    whole.truncate(0, 39);
    let { logits } = await decoder.step({ cache: whole, rows: [{ slot: 0, tokens: [tokens[39]!] }] });
    for (let i = 0; i < greedy.length; i++) {
      generated.push(logits.indexOf(Math.max(...logits)));
      ({ logits } = await decoder.step({ cache: whole, rows: [{ slot: 0, tokens: [generated[i]!] }] }));
    }
    t.same(generated, greedy, 'greedy continuation, token for token');

    for (const chunk of [1, 7]) {
      const cache = decoder.createCache(3, 64);
      const taken: number[] = [];
      for (let begin = 0; begin < tokens.length; begin += chunk) {
        const part = tokens.slice(begin, begin + chunk);
        const step = await decoder.step({
          cache,
          rows: [{ slot: 1, tokens: part }],
          wanted: part.map((_, i) => [0, i] as const),
        });
        part.forEach((_, i) => {
          if ((begin + i) % positionStride === 0) {
            taken.push(...step.logits.subarray(i * vocabSize, (i + 1) * vocabSize));
          }
        });
      }
      t.ok(difference(taken, sequence, vocabSize) < tolerance, `${chunk} at a time over the cache`);
    }

    const cache = decoder.createCache(4, 64);
    const padded = await decoder.step({ cache, rows: rows.map((row, r) => ({ slot: r + 1, tokens: row })) });
    t.ok(difference(padded.logits, batch, vocabSize) < tolerance, 'a batch of unequal lengths');
    for (const [r, row] of rows.entries()) {
      cache.truncate(r + 1, row.length - 1);
    }
    const ragged = await decoder.step({
      cache,
      rows: rows.map((row, r) => ({ slot: r + 1, tokens: [row.at(-1)!] })),
    });
    t.ok(difference(ragged.logits, batch, vocabSize) < tolerance, 'one token each behind unequal lengths');
    t.same(
      rows.map((_, r) => cache.length(r + 1)),
      rows.map((row) => row.length),
    );
    await branchesEqualContinuations(t, decoder, tokens.slice(0, 10));
  });
}

for (const kernels of ['runtime', 'auto'] as const) {
  const skip = kernels === 'auto' && native.kernel === null ? native.reason : false;
  t.test(`rows do not hear of each other (kernels: ${kernels})`, { skip }, async (t) => {
    const decoder = await openDecoder(await writeTinyCheckpoint(t.testdir({})), { threads: 2, kernels });
    t.teardown(() => decoder.close());
    const { vocabSize } = decoder.config;
    const contents = [[], [3, 1, 4, 1, 5], [9, 2], [], [6, 5, 3]];
    const cache = decoder.createCache(contents.length, 16);
    const alone: number[][] = [];
    for (const [slot, tokens] of contents.entries()) {
      const own = decoder.createCache(1, 16);
      alone.push([
        ...(await decoder.step({ cache: own, rows: [{ slot: 0, tokens: [...tokens, 7] }] })).logits,
      ]);
      if (tokens.length > 0) {
        await decoder.step({ cache, rows: [{ slot, tokens }], wanted: [] });
      }
    }
    const rows = contents.map((_, slot) => ({ slot, tokens: [7] }));
    const { logits } = await decoder.step({ cache, rows });
    for (const [slot, expected] of alone.entries()) {
      const actual = logits.subarray(slot * vocabSize, (slot + 1) * vocabSize);
      t.ok(
        expected.every((value, i) => Math.abs(value - actual[i]!) < tolerance),
        `slot ${slot}`,
      );
      t.equal(cache.length(slot), contents[slot]!.length + 1);
    }
    // A smaller cache after a larger one, and moved prefixes: nothing of the last step's feeds may stay.
    const small = decoder.createCache(1, 8);
    small.copyFrom(cache, { slot: 1, position: 0 }, { slot: 0, position: 0 }, 5);
    const moved = await decoder.step({ cache: small, rows: [{ slot: 0, tokens: [7] }] });
    t.ok(alone[1]!.every((value, i) => Math.abs(value - moved.logits[i]!) < tolerance));
  });
}

t.test('a tensor that no layer reads stops nothing, whatever its name', async (t) => {
  const folder = await writeTinyCheckpoint(t.testdir({}));
  const checkpoint = await Checkpoint.open(folder);
  const all = await Promise.all(
    [...checkpoint.tensors.values()].map(async ({ name, type, shape }) => ({
      name,
      type,
      shape,
      data: await checkpoint.read(name),
    })),
  );
  const stray = { name: 'observer.scales', type: 'bfloat16', shape: [8], data: new Uint16Array(8) } as const;
  await writeSafetensors(join(folder, 'model.safetensors'), [...all, stray]);
  for (const kernels of ['runtime', 'auto'] as const) {
    const decoder = await openDecoder(folder, { threads: 1, kernels });
    await decoder.close();
  }
});

t.test('a decoder takes one step at a time, on caches of its own kind', async (t) => {
  const decoder = await openDecoder(await writeTinyCheckpoint(t.testdir({})), { threads: 1 });
  t.teardown(() => decoder.close());
  const cache = decoder.createCache(1, 8);
  const step = { cache, rows: [{ slot: 0, tokens: [1] }] };
  const first = decoder.step(step);
  await t.rejects(decoder.step(step), /one step at a time/);
  await first;
  t.equal(cache.length(0), 1);
  const foreign = { ...cache, length: () => 0, capacity: 8 } as unknown as typeof cache;
  await t.rejects(decoder.step({ ...step, cache: foreign }), TypeError);
  await t.rejects(decoder.step({ ...step, rows: [] }), RangeError);
  await decoder.step(step);
  t.equal(cache.length(0), 2, 'a refused step does not block the next');
});

/** Every branch computed together with the others has the log-probabilities it has alone. */
async function branchesEqualContinuations(t: Test, decoder: Decoder, prefix: number[]): Promise<void> {
  const branches = [[5, 6, 7], [8], [5, 6, 400, 2], [9, 10]];
  const cache = decoder.createCache(2, 32);
  await decoder.step({ cache, rows: [{ slot: 1, tokens: prefix }], wanted: [] });
  const targets = branches.flat().map((token) => (token * 31 + 1) % decoder.config.vocabSize);
  const together = await decoder.step({
    cache,
    rows: [{ slot: 1, tokens: branches.flat() }],
    branches: branches.map((branch) => branch.length),
    wanted: branches.flat().map((_, i) => [0, i] as const),
    targets,
  });
  t.equal(cache.length(1), prefix.length, 'branches leave the slot as it was');
  const logprobs = [...together.logprobs];
  t.equal(together.logits.length, 0);
  let at = 0;
  for (const branch of branches) {
    const alone = decoder.createCache(1, 32);
    const tokens = [...prefix, ...branch];
    const { logits } = await decoder.step({
      cache: alone,
      rows: [{ slot: 0, tokens }],
      wanted: branch.map((_, i) => [0, prefix.length + i] as const),
    });
    for (let i = 0; i < branch.length; i++) {
      const own = logits.subarray(i * decoder.config.vocabSize, (i + 1) * decoder.config.vocabSize);
      const expected = own[targets[at]!]! - logSumExp(own);
      t.ok(Math.abs(logprobs[at]! - expected) < tolerance, `branch ${branch}, token ${i}`);
      at++;
    }
  }
}

/** Largest difference of the sampled logits and of logSumExp. */
function difference(logits: ArrayLike<number>, sample: Sample, vocabSize: number): number {
  let largest = logits.length === sample.logits.length * vocabSize ? 0 : Number.POSITIVE_INFINITY;
  sample.logits.forEach((expected, i) => {
    const row = Array.from(logits).slice(i * vocabSize, (i + 1) * vocabSize);
    largest = Math.max(largest, Math.abs(logSumExp(row) - sample.logSumExp[i]!));
    expected.forEach((value, j) => {
      largest = Math.max(largest, Math.abs(row[j * columnStride]! - value));
    });
  });
  return largest;
}

function logSumExp(row: ArrayLike<number>): number {
  const values = Array.from(row);
  const top = Math.max(...values);
  return top + Math.log(values.reduce((sum, value) => sum + Math.exp(value - top), 0));
}
