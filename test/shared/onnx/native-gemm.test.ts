import t, { type Test } from 'tap';
import {
  type GemmPrecision,
  nativeGemmPrecisions,
  openNativeSession,
} from '../../../shared/onnx/native-session.js';
import { GraphBuilder } from '../../../shared/onnx/onnx-model.js';
import type { Session, TensorValue } from '../../../shared/onnx/session.js';
import { f32, floats, random, skip } from '../../fixtures/native-tensors.js';

interface Options {
  transA?: boolean;
  transB?: boolean;
  alpha?: number;
  precision?: number;
  withC?: boolean;
}

interface Sizes {
  m: number;
  n: number;
  k: number;
}

const precisions = nativeGemmPrecisions();
const noTiles = precisions.includes(1) ? false : 'the processor has no amx_bf16';

function openGemm(options: Options, threads = 2): Promise<Session> {
  const { transA = false, transB = false, alpha = 1, precision = 0, withC = false } = options;
  const graph = new GraphBuilder('gemm');
  const inputs = [graph.input('a', 'float32', ['a0', 'a1']), graph.input('b', 'float32', ['b0', 'b1'])];
  if (withC) inputs.push(graph.input('c', 'float32', ['m', 'n']));
  graph.node('Gemm', inputs, {
    domain: 'haetae',
    outputs: ['y'],
    attributes: { transA: +transA, transB: +transB, alpha: { float: alpha }, precision },
  });
  graph.output('y', 'float32', ['m', 'n']);
  return openNativeSession(graph.build(), { threads, logSeverityLevel: 4 });
}

function feedsOf({ m, n, k }: Sizes, { transA, transB, withC }: Options): Record<string, TensorValue> {
  return {
    a: f32(transA ? [k, m] : [m, k], floats(m * k)),
    b: f32(transB ? [n, k] : [k, n], floats(k * n)),
    ...(withC ? { c: f32([m, n], floats(m * n)) } : {}),
  };
}

async function multiply(session: Session, feeds: Record<string, TensorValue>): Promise<Float32Array> {
  return (await session.run(feeds)).y!.data as Float32Array;
}

const bits = new Float32Array(1);
const word = new Uint32Array(bits.buffer);

/** To 8 significant bits, ties to even. */
function bfloat16(value: number): number {
  bits[0] = value;
  word[0] = (word[0]! + 0x7fff + ((word[0]! >>> 16) & 1)) & 0xffff0000;
  return bits[0];
}

/** What a precision multiplies: pairs of matrices whose products are added. */
function terms(a: Float32Array, b: Float32Array, precision: GemmPrecision): [Float32Array, Float32Array][] {
  if (precision === 0) return [[a, b]];
  const [highA, highB] = [a.map(bfloat16), b.map(bfloat16)];
  if (precision === 1) return [[highA, highB]];
  const lowA = a.map((value, i) => bfloat16(value - highA[i]!));
  const lowB = b.map((value, i) => bfloat16(value - highB[i]!));
  return [
    [highA, highB],
    [highA, lowB],
    [lowA, highB],
  ];
}

/**
 * Largest errors of y, each as a part of its bound.
 *
 * - `sum`: against the products that the precision is defined by, in float64. n additions in float32, in any order,
 *   are off by at most n·2⁻²⁴ of the sum of magnitudes (Higham, Accuracy and Stability, §3.1).
 * - `rounding`: against the true product. An element rounded to bfloat16 is off by 2⁻⁸ of it at most, one in two
 *   parts by 2⁻¹⁷, and the product of the low parts, which is left out, is at most 2⁻¹⁶ of the whole.
 */
