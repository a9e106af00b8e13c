/** Operators of `native/lm` for training, against their definitions in float64 and slopes of these by differences. */
import t from 'tap';
import { openNativeSession } from '../../../shared/onnx/native-session.js';
import { type AttributeValue, GraphBuilder } from '../../../shared/onnx/onnx-model.js';
import type { TensorValue } from '../../../shared/onnx/session.js';
import { f32, floats, i32, random, skip, worst } from '../../fixtures/native-tensors.js';
import {
  type AttentionShape,
  causalAttention,
  divergence,
  divergenceKinds,
  dot,
  gatedSilu,
  logSoftmax,
  rmsNorm,
  worstSlope,
} from '../../fixtures/training-ops-reference.js';

type Attributes = Record<string, AttributeValue>;

/**
 * Runs one operator; `ranks` are those of its outputs. With `replace` it may write output 1 of that pair over input 0,
 * made ≥ 0 first; the output comes negated.
 */
async function run(
  operator: string,
  inputs: readonly TensorValue[],
  ranks: readonly number[],
  attributes: Attributes = {},
  threads = 1,
  replace?: readonly [from: number, to: number],
): Promise<Float32Array[]> {
  const graph = new GraphBuilder('operator');
  const names = inputs.map(({ type, shape }, i) => graph.input(`x${i}`, type, [...shape]));
  const outputs = ranks.map((_, i) => `y${i}`);
  const made = [...outputs];
  if (replace) {
    const [from, to] = replace;
    names[from] = graph.node('Abs', [names[from]!]);
    made[to] = 'made';
  }
  graph.node(operator, names, { domain: 'haetae', outputs: made, attributes });
  if (replace) {
    graph.describe('made', 'float32', inputs[replace[0]]!.shape);
    graph.node('Neg', ['made'], { outputs: [outputs[replace[1]]!] });
  }
  ranks.forEach((rank, i) => {
    graph.output(
      `y${i}`,
      'float32',
      Array.from({ length: rank }, (_, d) => `y${i}_${d}`),
    );
  });
  const session = await openNativeSession(graph.build(), { threads, logSeverityLevel: 4 });
  try {
    const feeds = Object.fromEntries(inputs.map((value, i) => [`x${i}`, value]));
    const result = await session.run(feeds);
    return outputs.map((name) => result[name]!.data as Float32Array);
  } finally {
    await session.close();
  }
}

const i64 = (values: readonly number[]): TensorValue => ({
  type: 'int64',
  shape: [values.length],
  data: BigInt64Array.from(values, BigInt),
});
const column = (values: readonly number[]) => f32([values.length, 1], Float32Array.from(values));
const sameBits = (a: readonly Float32Array[], b: readonly Float32Array[]) =>
  a.every((it, i) => Buffer.compare(Buffer.from(it.buffer), Buffer.from(b[i]!.buffer)) === 0);

/** What positions see that pack documents of these sizes into a row; a size in brackets is padding. */
const packed = (...sizes: (number | [number])[]): number[] => {
  const from: number[] = [];
  for (const size of sizes) {
    const begin = from.length;
    const count = typeof size === 'number' ? size : size[0];
    for (let i = 0; i < count; i++) from.push(typeof size === 'number' ? begin : begin + i);
  }
  return from;
};

interface AttentionCase extends Partial<AttentionShape> {
  name: string;
  length: number;
  visible?: readonly number[];
  /** Size of the numbers in qkv. */
  size?: number;
  /** Directions that slopes are taken along. */
  directions?: number;
}

