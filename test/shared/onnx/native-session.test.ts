import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import {
  nativeKernelNames,
  nativeKernels,
  openNativeSession,
  type ResidentWeight,
} from '../../../shared/onnx/native-session.js';
import { GraphBuilder } from '../../../shared/onnx/onnx-model.js';
import type { Session, TensorValue } from '../../../shared/onnx/session.js';
import { bytesOf } from '../../../shared/onnx/tensor-type.js';
import { seededRandom } from '../../../shared/random.js';

const random = seededRandom(7);
const available = nativeKernels();
const skip = available.kernel === null ? available.reason : false;
const kernels =
  available.kernel === null ? [] : nativeKernelNames.slice(nativeKernelNames.indexOf(available.kernel));

const floats = (count: number, scale = 1): Float32Array =>
  Float32Array.from({ length: count }, () => (random() * 2 - 1) * scale);
const f32 = (shape: number[], data: Float32Array): TensorValue => ({ type: 'float32', shape, data });
const i32 = (shape: number[], data: readonly number[]): TensorValue => ({
  type: 'int32',
  shape,
  data: Int32Array.from(data),
});

function worst(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Infinity;
  return actual.reduce((most, value, i) => {
    const difference = Math.abs(value - expected[i]!);
    return Number.isNaN(difference) ? Infinity : Math.max(most, difference);
  }, 0);
}

interface Linear {
  m: number;
  n: number;
  k: number;
  bits: 4 | 8;
  block: number;
  bias: boolean;
}

/** The definition, in float64: x by blocks of 32 as round(x · 127 / max), weights less their zero point. */
function plainMatMul(
  { m, n, k, bits, block }: Linear,
  x: Float32Array,
  q: Uint8Array,
  scales: Float32Array,
  bias: Float32Array,
): Float32Array {
  const rounded = new Float64Array(m * k);
  for (let at = 0; at < m * k; at += 32) {
    const largest = x.subarray(at, at + 32).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const factor = Math.fround(127 / largest);
    for (let i = at; i < at + 32; i++) {
      const scaled = Math.fround(x[i]! * factor);
      const floor = Math.floor(scaled);
      const isUp = scaled - floor > 0.5 || (scaled - floor === 0.5 && floor % 2 !== 0);
      rounded[i] = (largest > 0 ? floor + (isUp ? 1 : 0) : 0) * Math.fround(largest / 127);
    }
  }
  const out = new Float32Array(m * n);
  for (let row = 0; row < m; row++) {
    for (let column = 0; column < n; column++) {
      let sum = bias[column] ?? 0;
      for (let i = 0; i < k; i++) {
        const at = column * k + i;
        const code = bits === 8 ? q[at]! : (q[at >> 1]! >> (4 * (at & 1))) & 15;
        sum += rounded[row * k + i]! * (code - 2 ** (bits - 1)) * scales[Math.floor(at / block)]!;
      }
      out[row * n + column] = sum;
    }
  }
  return out;
}

function linearGraph({ n, k, bits, block, bias }: Linear): Uint8Array {
  const graph = new GraphBuilder('linear');
  const x = graph.input('x', 'float32', ['rows', k]);
  const q = graph.input('q', 'uint8', [n, k / block, (block * bits) / 8]);
  const scales = graph.input('scales', 'float32', [n, k / block]);
  const inputs = bias ? [x, q, scales, '', '', graph.input('bias', 'float32', [n])] : [x, q, scales];
  graph.node('MatMulNBits', inputs, {
    domain: 'haetae',
    outputs: ['y'],
    attributes: { K: k, N: n, bits, block_size: block, accuracy_level: 4 },
  });
  graph.output('y', 'float32', ['rows', n]);
  return graph.build();
}