function errorsOf(y: Float32Array, feeds: Record<string, TensorValue>, { m, n, k }: Sizes, options: Options) {
  const { transA = false, transB = false, alpha = 1 } = options;
  const precision = (options.precision ?? 0) as GemmPrecision;
  const factor = Math.fround(alpha);
  const trueB = feeds.b!.data as Float32Array;
  const trueA = feeds.a!.data as Float32Array;
  // Tiles hold rounded α·A.
  const products = terms(precision === 0 ? trueA : trueA.map((value) => value * factor), trueB, precision);
  const scale = precision === 0 ? factor : 1;
  const roundings = { 0: 0, 1: 2 * 2 ** -8 + 2 ** -16 + 2 ** -23, 3: 2 * 2 ** -17 + 2 ** -16 + 2 ** -23 }[
    precision
  ];
  const additions = products.length * k + 8;
  const worst = { sum: 0, rounding: 0 };
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      const c = (feeds.c?.data[i * n + j] as number | undefined) ?? 0;
      let exact = 0;
      let expected = 0;
      let magnitude = 0;
      const [fromA, stepA] = transA ? [i, m] : [i * k, 1];
      const [fromB, stepB] = transB ? [j * k, 1] : [j, n];
      for (let l = 0, atA = fromA, atB = fromB; l < k; l++, atA += stepA, atB += stepB) {
        exact += trueA[atA]! * trueB[atB]!;
        magnitude += Math.abs(trueA[atA]! * trueB[atB]!);
      }
      for (const [a, b] of products) {
        for (let l = 0, atA = fromA, atB = fromB; l < k; l++, atA += stepA, atB += stepB)
          expected += a[atA]! * b[atB]!;
      }
      magnitude *= Math.abs(factor);
      const sumBound = additions * 2 ** -24 * 1.02 * (magnitude + Math.abs(c)) + 2 ** -120;
      const actual = y[i * n + j]!;
      const off = Math.abs(actual - (scale * expected + c)) / sumBound;
      const offTruth = Math.abs(actual - (factor * exact + c)) / (sumBound + roundings * magnitude);
      worst.sum = Number.isNaN(off) ? Infinity : Math.max(worst.sum, off);
      worst.rounding = Number.isNaN(offTruth) ? Infinity : Math.max(worst.rounding, offTruth);
    }
  }
  return worst;
}

async function check(t: Test, sizes: Sizes[], options: Options): Promise<void> {
  const session = await openGemm(options);
  for (const size of sizes) {
    const feeds = feedsOf(size, options);
    const { sum, rounding } = errorsOf(await multiply(session, feeds), feeds, size, options);
    t.ok(sum <= 1 && rounding <= 1, `${JSON.stringify({ ...size, ...options })}: ${sum}, ${rounding}`);
  }
  await session.close();
}

const upTo = (most: number): number => 1 + Math.floor(random() * most);

for (const precision of [0, 1, 3] as const) {
  const without = precision === 0 ? skip : skip || noTiles;

  t.test(
    `precision ${precision} is the product it is defined as, for any shape`,
    { skip: without },
    async (t) => {
      for (const transA of [false, true]) {
        for (const transB of [false, true]) {
          for (const [alpha, withC] of [
            [1, false],
            [1, true],
            [-0.3, true],
          ] as const) {
            const sizes: Sizes[] = [
              { m: 1, n: 1, k: 1 },
              { m: 1, n: upTo(200), k: upTo(300) },
              { m: upTo(200), n: 1, k: upTo(300) },
              { m: 64, n: 96, k: 64 },
              { m: 33, n: 49, k: 513 },
            ];
            for (let i = 0; i < 4; i++) sizes.push({ m: upTo(100), n: upTo(100), k: upTo(120) });
            await check(t, sizes, { transA, transB, alpha, withC, precision });
          }
        }
      }
    },
  );

  t.test(
    `precision ${precision} multiplies what is packed in several turns`,
    { skip: without },
    async (t) => {
      await check(t, [{ m: 3, n: 2200, k: 70 }], { transB: true, precision, withC: true });
      await check(t, [{ m: 2, n: 1100, k: 1700 }], { transA: true, precision });
      await check(t, [{ m: 500, n: 20, k: 1100 }], { precision });
    },
  );

  t.test(
    `precision ${precision} gives the same bits for any number of threads`,
    { skip: without },
    async (t) => {
      const size = { m: 300, n: 200, k: 1100 };
      const options = { transA: true, precision, withC: true };
      const feeds = feedsOf(size, options);
      const sessions = await Promise.all([1, 2, 3].map((threads) => openGemm(options, threads)));
      const first = await multiply(sessions[0]!, feeds);
      for (const session of sessions) {
        for (let i = 0; i < 3; i++) t.strictSame(await multiply(session, feeds), first);
        await session.close();
      }
    },
  );

  t.test(`precision ${precision} shows NaN in its row and in no other`, { skip: without }, async (t) => {
    const size = { m: 40, n: 37, k: 50 };
    const feeds = feedsOf(size, {});
    (feeds.a!.data as Float32Array)[5 * size.k + 7] = NaN;
    const session = await openGemm({ precision });
    const y = await multiply(session, feeds);
    t.ok(y.every((value, i) => Number.isNaN(value) === (Math.floor(i / size.n) === 5)));
    await session.close();
  });
}