const attentionCases: AttentionCase[] = [
  { name: 'rows of one token', rows: 3, length: 1 },
  { name: 'an odd length', rows: 2, length: 37, kvHeads: 2, headDim: 64 },
  { name: 'four query heads to a key head', length: 83, heads: 8, kvHeads: 2, headDim: 32, directions: 83 },
  { name: 'one key head', length: 70, heads: 3, kvHeads: 1, headDim: 48 },
  { name: 'a window', length: 150, heads: 2, window: 19, scale: 0.4 },
  { name: 'a window of one', length: 21, window: 1 },
  { name: 'packed documents', rows: 2, length: 100, visible: [...packed(5, 60, 1, 34), ...packed(99, 1)] },
  { name: 'padding behind documents', length: 90, kvHeads: 2, visible: packed(40, 13, [37]) },
  { name: 'packed documents in a window', length: 130, window: 40, visible: packed(7, 100, [3], 20) },
  { name: 'documents longer than blocks', length: 300, heads: 2, kvHeads: 1, visible: packed(100, 200) },
  {
    name: 'any first positions',
    length: 97,
    visible: Array.from({ length: 97 }, (_, i) => (i * 37) % (i + 1)),
  },
  { name: 'more keys than are in cache at once', length: 1100, heads: 1, kvHeads: 1, directions: 3 },
  { name: 'a window beyond these', length: 1060, heads: 1, kvHeads: 1, window: 530, directions: 3 },
  { name: 'heads of 80', length: 50, heads: 2, headDim: 80 },
  { name: 'heads of 128', length: 67, heads: 2, headDim: 128 },
  { name: 'large scores', length: 60, heads: 2, headDim: 32, size: 12 },
];

function attentionFeeds({ name: _, visible, size = 2, directions = 24, ...given }: AttentionCase) {
  const heads = given.heads ?? 4;
  const shape: AttentionShape = {
    rows: 1,
    heads,
    kvHeads: heads,
    headDim: 16,
    window: 0,
    scale: 0.25,
    ...given,
  };
  const { rows, length, kvHeads, headDim, window, scale } = shape;
  const tokens = rows * length;
  const width = (heads + 2 * kvHeads) * headDim;
  const angles = floats(((length + 3) * headDim) / 2, 3);
  // Scaled as those of YaRN are.
  const [cos, sin] = [angles.map((it) => 1.1 * Math.cos(it)), angles.map((it) => 1.1 * Math.sin(it))];
  const visibleFrom = visible ?? new Array<number>(tokens).fill(0);
  const qkv = floats(tokens * width, size);
  const tables = [cos, sin].map((it) => f32([length + 3, headDim / 2], it));
  return {
    shape,
    cos,
    sin,
    visibleFrom,
    qkv,
    directions,
    dOut: floats(tokens * heads * headDim),
    forward: [f32([tokens, width], qkv), ...tables, i32([rows, length], visibleFrom)],
    outShape: [tokens, heads * headDim],
    lseShape: [rows, heads, length],
    attributes: {
      num_heads: heads,
      kv_num_heads: kvHeads,
      scale: { float: scale },
      ...(window > 0 ? { local_window_size: window } : {}),
    } satisfies Attributes,
  };
}

/** Both directions: out, lse, dQkv. */
async function attend(feeds: ReturnType<typeof attentionFeeds>, threads = 1): Promise<Float32Array[]> {
  const { forward, attributes, outShape, lseShape, dOut } = feeds;
  const [out, lse] = await run('CausalAttention', forward, [2, 3], attributes, threads);
  const backward = [f32(outShape, dOut), forward[0]!, f32(outShape, out!), f32(lseShape, lse!)];
  backward.push(...forward.slice(1));
  const [dQkv] = await run('CausalAttentionGrad', backward, [2], attributes, threads);
  return [out!, lse!, dQkv!];
}