t.test('integer weights multiply as they are defined to, in every kernel', { skip }, async (t) => {
  const shapes: Linear[] = [
    { m: 1, n: 37, k: 96, bits: 4, block: 32, bias: true },
    { m: 1, n: 16, k: 32, bits: 4, block: 32, bias: false },
    { m: 2, n: 5, k: 64, bits: 8, block: 32, bias: false },
    { m: 3, n: 33, k: 160, bits: 4, block: 32, bias: false },
    { m: 4, n: 70, k: 640, bits: 4, block: 64, bias: true },
    { m: 5, n: 17, k: 96, bits: 8, block: 32, bias: true },
    { m: 7, n: 64, k: 1664, bits: 4, block: 128, bias: false },
    { m: 16, n: 48, k: 256, bits: 8, block: 128, bias: false },
    { m: 17, n: 31, k: 224, bits: 4, block: 32, bias: true },
    { m: 40, n: 100, k: 512, bits: 4, block: 512, bias: false },
  ];
  for (const kernel of kernels) {
    for (const threads of [1, 2]) {
      for (const shape of shapes) {
        const { m, n, k, bits, block, bias } = shape;
        const session = await openNativeSession(linearGraph(shape), { threads, kernel });
        const x = floats(m * k);
        x.fill(0, 32, 64); // a block without a scale
        const q = Uint8Array.from({ length: (n * k * bits) / 8 }, () => Math.floor(random() * 256));
        const scales = floats((n * k) / block, 0.02);
        const added = bias ? floats(n) : new Float32Array(0);
        const feeds: Record<string, TensorValue> = {
          x: f32([m, k], x),
          q: { type: 'uint8', shape: [n, k / block, (block * bits) / 8], data: q },
          scales: f32([n, k / block], scales),
          ...(bias ? { bias: f32([n], added) } : {}),
        };
        const { y } = await session.run(feeds);
        const expected = plainMatMul(shape, x, q, scales, added);
        const size = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        // Integer sums are exact; float32 sums of k / 32 blocks are not.
        t.ok(
          worst(y!.data as Float32Array, expected) < 1e-5 * Math.max(size, 1),
          `${kernel}, ${threads} threads, ${JSON.stringify(shape)}`,
        );
        await session.close();
      }
    }
  }
});

t.test('a row that is not finite gives NaN, and no other row does', { skip }, async (t) => {
  const shape: Linear = { m: 20, n: 24, k: 96, bits: 4, block: 32, bias: false };
  const { n, k, block } = shape;
  for (const bits of [4, 8] as const) {
    const q = Uint8Array.from({ length: (n * k * bits) / 8 }, () => Math.floor(random() * 256));
    for (const kernel of kernels) {
      const session = await openNativeSession(linearGraph({ ...shape, bits }), { threads: 2, kernel });
      for (const m of [2, 6, 20]) {
        for (const odd of [NaN, Infinity, -Infinity]) {
          const x = floats(m * k);
          x[k + 37] = odd;
          const { y } = await session.run({
            x: f32([m, k], x),
            q: { type: 'uint8', shape: [n, k / block, (block * bits) / 8], data: q },
            scales: f32([n, k / block], floats((n * k) / block)),
          });
          const rows = Array.from({ length: m }, (_, i) =>
            Array.from(y!.data.slice(i * n, (i + 1) * n), Number),
          );
          t.ok(rows[1]!.every(Number.isNaN), `${kernel}, ${bits} bits, ${m} rows, ${odd}`);
          t.ok(rows.every((row, i) => i === 1 || row.every(Number.isFinite)));
        }
      }
      await session.close();
    }
  }
});