t.test('an addend that nothing else reads may be overwritten', { skip }, async (t) => {
  for (const precision of precisions) {
    const graph = new GraphBuilder('chain');
    const a = graph.input('a', 'float32', [70, 90]);
    const b = graph.input('b', 'float32', [90, 60]);
    const gemm = (inputs: string[], outputs: string[]) =>
      graph.node('Gemm', inputs, { domain: 'haetae', outputs, attributes: { precision } });
    gemm([a, b], ['once']);
    gemm([a, b, 'once'], ['twice']);
    gemm([a, b, 'twice'], ['y']);
    graph.output('y', 'float32', [70, 60]);
    const chain = await openNativeSession(graph.build(), { threads: 2 });
    const feeds = feedsOf({ m: 70, n: 60, k: 90 }, {});
    const [single, adding] = [await openGemm({ precision }), await openGemm({ precision, withC: true })];
    let expected = await multiply(single, feeds);
    for (let i = 0; i < 2; i++) expected = await multiply(adding, { ...feeds, c: f32([70, 60], expected) });
    t.strictSame(await multiply(chain, feeds), expected);
    for (const session of [chain, single, adding]) await session.close();
  }
});

t.test('sizes of zero give nothing, or the addend', { skip }, async (t) => {
  for (const precision of precisions) {
    const session = await openGemm({ precision, withC: true });
    const sized = async (size: Sizes) => {
      const feeds = feedsOf(size, { withC: true });
      return [await multiply(session, feeds), feeds.c!.data] as const;
    };
    const [addend, c] = await sized({ m: 3, n: 5, k: 0 });
    t.strictSame(addend, c);
    t.equal((await sized({ m: 0, n: 5, k: 4 }))[0].length, 0);
    t.equal((await sized({ m: 3, n: 0, k: 4 }))[0].length, 0);
    await session.close();
    const bare = await openGemm({ precision });
    t.strictSame(await multiply(bare, feedsOf({ m: 2, n: 3, k: 0 }, {})), new Float32Array(6));
    await bare.close();
  }
});

t.test('what does not fit is refused with its shapes', { skip }, async (t) => {
  const session = await openGemm({ withC: true });
  const [six, eight] = [floats(6), floats(8)];
  await t.rejects(
    session.run({ a: f32([2, 3], six), b: f32([4, 2], eight), c: f32([2, 2], floats(4)) }),
    /A \[2, 3\] does not fit B \[4, 2\]/u,
  );
  await t.rejects(
    session.run({ a: f32([2, 3], six), b: f32([3, 2], six), c: f32([1, 2], floats(2)) }),
    /C is \[2, 2\], got \[1, 2\]/u,
  );
  await session.close();
  await t.rejects(openGemm({ precision: 2 }), /precision is 0 .*, got 2/u);
  if (noTiles) await t.rejects(openGemm({ precision: 1 }), /amx_bf16/u);
});