t.test('causal attention and its gradient are what their definition says', { skip }, async (t) => {
  for (const it of attentionCases) {
    const feeds = attentionFeeds(it);
    const { shape, qkv, cos, sin, visibleFrom, dOut, directions } = feeds;
    const [out, lse, dQkv] = await attend(feeds);
    const expected = causalAttention(shape, qkv, cos, sin, visibleFrom);
    const size = it.size ?? 1;
    t.ok(worst(out!, Float32Array.from(expected.out)) < 1e-5 * size ** 2, `${it.name}: out`);
    t.ok(worst(lse!, Float32Array.from(expected.lse)) < 1e-5 * size ** 2, `${it.name}: lse`);
    const loss = (x: Float64Array) => dot(causalAttention(shape, x, cos, sin, visibleFrom).out, dOut);
    const gap = worstSlope(loss, qkv, dQkv!, Math.ceil(qkv.length / directions));
    t.ok(gap < 1e-4 * size, `${it.name}: gradient`, { gap });
  }
});

t.test('attention is the same to the bit in each run, and on one thread and two', { skip }, async (t) => {
  const cases = [
    { name: '', rows: 3, length: 131, heads: 6, kvHeads: 3, headDim: 32 },
    { name: '', length: 1000, heads: 2, kvHeads: 1 }, // fewer pieces than threads: cut by queries
  ];
  for (const it of cases) {
    const feeds = attentionFeeds(it);
    const one = await attend(feeds, 1);
    for (let again = 0; again < 3; again++) t.ok(sameBits(await attend(feeds, 2), one));
  }
});

t.test('what a token does not see does not change what it gets', { skip }, async (t) => {
  const feeds = attentionFeeds({ name: '', length: 120, visible: packed(50, 40, [30]) });
  const [before] = await attend(feeds);
  const width = feeds.qkv.length / 120;
  feeds.qkv.fill(1e9, 0, 50 * width);
  feeds.qkv.fill(-1e9, 90 * width);
  const [after] = await attend(feeds);
  const middle = (x: Float32Array) => x.slice((50 * x.length) / 120, (90 * x.length) / 120);
  t.same(middle(after!), middle(before!));
  t.ok(middle(after!).some((it) => it !== 0));
});

t.test('NaN in a token is in all that see it', { skip }, async (t) => {
  const feeds = attentionFeeds({ name: '', length: 120, visible: packed(50, 70) });
  feeds.qkv.fill(NaN, (70 * feeds.qkv.length) / 120, (71 * feeds.qkv.length) / 120);
  const [out, lse, dQkv] = await attend(feeds);
  t.ok(out!.slice((70 * out!.length) / 120).every(Number.isNaN));
  t.ok(lse!.subarray(70, 120).every(Number.isNaN));
  t.ok(dQkv!.slice((70 * dQkv!.length) / 120, (71 * dQkv!.length) / 120).every(Number.isNaN));
  t.ok(out!.subarray(0, (50 * out!.length) / 120).every(Number.isFinite));
});

t.test('RmsNorm and its gradient are what their definition says', { skip }, async (t) => {
  for (const [rows, width] of [
    [1, 1],
    [3, 17],
    [130, 48],
    [257, 33],
  ] as const) {
    const [x, weight, dy] = [floats(rows * width, 3), floats(width), floats(rows * width)];
    const epsilon = 1e-5;
    const shape = [rows, width];
    const attributes = { epsilon: { float: epsilon } };
    const [y, inverse] = await run('RmsNorm', [f32(shape, x), f32([width], weight)], [2, 2], attributes);
    t.ok(worst(y!, Float32Array.from(rmsNorm(x, weight, epsilon))) < 1e-5, `y of ${shape}`);
    const back = [f32(shape, dy), f32(shape, x), f32([width], weight), f32([rows, 1], inverse!)];
    const [dx, dWeight] = await run('RmsNormGrad', back, [2, 1]);
    const byX = worstSlope((it) => dot(rmsNorm(it, weight, epsilon), dy), x, dx!, Math.ceil(x.length / 100));
    t.ok(byX < 2e-5, `dx of ${shape}`, { byX });
    const byWeight = worstSlope((it) => dot(rmsNorm(x, it, epsilon), dy), weight, dWeight!, 1);
    t.ok(byWeight < 2e-5, `dweight of ${shape}`, { byWeight });
    t.ok(sameBits(await run('RmsNormGrad', back, [2, 1], {}, 2), [dx!, dWeight!]), 'two threads');
  }
});