t.test('attention hands NaN on', { skip }, async (t) => {
  const it = { ...cases[0]!, heads: 2, kvHeads: 1, headDim: 16 };
  const session = await openNativeSession(attentionGraph(it), { threads: 1 });
  const qkv = floats(3 * 64);
  qkv[2 * 64 + 5] = NaN; // in the first head's query of the last token
  const { y } = await session.run({
    qkv: f32([1, 3, 64], qkv),
    keys: f32([1, 1, 8, 16], floats(128)),
    values: f32([1, 1, 8, 16], floats(128)),
    slot: i32([1], [0]),
    past: i32([1], [4]),
    fresh: i32([1], [3]),
    visible_from: i32([1, 3], [0, 0, 0]),
    cos: f32([8, 8], floats(64)),
    sin: f32([8, 8], floats(64)),
  });
  const heads = Array.from({ length: 6 }, (_, i) => Array.from(y!.data.slice(i * 16, (i + 1) * 16), Number));
  t.ok(heads[4]!.every(Number.isNaN));
  t.ok(heads.every((head, i) => i === 4 || head.every(Number.isFinite)));
  await session.close();
});

interface Case {
  name: string;
  heads: number;
  kvHeads: number;
  headDim: number;
  window: number;
  norm: boolean;
  capacity: number;
  slots: number[];
  past: number[];
  fresh: number[];
  /** Sizes of branches of the one row. */
  branches?: number[];
}

function attentionGraph({ heads, kvHeads, headDim, window, norm }: Case): Uint8Array {
  const graph = new GraphBuilder('attention');
  const width = (heads + 2 * kvHeads) * headDim;
  const cache = ['slots', kvHeads, 'capacity', headDim];
  const inputs = [
    graph.input('qkv', 'float32', ['rows', 'tokens', width]),
    graph.input('keys', 'float32', cache),
    graph.input('values', 'float32', cache),
    ...['slot', 'past', 'fresh'].map((name) => graph.input(name, 'int32', ['rows'])),
    graph.input('visible_from', 'int32', ['rows', 'tokens']),
    graph.input('cos', 'float32', ['positions', headDim / 2]),
    graph.input('sin', 'float32', ['positions', headDim / 2]),
  ];
  if (norm) for (const name of ['q_norm', 'k_norm']) inputs.push(graph.input(name, 'float32', [headDim]));
  graph.node('CachedAttention', inputs, {
    domain: 'haetae',
    outputs: ['y'],
    attributes: {
      num_heads: heads,
      kv_num_heads: kvHeads,
      local_window_size: window,
      scale: { float: headDim ** -0.5 },
      epsilon: { float: 1e-6 },
    },
  });
  graph.output('y', 'float32', ['rows', 'tokens', heads * headDim]);
  return graph.build();
}

/** One head of one token, normed and rotated, in float64. */
function plainRotate(x: Float32Array, norm: Float32Array | undefined, cos: Float32Array, sin: Float32Array) {
  const half = x.length / 2;
  const mean = x.reduce((sum, value) => sum + value * value, 0) / x.length;
  const normed = [...x].map((value, i) => (norm ? (value / Math.sqrt(mean + 1e-6)) * norm[i]! : value));
  return normed.map((value, i) =>
    i < half
      ? value * cos[i]! - normed[i + half]! * sin[i]!
      : value * cos[i - half]! + normed[i - half]! * sin[i - half]!,
  );
}

const cases: Case[] = [
  { name: 'a prompt', heads: 4, kvHeads: 2, headDim: 64, past: [0], fresh: [37] },
  { name: 'a token behind a past', heads: 14, kvHeads: 2, headDim: 64, past: [41], fresh: [1] },
  { name: 'a chunk behind a past', heads: 6, kvHeads: 3, headDim: 48, past: [19], fresh: [23] },
  { name: 'a window', heads: 4, kvHeads: 4, headDim: 32, window: 9, past: [13], fresh: [21] },
  { name: 'norms of heads', heads: 4, kvHeads: 2, headDim: 128, norm: true, past: [5], fresh: [6] },
  { name: 'tokens of ragged slots', heads: 8, kvHeads: 1, headDim: 16, past: [0, 30, 7], fresh: [1, 1, 1] },
  { name: 'prompts of several lengths', heads: 2, kvHeads: 1, headDim: 80, past: [0, 3], fresh: [17, 4] },
  { name: 'branches', heads: 4, kvHeads: 2, headDim: 32, past: [11], fresh: [12], branches: [3, 1, 8] },
  { name: 'branches of nothing', heads: 4, kvHeads: 2, headDim: 32, past: [0], fresh: [9], branches: [2, 7] },
  {
    name: 'branches in a window',
    heads: 4,
    kvHeads: 2,
    headDim: 32,
    window: 6,
    past: [11],
    fresh: [15],
    branches: [7, 8],
  },
].map((it) => ({ window: 0, norm: false, capacity: 64, slots: it.past.map((_, i) => 3 - i), ...it }));

