/** `CachedAttention` of `native/lm` against its definition in float64. */
import t from 'tap';
import { openNativeSession } from '../../../shared/onnx/native-session.js';
import { GraphBuilder } from '../../../shared/onnx/onnx-model.js';
import type { TensorValue } from '../../../shared/onnx/session.js';
import { f32, floats, i32, skip, worst } from '../../fixtures/native-tensors.js';

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