t.test('GatedSilu and its gradient are what their definition says', { skip }, async (t) => {
  for (const [rows, features] of [
    [1, 1],
    [5, 23],
    [31, 64],
  ] as const) {
    const gateUp = floats(rows * 2 * features, 8);
    const dy = floats(rows * features);
    const [y] = await run('GatedSilu', [f32([rows, 2 * features], gateUp)], [2]);
    t.ok(worst(y!, Float32Array.from(gatedSilu(gateUp, features))) < 2e-5);
    const back = [f32([rows, features], dy), f32([rows, 2 * features], gateUp)];
    const [dGateUp] = await run('GatedSiluGrad', back, [2]);
    const gap = worstSlope((it) => dot(gatedSilu(it, features), dy), gateUp, dGateUp!, features);
    t.ok(gap < 2e-5, `gradient of ${rows} × ${features}`, { gap });
    t.ok(sameBits(await run('GatedSiluGrad', back, [2], {}, 2), [dGateUp!]), 'two threads');
  }
  const gates = f32([1, 8], Float32Array.of(-500, -90, 90, 500, 1, 1, 1, 1));
  t.same([...(await run('GatedSilu', [gates], [2]))[0]!].map(Math.round), [0, 0, 90, 500]);
  const [slopes] = await run('GatedSiluGrad', [f32([1, 4], new Float32Array(4).fill(1)), gates], [2]);
  t.same([...slopes!].map(Math.round), [0, 0, 1, 1, 0, 0, 90, 500]);
});

t.test('SoftmaxCrossEntropy and its gradient are what their definition says', { skip }, async (t) => {
  for (const [rows, vocabulary, size] of [
    [1, 1, 1],
    [4, 7, 5],
    [9, 131, 40],
    [3, 1024, 3],
  ] as const) {
    const logits = floats(rows * vocabulary, size);
    const labels = Array.from({ length: rows }, () => Math.floor(random() * vocabulary));
    const weights = Array.from({ length: rows }, (_, i) => (i % 3 === 1 ? 0 : random()));
    const losses = (x: Float32Array | Float64Array) => {
      const logs = logSoftmax(x, vocabulary);
      return weights.map((weight, i) => -weight * logs[i * vocabulary + labels[i]!]!);
    };
    const feeds = [f32([rows, vocabulary], logits), i64(labels), column(weights)];
    const [loss, dLogits] = await run('SoftmaxCrossEntropy', feeds, [2, 2]);
    t.ok(worst(loss!, Float32Array.from(losses(logits))) < 1e-5 * size, `loss of ${vocabulary} words`);
    const gap = worstSlope(
      (x) => losses(x).reduce((a, b) => a + b),
      logits,
      dLogits!,
      Math.ceil(logits.length / 60),
    );
    t.ok(gap < 2e-5, `gradient of ${vocabulary} words`, { gap });
    t.ok(sameBits(await run('SoftmaxCrossEntropy', feeds, [2, 2], {}, 2), [loss!, dLogits!]), 'two threads');
  }
});

t.test('a row of weight 0 is not read', { skip }, async (t) => {
  const logits = f32([2, 3], Float32Array.of(NaN, NaN, NaN, 0, 0, 0));
  const [loss, d] = await run('SoftmaxCrossEntropy', [logits, i64([-100, 2]), column([0, 1])], [2, 2]);
  t.ok(worst(loss!, Float32Array.of(0, Math.log(3))) < 1e-6);
  t.ok(worst(d!, Float32Array.of(0, 0, 0, 1 / 3, 1 / 3, -2 / 3)) < 1e-6);
  const feeds = [logits, logits, column([0, 1]), column([NaN, 0.5])];
  const [zero, none] = await run('Divergence', feeds, [2, 2], { kind: 'generalised_jsd' });
  t.same([...zero!, ...none!.slice(0, 3)], [0, 0, 0, 0, 0]);
});