t.test('attention over the cache is what its definition says', { skip }, async (t) => {
  for (const it of cases) {
    const { heads, kvHeads, headDim, window, norm, capacity, slots, past, fresh, branches } = it;
    const rows = past.length;
    const tokens = Math.max(...fresh);
    const width = (heads + 2 * kvHeads) * headDim;
    const qkv = floats(rows * tokens * width);
    const cacheSize = 4 * kvHeads * capacity * headDim;
    const [keys, values] = [floats(cacheSize), floats(cacheSize)];
    const angles = floats((capacity * headDim) / 2, 3);
    const [cos, sin] = [angles.map(Math.cos), angles.map(Math.sin)];
    const norms = norm ? [floats(headDim), floats(headDim)] : [];
    const visibleFrom = new Array<number>(rows * tokens).fill(0);
    let begin = 0;
    for (const size of branches ?? []) {
      visibleFrom.fill(begin, begin, begin + size);
      begin += size;
    }

    const [plainKeys, plainValues] = [keys.slice(), values.slice()];
    const expected = new Float32Array(rows * tokens * heads * headDim);
    const half = headDim / 2;
    for (let row = 0; row < rows; row++) {
      const place = (head: number, at: number) => ((slots[row]! * kvHeads + head) * capacity + at) * headDim;
      const from = (token: number) => visibleFrom[row * tokens + token]!;
      const turned = (token: number, head: number, which: Float32Array | undefined) => {
        const at = (row * tokens + token) * width + head * headDim;
        const position = past[row]! + token - from(token);
        const table = [cos, sin].map((it) => it.subarray(position * half, (position + 1) * half));
        return plainRotate(qkv.subarray(at, at + headDim), which, table[0]!, table[1]!);
      };
      for (let token = 0; token < fresh[row]!; token++) {
        for (let head = 0; head < kvHeads; head++) {
          plainKeys.set(turned(token, heads + head, norms[1]), place(head, past[row]! + token));
          const at = (row * tokens + token) * width + (heads + kvHeads + head) * headDim;
          plainValues.set(qkv.subarray(at, at + headDim), place(head, past[row]! + token));
        }
      }
      for (let token = 0; token < fresh[row]!; token++) {
        const position = past[row]! + token - from(token);
        const seen = Array.from({ length: past[row]! + token + 1 }, (_, at) => at).filter((at) => {
          const theirs = at < past[row]! ? at : at - from(token);
          const isVisible = at < past[row]! || at - past[row]! >= from(token);
          return isVisible && (window <= 0 || theirs > position - window);
        });
        for (let head = 0; head < heads; head++) {
          const q = turned(token, head, norms[0]);
          const kvHead = Math.floor((head * kvHeads) / heads);
          const scores = seen.map((at) => {
            const k = plainKeys.subarray(place(kvHead, at), place(kvHead, at) + headDim);
            return q.reduce((sum, value, i) => sum + value * k[i]!, 0) / Math.sqrt(headDim);
          });
          const largest = Math.max(...scores);
          const weights = scores.map((score) => Math.exp(score - largest));
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          for (let i = 0; i < headDim; i++) {
            const sum = seen.reduce(
              (all, at, s) => all + weights[s]! * plainValues[place(kvHead, at) + i]!,
              0,
            );
            expected[((row * tokens + token) * heads + head) * headDim + i] = sum / total;
          }
        }
      }
    }

    for (const threads of [1, 2]) {
      const session = await openNativeSession(attentionGraph(it), { threads });
      const cacheShape = [4, kvHeads, capacity, headDim];
      const feeds: Record<string, TensorValue> = {
        qkv: f32([rows, tokens, width], qkv),
        keys: f32(cacheShape, keys.slice()),
        values: f32(cacheShape, values.slice()),
        slot: i32([rows], slots),
        past: i32([rows], past),
        fresh: i32([rows], fresh),
        visible_from: i32([rows, tokens], visibleFrom),
        cos: f32([capacity, half], cos),
        sin: f32([capacity, half], sin),
        ...(norm ? { q_norm: f32([headDim], norms[0]!), k_norm: f32([headDim], norms[1]!) } : {}),
      };
      const { y } = await session.run(feeds);
      t.ok(worst(y!.data as Float32Array, expected) < 1e-5, `${it.name}, ${threads} threads`);
      t.ok(worst(feeds.keys!.data as Float32Array, plainKeys) < 1e-5, `${it.name}: keys go to the cache`);
      t.strictSame(feeds.values!.data, plainValues, `${it.name}: values go to the cache, and nothing else`);
      await session.close();
    }
  }
});

