import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { openNativeSession, type ResidentWeight } from '../../../shared/onnx/native-session.js';
import { GraphBuilder } from '../../../shared/onnx/onnx-model.js';
import type { Session, TensorValue } from '../../../shared/onnx/session.js';
import { bytesOf } from '../../../shared/onnx/tensor-type.js';
import { f32, floats, kernels, random, skip, worst } from '../../fixtures/native-tensors.js';

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