t.test('NaN and the infinite in logits come out as NaN', { skip }, async (t) => {
  for (const bad of [NaN, Infinity]) {
    const logits = floats(70);
    logits[66] = bad;
    const student = f32([1, 70], logits);
    const [loss] = await run('SoftmaxCrossEntropy', [student, i64([3]), column([1])], [2, 2]);
    t.ok(Number.isNaN(loss![0]));
    for (const kind of divergenceKinds) {
      const feeds = [student, f32([1, 70], floats(70)), column([1]), column([0.1])];
      const [loss] = await run('Divergence', feeds, [2, 2], { kind });
      t.ok(Number.isNaN(loss![0]), kind);
    }
  }
});

const divergences = [
  ...divergenceKinds.map((kind) => ({ kind, detached: 0 })),
  { kind: 'skew_reverse_kl' as const, detached: 1 },
];

t.test('divergences and their gradients are what their definitions say', { skip }, async (t) => {
  const alphas = [0.1, 0.01, 0.5, 0.9, 0, 1, 1e-9];
  const rows = alphas.length;
  for (const { kind, detached } of divergences) {
    for (const [vocabulary, size] of [
      [1, 1],
      [19, 2],
      [101, 12],
      [48, 90], // most words underflow
    ] as const) {
      const label = `${kind}${detached ? ', detached' : ''}, ${vocabulary} words within ${size}`;
      const [student, teacher] = [floats(rows * vocabulary, size), floats(rows * vocabulary, size)];
      const weights = alphas.map((_, i) => (i === 2 ? 0 : 0.3 + random()));
      const shape = [rows, vocabulary];
      const feeds = [f32(shape, student), f32(shape, teacher), column(weights), column(alphas)];
      const [loss, dLogits] = await run('Divergence', feeds, [2, 2], { kind, detached });
      const [logP, fixed] = [logSoftmax(teacher, vocabulary), logSoftmax(student, vocabulary)];
      const losses = (x: Float32Array | Float64Array) => {
        const logQ = logSoftmax(x, vocabulary);
        return weights.map((weight, i) => {
          const row = (it: Float64Array) => it.subarray(i * vocabulary, (i + 1) * vocabulary);
          const q = detached ? row(fixed) : row(logQ);
          return weight * divergence(kind, row(logP), row(logQ), Math.fround(alphas[i]!), q);
        });
      };
      t.ok(worst(loss!, Float32Array.from(losses(student))) < 1e-5 * size, `loss: ${label}`);
      const total = (x: Float64Array) => losses(x).reduce((a, b) => a + b);
      const gap = worstSlope(total, student, dLogits!, Math.ceil(student.length / 80));
      t.ok(gap < 2e-5 * size, `gradient: ${label}`, { gap });
      const again = await run('Divergence', feeds, [2, 2], { kind, detached }, 2);
      t.ok(sameBits(again, [loss!, dLogits!]), `two threads: ${label}`);
    }
  }
});

t.test('a divergence is exactly 0 where teacher and student are the same', { skip }, async (t) => {
  const alphas = [0.01, 0.1, 0.3, 0.7, 0.999, 0, 1, 1 / 3];
  const logits = f32([8, 77], floats(8 * 77, 20));
  for (const { kind, detached } of divergences) {
    const feeds = [logits, logits, column(alphas.map(() => 1)), column(alphas)];
    const [loss, dLogits] = await run('Divergence', feeds, [2, 2], { kind, detached });
    t.ok(
      loss!.every((it) => it === 0),
      kind,
    );
    t.ok(worst(dLogits!, new Float32Array(8 * 77)) < 1e-6, `${kind}: gradient`);
  }
});