t.test('attention refuses what does not fit', { skip }, async (t) => {
  const it = cases[0]!;
  const session = await openNativeSession(attentionGraph(it), { threads: 1, logSeverityLevel: 4 });
  const feeds = (change: Record<string, TensorValue>): Record<string, TensorValue> => ({
    qkv: f32([1, 2, 512], floats(1024)),
    keys: f32([1, 2, 8, 64], floats(1024)),
    values: f32([1, 2, 8, 64], floats(1024)),
    slot: i32([1], [0]),
    past: i32([1], [0]),
    fresh: i32([1], [2]),
    visible_from: i32([1, 2], [0, 0]),
    cos: f32([8, 32], floats(256)),
    sin: f32([8, 32], floats(256)),
    ...change,
  });
  await t.resolves(session.run(feeds({})));
  for (const [why, change] of Object.entries({
    'no room behind the past': { past: i32([1], [7]) },
    'a negative past': { past: i32([1], [-1]) },
    'a slot that is not there': { slot: i32([1], [1]) },
    'more new tokens than there are': { fresh: i32([1], [3]) },
    'no new token': { fresh: i32([1], [0]) },
    'a branch that begins behind its token': { visible_from: i32([1, 2], [1, 0]) },
    'a position behind the tables': { cos: f32([1, 32], floats(32)), sin: f32([1, 32], floats(32)) },
    'heads of another width': { qkv: f32([1, 2, 256], floats(512)) },
    'caches of different shapes': { values: f32([1, 2, 4, 64], floats(512)) },
  })) {
    await t.rejects(session.run(feeds(change)), /CachedAttention|invalid dimensions/iu, why);
  }
  await t.resolves(session.run(feeds({})), 'the session goes on after an error');
  await session.close();
});

function swigluGraph(): Uint8Array {
  const graph = new GraphBuilder('swiglu');
  graph.node('SwiGLU', [graph.input('x', 'float32', ['rows', 'width'])], {
    domain: 'haetae',
    outputs: ['y'],
  });
  graph.output('y', 'float32', ['rows', 'half']);
  return graph.build();
}

t.test('SwiGLU is silu of the first half times the second', { skip }, async (t) => {
  const session = await openNativeSession(swigluGraph(), { threads: 2, logSeverityLevel: 4 });
  for (const [rows, features] of [
    [1, 7],
    [3, 16],
    [20, 33],
  ] as const) {
    const x = floats(rows * 2 * features, 12);
    x[0] = 200;
    x[1] = -200;
    const { y } = await session.run({ x: f32([rows, 2 * features], x) });
    const expected = Float32Array.from({ length: rows * features }, (_, i) => {
      const at = Math.floor(i / features) * 2 * features + (i % features);
      return (x[at]! / (1 + Math.exp(-x[at]!))) * x[at + features]!;
    });
    const error = expected.map(
      (value, i) => Math.abs(value - (y!.data as Float32Array)[i]!) / (1 + Math.abs(value)),
    );
    t.ok(Math.max(...error) < 1e-6, `${rows} × ${features}`);
  }
  await t.rejects(session.run({ x: f32([1, 3], floats(3)) }), /even/u);
  await session.close();
});

