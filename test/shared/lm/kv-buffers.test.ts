import t from 'tap';
import { KvBuffers } from '../../../shared/lm/kv-buffers.js';
import { seededRandom } from '../../../shared/random.js';

const config = { nLayer: 2, nKvHead: 3, headDim: 4, maxPositions: 16 };
const width = config.nKvHead * config.headDim;

/** The obvious cache: a list of rows [kvHead · headDim] for each buffer and slot. */
class Naive {
  readonly rows: number[][][][];
  constructor(slots: number) {
    this.rows = Array.from({ length: 4 }, () => Array.from({ length: slots }, () => []));
  }
}

function contents(cache: KvBuffers): number[][][][] {
  return cache.tensors(0, cache.slots).map(({ data }) =>
    Array.from({ length: cache.slots }, (_, slot) =>
      Array.from({ length: cache.length(slot) }, (_, position) =>
        Array.from({ length: width }, (_, i) => {
          const [head, dim] = [Math.floor(i / 4), i % 4];
          return (data as Float32Array)[((slot * 3 + head) * cache.capacity + position) * 4 + dim]!;
        }),
      ),
    ),
  );
}

t.test('writing, cutting and copying keep what a list of rows keeps', async (t) => {
  const random = seededRandom(5);
  const pick = (n: number) => Math.floor(random() * n);
  const caches = [new KvBuffers(config, 3, 8), new KvBuffers(config, 2, 16)];
  const naive = [new Naive(3), new Naive(2)];
  let value = 0;
  for (let round = 0; round < 300; round++) {
    const c = pick(2);
    const [cache, lists] = [caches[c]!, naive[c]!];
    const slot = pick(cache.slots);
    const length = cache.length(slot);
    const kind = pick(4);
    if (kind === 0) {
      const count = Math.min(1 + pick(3), cache.capacity - length);
      for (let buffer = 0; buffer < 4; buffer++) {
        // One row of padding before: what is written begins at an offset.
        const rows = Float32Array.from({ length: (count + 1) * width }, () => value++);
        cache.write(buffer, slot, length, rows, width, count);
        for (let n = 1; n <= count; n++) {
          lists.rows[buffer]![slot]!.push([...rows.subarray(n * width, (n + 1) * width)]);
        }
      }
      cache.setLength(slot, length + count);
    } else if (kind === 1) {
      const kept = pick(length + 1);
      cache.truncate(slot, kept);
      for (const buffer of lists.rows) {
        buffer[slot]!.length = kept;
      }
    } else if (kind === 2) {
      const to = pick(cache.slots);
      const count = pick(length + 1);
      cache.copy(slot, to, count);
      for (const buffer of lists.rows) {
        buffer[to] = buffer[slot]!.slice(0, count);
      }
    } else {
      const other = pick(2);
      const from = { slot: pick(caches[other]!.slots), position: 0 };
      const held = caches[other]!.length(from.slot);
      from.position = pick(held + 1);
      const to = { slot, position: pick(length + 1) };
      const count = Math.min(pick(held - from.position + 1), cache.capacity - to.position);
      cache.copyFrom(caches[other]!, from, to, count);
      for (const [b, buffer] of lists.rows.entries()) {
        const taken = naive[other]!.rows[b]![from.slot]!.slice(from.position, from.position + count);
        buffer[slot] = [...buffer[slot]!.slice(0, to.position), ...taken];
      }
    }
    t.same(contents(cache), lists.rows);
  }
  t.equal(caches[0]!.bytes, 4 * 3 * 3 * 8 * 4 * 4);
});

t.test('views are the same objects every time and lie in one buffer', async (t) => {
  const cache = new KvBuffers(config, 3, 8);
  t.equal(cache.tensors(1, 2), cache.tensors(1, 2));
  const [all, part] = [cache.tensors(0, 3)[0]!, cache.tensors(1, 2)[0]!];
  t.same(part.shape, [2, 3, 8, 4]);
  t.equal(all.data.buffer, part.data.buffer);
  t.equal(part.data.byteOffset, 3 * 8 * 4 * 4);
});

t.test('what a cache cannot hold is refused', async (t) => {
  t.throws(() => new KvBuffers(config, 1, 17), { code: 'LM_CONTEXT_EXCEEDED', message: /of 17 .* has 16/ });
  for (const [slots, capacity] of [
    [0, 1],
    [1, 0],
    [1.5, 1],
  ] as const) {
    t.throws(() => new KvBuffers(config, slots, capacity), RangeError);
  }
  const cache = new KvBuffers(config, 2, 8);
  cache.setLength(0, 3);
  t.throws(() => cache.length(2), RangeError);
  t.throws(() => cache.length(-1), RangeError);
  t.throws(() => cache.setLength(0, 9), RangeError);
  t.throws(() => cache.truncate(0, 4), RangeError);
  t.throws(() => cache.copy(0, 1, 4), RangeError);
  t.throws(() => cache.copy(0, 2), RangeError);
  t.throws(() => cache.tensors(1, 2), RangeError);
  t.throws(() => cache.copyFrom(cache, { slot: 0, position: 0 }, { slot: 1, position: 1 }, 2), RangeError);
  const other = new KvBuffers({ ...config, headDim: 8 }, 1, 8);
  t.throws(() => cache.copyFrom(other, { slot: 0, position: 0 }, { slot: 0, position: 0 }, 0), TypeError);
});