t.test('words that the teacher rules out are taken as such', { skip }, async (t) => {
  const student = Float32Array.of(0, 1, -1, 300);
  const teacher = Float32Array.of(0.5, -Infinity, 0, -Infinity);
  const logP = Float64Array.of(0.5, -Infinity, 0, -Infinity).map((it) => it - Math.log(1 + Math.exp(0.5)));
  for (const kind of ['forward_kl', 'skew_forward_kl', 'skew_reverse_kl', 'generalised_jsd'] as const) {
    const feeds = [f32([1, 4], student), f32([1, 4], teacher), column([1]), column([0.1])];
    const [loss, dLogits] = await run('Divergence', feeds, [2, 2], { kind });
    const of = (x: Float32Array | Float64Array) => divergence(kind, logP, logSoftmax(x, 4), Math.fround(0.1));
    t.ok(Math.abs(loss![0]! - of(student)) < 1e-5 * (1 + of(student)), kind);
    t.ok(worstSlope(of, student, dLogits!, 1) < 2e-5, `${kind}: gradient`);
  }
  const feeds = [f32([1, 4], student), f32([1, 4], teacher), column([1]), column([0])];
  t.equal((await run('Divergence', feeds, [2, 2], { kind: 'reverse_kl' }))[0]![0], Infinity);
});

t.test('EmbeddingGrad adds rows in the order of tokens, whatever the threads', { skip }, async (t) => {
  for (const [tokens, vocabulary, width] of [
    [0, 5, 7],
    [1, 1, 1],
    [60, 9, 33],
    [301, 1000, 16],
  ] as const) {
    const ids = Array.from({ length: tokens }, (_, i) =>
      i % 4 === 0 ? 0 : Math.floor(random() * vocabulary),
    );
    const [d, base] = [floats(tokens * width), floats(vocabulary * width)];
    const expected = base.slice();
    ids.forEach((id, token) => {
      for (let i = 0; i < width; i++) expected[id * width + i]! += d[token * width + i]!;
    });
    const feeds = [i64(ids), f32([tokens, width], d), f32([vocabulary, width], base)];
    for (const threads of [1, 2]) {
      const [out] = await run('EmbeddingGrad', feeds, [2], {}, threads);
      t.same(out, expected, `${tokens} tokens on ${threads} threads`);
    }
  }
});