t.test('AddRmsNorm adds, and divides by the root of the mean square', { skip }, async (t) => {
  for (const [rows, width] of [
    [1, 16],
    [3, 50],
    [40, 896],
  ] as const) {
    const graph = new GraphBuilder('norm');
    const shape = ['rows', width];
    const inputs = [graph.input('x', 'float32', shape), graph.input('addend', 'float32', shape)];
    inputs.push(graph.input('weight', 'float32', [width]));
    const attributes = { epsilon: { float: 1e-5 } };
    graph.node('AddRmsNorm', inputs, { domain: 'haetae', outputs: ['normed', 'sum'], attributes });
    for (const name of ['normed', 'sum']) graph.output(name, 'float32', shape);
    const session = await openNativeSession(graph.build(), { threads: 2, logSeverityLevel: 4 });
    const [x, addend, weight] = [floats(rows * width), floats(rows * width, 1e-3), floats(width)];
    const { normed, sum } = await session.run({
      x: f32([rows, width], x),
      addend: f32([rows, width], addend),
      weight: f32([width], weight),
    });
    const added = x.map((value, i) => value + addend[i]!);
    t.strictSame(sum!.data, added);
    const expected = added.map((value, i) => {
      const begin = Math.floor(i / width) * width;
      const mean = added.subarray(begin, begin + width).reduce((all, it) => all + it * it, 0) / width;
      return (value / Math.sqrt(mean + 1e-5)) * weight[i - begin]!;
    });
    t.ok(worst(normed!.data as Float32Array, expected) < 1e-5, `${rows} × ${width}`);
    const other = { x: f32([1, width], floats(width)), addend: f32([2, width], floats(2 * width)) };
    await t.rejects(session.run({ ...other, weight: f32([width], weight) }), /AddRmsNorm/u);
    await session.close();
  }
});

t.test('outputs go where the caller says, weights come from files', { skip }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'haetae-native-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const weights = floats(12);
  const padding = Buffer.alloc(8);
  await writeFile(join(folder, 'weights.bin'), Buffer.concat([padding, bytesOf(weights)]));
  const graph = new GraphBuilder('sum');
  const w = graph.externalInitializer('w', 'float32', [12], {
    location: 'weights.bin',
    offset: 8,
    length: 48,
  });
  graph.node('Add', [graph.input('x', 'float32', [12]), w], { outputs: ['y'] });
  graph.output('y', 'float32', [12]);
  const x = floats(12);
  const expected = x.map((value, i) => value + weights[i]!);
  const resident = {
    name: 'w',
    type: 'float32',
    shape: [12],
    path: join(folder, 'weights.bin'),
    offset: 8,
    length: 48,
  } as const;
  const open = (list: readonly (typeof resident)[]): Promise<Session> =>
    openNativeSession(graph.build(), { threads: 1, externalDataFolder: folder, weights: list });
  for (const list of [[], [resident]]) {
    const session = await open(list);
    t.equal(session.writesInPlace, true);
    t.match(session.inputs, [{ name: 'x', type: 'float32', shape: [12] }]);
    const feeds = { x: f32([12], x) };
    t.strictSame((await session.run(feeds)).y?.data, expected);
    const into = f32([12], new Float32Array(12));
    t.strictSame(await session.run(feeds, [], { y: into }), {});
    t.strictSame(into.data, expected);
    const same = f32([12], x.slice());
    await session.run({ x: same }, [], { y: same });
    t.strictSame(same.data, expected, 'a feed may be overwritten');
    await t.rejects(session.run({}), /tensor x is missing/u);
    await t.rejects(session.run({ x: f32([11], x) }), /takes 44 bytes, got 48/u);
    await t.rejects(session.run(feeds, ['z']), /z/u);
    await session.close();
    await session.close();
    await t.rejects(session.run(feeds), /closed/u);
  }
  await t.rejects(open([{ ...resident, offset: 40 } as never]), {
    code: 'MODEL_INVALID',
    message: /ends too early/u,
  });
  await t.rejects(open([{ ...resident, path: join(folder, 'none') } as never]), { code: 'MODEL_INVALID' });
  await t.rejects(openNativeSession(new Uint8Array(10), { threads: 1 }), { code: 'MODEL_INVALID' });
});