t.test('inputs that do not fit are refused with words', { skip }, async (t) => {
  const z = (...shape: number[]) => f32(shape, new Float32Array(shape.reduce((a, b) => a * b, 1)));
  const attention = (...changed: [number, TensorValue][]) =>
    changed.reduce(
      (all, [i, value]) => all.with(i, value),
      [z(6, 64), z(3, 8), z(3, 8), i32([2, 3], [0, 0, 2, 0, 1, 0])],
    );
  const heads = { num_heads: 2, kv_num_heads: 1, scale: { float: 1 } };
  const back = (...changed: [number, TensorValue][]) =>
    changed.reduce(
      (all, [i, value]) => all.with(i, value),
      [z(6, 32), z(6, 64), z(6, 32), z(2, 2, 3), ...attention().slice(1)],
    );
  const refusals: [string, TensorValue[], number[], Attributes, RegExp][] = [
    [
      'CausalAttention',
      attention(),
      [2, 3],
      { ...heads, kv_num_heads: 0 },
      /multiple of kv_num_heads, got 2 and 0/,
    ],
    ['CausalAttention', attention(), [2, 3], { ...heads, num_heads: 3, kv_num_heads: 2 }, /got 3 and 2/],
    [
      'CausalAttention',
      attention(),
      [2, 3],
      { ...heads, head_dim: 24 },
      /head_dim has to be a multiple of 16, got 24/,
    ],
    ['CausalAttention', attention(), [2, 3], { ...heads, head_dim: 32 }, /width of qkv has to be .* got 64/],
    ['CausalAttention', attention([0, z(6, 60)]), [2, 3], heads, /width of qkv has to be .* got 60/],
    ['CausalAttention', attention([0, z(5, 64)]), [2, 3], heads, /qkv has 5 tokens, visible_from \[2, 3\]/],
    ['CausalAttention', attention([0, z(6, 8, 8)]), [2, 3], heads, /qkv is \[tokens, width\].*\[6, 8, 8\]/],
    [
      'CausalAttention',
      attention([1, z(2, 8)], [2, z(2, 8)]),
      [2, 3],
      heads,
      /at least 3 positions, got \[2, 8\]/,
    ],
    ['CausalAttention', attention([2, z(3, 16)]), [2, 3], heads, /cos and sin are \[positions, 8\]/],
    [
      'CausalAttention',
      attention([3, i32([2, 3], [0, 0, 0, 0, 2, 0])]),
      [2, 3],
      heads,
      /token 1 of row 1 .* got 2/,
    ],
    [
      'CausalAttention',
      attention([3, i32([2, 3], [0, 0, -1, 0, 0, 0])]),
      [2, 3],
      heads,
      /token 2 of row 0 .* got -1/,
    ],
    ['CausalAttentionGrad', back([0, z(6, 16)]), [2], heads, /dOut has to be \[6, 32\], got \[6, 16\]/],
    ['CausalAttentionGrad', back([2, z(3, 32)]), [2], heads, /out has to be \[6, 32\], got \[3, 32\]/],
    ['CausalAttentionGrad', back([3, z(2, 3, 2)]), [2], heads, /lse has to be \[2, 2, 3\], got \[2, 3, 2\]/],
    ['RmsNorm', [z(2, 5), z(4)], [2, 2], { epsilon: { float: 0 } }, /weight has to be \[5\], got \[4\]/],
    ['RmsNorm', [z(5), z(5)], [2, 2], { epsilon: { float: 0 } }, /x has to have 2 dimensions, got \[5\]/],
    ['RmsNormGrad', [z(2, 4), z(2, 5), z(5), z(2, 1)], [2, 1], {}, /dy has to be \[2, 5\], got \[2, 4\]/],
    [
      'RmsNormGrad',
      [z(2, 5), z(2, 5), z(5), z(1, 2)],
      [2, 1],
      {},
      /inv_rms has to be \[2, 1\], got \[1, 2\]/,
    ],
    ['GatedSilu', [z(2, 5)], [2], {}, /\[tokens, 2 · features\], got \[2, 5\]/],
    ['GatedSiluGrad', [z(2, 3), z(2, 4)], [2], {}, /gateUp has to be \[2, 6\], got \[2, 4\]/],
    [
      'SoftmaxCrossEntropy',
      [z(2, 5), i64([0, 5]), column([1, 1])],
      [2, 2],
      {},
      /label 1 has to be 0 … 4, got 5/,
    ],
    [
      'SoftmaxCrossEntropy',
      [z(2, 5), i64([-1, 0]), column([1, 1])],
      [2, 2],
      {},
      /label 0 has to be 0 … 4, got -1/,
    ],
    [
      'SoftmaxCrossEntropy',
      [z(2, 5), i64([0]), column([1, 1])],
      [2, 2],
      {},
      /labels has to be \[2\], got \[1\]/,
    ],
    [
      'SoftmaxCrossEntropy',
      [z(2, 5), i64([0, 0]), z(2)],
      [2, 2],
      {},
      /weights has to be \[2, 1\], got \[2\]/,
    ],
    [
      'Divergence',
      [z(2, 5), z(2, 6), z(2, 1), z(2, 1)],
      [2, 2],
      { kind: 'forward_kl' },
      /teacher's .* got \[2, 6\]/,
    ],
    [
      'Divergence',
      [z(1, 5), z(1, 5), column([1]), column([1.5])],
      [2, 2],
      { kind: 'skew_reverse_kl' },
      /alpha 0 .* 1\.5/,
    ],
    [
      'Divergence',
      [z(1, 5), z(1, 5), z(1, 1), z(1, 1)],
      [2, 2],
      { kind: 'kl' },
      /kind is forward_kl, .* got "kl"/,
    ],
    [
      'Divergence',
      [z(1, 5), z(1, 5), z(1, 1), z(1, 1)],
      [2, 2],
      { kind: 'forward_kl', detached: 1 },
      /only .* detached/,
    ],
    ['EmbeddingGrad', [i64([0, 3]), z(2, 4), z(3, 4)], [2], {}, /id 1 has to be 0 … 2, got 3/],
    ['EmbeddingGrad', [i64([0, 2]), z(2, 5), z(3, 4)], [2], {}, /d has to be \[2, 4\], got \[2, 5\]/],
  ];
  for (const [operator, inputs, ranks, attributes, words] of refusals) {
    await t.rejects(run(operator, inputs, ranks, attributes), { message: words }, `${operator}: ${words}`);
  }
});

t.test('outputs in the place of inputs are the same', { skip }, async (t) => {
  const [rows, width] = [150, 96];
  const some = () => f32([rows, width], floats(rows * width).map(Math.abs));
  const each = () => f32([rows, 1], floats(rows).map(Math.abs));
  const ids = i64(Array.from({ length: rows }, () => Math.floor(random() * width)));
  const { forward, attributes, outShape, lseShape } = attentionFeeds({
    name: '',
    rows: 3,
    length: 50,
    kvHeads: 1,
  });
  const qkv = { ...forward[0]!, data: (forward[0]!.data as Float32Array).map(Math.abs) };
  const [out, lse] = await run('CausalAttention', [qkv, ...forward.slice(1)], [2, 3], attributes);
  const attention = [f32(outShape, floats(out!.length)), qkv, f32(outShape, out!), f32(lseShape, lse!)];
  const cases: [string, TensorValue[], number[], Attributes, [number, number]][] = [
    ['CausalAttentionGrad', [...attention, ...forward.slice(1)], [2], attributes, [1, 0]],
    ['RmsNormGrad', [some(), some(), f32([width], floats(width)), each()], [2, 1], {}, [0, 0]],
    ['GatedSiluGrad', [f32([rows, width / 2], floats((rows * width) / 2)), some()], [2], {}, [1, 0]],
    ['SoftmaxCrossEntropy', [some(), ids, each()], [2, 2], {}, [0, 1]],
    ...divergenceKinds.map(
      (kind) =>
        ['Divergence', [some(), some(), each(), each()], [2, 2], { kind }, [0, 1]] as (typeof cases)[number],
    ),
    ['EmbeddingGrad', [ids, some(), some()], [2], {}, [2, 0]],
  ];
  for (const [operator, inputs, ranks, attributes, replace] of cases) {
    const apart = await run(operator, inputs, ranks, attributes);
    const together = await run(operator, inputs, ranks, attributes, 2, replace);
    together[replace[1]] = together[replace[1]]!.map((it) => -it);
    t.ok(sameBits(together, apart), operator);
  }
});

t.test('nothing comes out of nothing', { skip }, async (t) => {
  const none = (...shape: number[]) => f32(shape, new Float32Array(0));
  const heads = { num_heads: 1, kv_num_heads: 1, scale: { float: 1 } };
  const tables = [f32([4, 8], floats(32)), f32([4, 8], floats(32)), i32([0, 4], [])];
  const shapes = { epsilon: { float: 0 } };
  t.same(await run('CausalAttention', [none(0, 48), ...tables], [2, 3], heads), [none().data, none().data]);
  t.same(await run('RmsNorm', [none(0, 3), f32([3], floats(3))], [2, 2], shapes), [none().data, none().data]);
  const back = [none(0, 3), none(0, 3), f32([3], floats(3)), none(0, 1)];
  t.same(await run('RmsNormGrad', back, [2, 1]), [none().data, new Float32Array(3)]);
  t.same(await run('GatedSilu', [none(0, 6)], [2]), [none().data]);
  t.same(await run('SoftmaxCrossEntropy', [none(0, 9), i64([]), none(0, 1)], [2, 2]), [
    none().data,
    none().data,
  ]);
});