t.test('what is closed or changed behind its back is refused', { skip }, async (t) => {
  const graph = new GraphBuilder('sum');
  graph.node('Add', [graph.input('x', 'float32', [4]), graph.input('z', 'float32', [4])], { outputs: ['y'] });
  graph.output('y', 'float32', [4]);
  const session = await openNativeSession(graph.build(), { threads: 1, logSeverityLevel: 4 });
  const [x, z] = [f32([4], floats(4)), f32([4], floats(4))];
  const shared = f32([4], new Float32Array(new SharedArrayBuffer(16)).fill(2));
  t.strictSame(
    (await session.run({ x, z: shared })).y!.data,
    (x.data as Float32Array).map((it) => it + 2),
  );
  const gone = f32([4], floats(4));
  structuredClone(gone.data.buffer, { transfer: [gone.data.buffer as ArrayBuffer] });
  await t.rejects(session.run({ x, z: gone }), /takes 16 bytes, got 0/u);
  const closing = {
    x,
    get z(): TensorValue {
      void session.close();
      return z;
    },
  };
  await t.rejects(session.run(closing), /closed/u, 'a feed that closes the session');
});

t.test('weights of another type than the graph says are not read as its', { skip }, async (t) => {
  const folder = t.testdir({});
  await writeFile(join(folder, 'weights.bin'), new Uint8Array(16384));
  const graph = new GraphBuilder('linear');
  const scales = graph.externalInitializer('scales', 'float32', [16, 1], {
    location: 'weights.bin',
    offset: 0,
    length: 64,
  });
  const inputs = [graph.input('x', 'float32', ['rows', 32]), graph.input('q', 'uint8', [16, 1, 16]), scales];
  graph.node('MatMulNBits', inputs, {
    domain: 'haetae',
    outputs: ['y'],
    attributes: { K: 32, N: 16, bits: 4, block_size: 32, accuracy_level: 4 },
  });
  graph.output('y', 'float32', ['rows', 16]);
  const path = join(folder, 'weights.bin');
  const open = (weights: readonly ResidentWeight[]): Promise<Session> =>
    openNativeSession(graph.build(), {
      threads: 1,
      logSeverityLevel: 4,
      externalDataFolder: folder,
      weights,
    });
  const feeds = {
    x: f32([1, 32], floats(32)),
    q: { type: 'uint8', shape: [16, 1, 16], data: new Uint8Array(256) },
  } as const;
  const lying = await open([{ name: 'scales', type: 'uint8', shape: [16, 1], path, offset: 0, length: 16 }]);
  await t.rejects(lying.run(feeds), /MatMulNBits.*element type/u);
  await lying.close();

  // Each takes a cache line, whatever its size.
  const tiny = Array.from({ length: 40_000 }, (_, i): ResidentWeight => {
    const length = 1 + (i % 3);
    return { name: `tiny.${i}`, type: 'uint8', shape: [length], path, offset: Math.floor(i / 3), length };
  });
  const many = await open(tiny);
  await t.resolves(many.run(feeds));
  await many.close();
});
