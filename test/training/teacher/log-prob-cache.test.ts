import { open, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { seededRandom } from '../../../shared/random.js';
import { LogProbCache, LogProbCacheWriter } from '../../../training/teacher/log-prob-cache.js';
import type { CacheHeader } from '../../../training/teacher/log-prob-record.js';
import { normaliseLogits, truncateLogProbs } from '../../../training/teacher/truncate-log-probs.js';

const vocabSize = 40;
const header: CacheHeader = { vocabSize, model: 'abc', folder: 'models/teacher', k: null, type: 'float32' };
const random = seededRandom(9);
const logitsOf = (positions: number, scale = 6) =>
  Float32Array.from({ length: positions * vocabSize }, () => scale * (random() + random() - 1));
const tokens = [5, 2, 9, 9, 1, 7];

/** The distributions of a record, whole. [positions, vocabSize] */
function dense(
  record: Pick<Awaited<ReturnType<LogProbCache['read']>>, 'ids' | 'logProbs' | 'tail'>,
  positions: number,
): Float32Array {
  if (!record.ids) return record.logProbs;
  const k = record.ids.length / positions;
  const whole = new Float32Array(positions * vocabSize);
  for (let row = 0; row < positions; row++) {
    if (record.tail) whole.fill(record.tail[row]!, row * vocabSize, (row + 1) * vocabSize);
    for (let i = row * k; i < (row + 1) * k; i++) {
      whole[row * vocabSize + record.ids[i]!] = record.logProbs[i]!;
    }
  }
  return whole;
}

const worst = (a: Float32Array, b: Float32Array) =>
  a.length === b.length ? Math.max(...a.map((value, i) => Math.abs(value - b[i]!))) : Infinity;

t.test('log-probabilities come back as they were, whole or truncated, in either type', async (t) => {
  const folder = t.testdir();
  const logits = logitsOf(4);
  const full = normaliseLogits(logits, vocabSize);
  for (const type of ['float32', 'float16'] as const) {
    for (const k of [null, vocabSize, 8]) {
      const path = join(folder, `${type}-${k}.cache`);
      const writer = await LogProbCacheWriter.open(path, { ...header, type, k });
      await writer.add('물음-1/chosen', tokens, 1, logits);
      await writer.close();
      const cache = await LogProbCache.open(path);
      t.same([cache.records, cache.positions, [...cache.keys()]], [1, 4, ['물음-1/chosen']]);
      const record = await cache.read('물음-1/chosen', tokens);
      t.match(record, { from: 1, positions: 4 });
      // Half floats of −8 … −16 are 0.0078 apart.
      const tolerance = type === 'float32' ? 1e-6 : 0.004;
      if (k !== 8) {
        t.ok(worst(dense(record, 4), full) <= tolerance, `${type}, k ${k}`);
      } else {
        const { ids, logProbs, tail } = truncateLogProbs(logits, vocabSize, 8);
        t.same(record.ids, ids);
        t.ok(worst(record.logProbs, logProbs) <= tolerance);
        t.same(record.tail, tail, 'the tail is never rounded');
      }
      await cache.close();
    }
  }
});

t.test('the tail bucket holds the rest of the mass, evenly; k = V has none', (t) => {
  const logits = logitsOf(3);
  const full = normaliseLogits(logits, vocabSize);
  const { ids, logProbs, tail } = truncateLogProbs(logits, vocabSize, 5);
  for (let row = 0; row < 3; row++) {
    const values = [...full.subarray(row * vocabSize, (row + 1) * vocabSize)];
    const order = [...values.keys()].sort((a, b) => values[b]! - values[a]!);
    const kept = [...ids.subarray(row * 5, row * 5 + 5)];
    t.same(
      kept,
      order.slice(0, 5).sort((a, b) => a - b),
    );
    const rest = order.slice(5).reduce((sum, id) => sum + Math.exp(values[id]!), 0);
    t.ok(Math.abs(tail[row]! - Math.log(rest / 35)) < 1e-5);
    const mass = kept.reduce(
      (sum, _, i) => sum + Math.exp(logProbs[row * 5 + i]!),
      35 * Math.exp(tail[row]!),
    );
    t.ok(Math.abs(mass - 1) < 1e-5);
  }
  t.same(truncateLogProbs(logits, vocabSize, vocabSize).logProbs, full);
  t.end();
});

t.test('ties keep the lower ids, and a teacher that is sure leaves a finite tail', (t) => {
  const flat = truncateLogProbs(new Float32Array(4), 4, 2);
  t.same([...flat.ids], [0, 1]);
  t.ok(Math.abs(flat.tail[0]! - Math.log(0.25)) < 1e-6);
  const sure = truncateLogProbs(Float32Array.of(0, 3000, 0, -5), 4, 1);
  t.same([...sure.ids], [1]);
  t.equal(sure.logProbs[0], 0);
  t.ok(Math.abs(sure.tail[0]! - Math.log((2 + Math.exp(-5)) / 3) + 3000) < 1e-3);
  t.throws(() => truncateLogProbs(Float32Array.of(0, Number.NaN), 2, 1), /no numbers/);
  t.throws(() => truncateLogProbs(new Float32Array(4), 4, 5), RangeError);
  t.throws(() => truncateLogProbs(new Float32Array(5), 4, 2), RangeError);
  t.end();
});

t.test('a cache that a kill cut off at any byte goes on after its last whole record', async (t) => {
  const path = join(t.testdir(), 'deep/teacher.cache');
  const short = { ...header, k: 3 };
  const writer = await LogProbCacheWriter.open(path, short);
  const first = logitsOf(2);
  await writer.add('a', tokens, 0, first);
  await writer.flush();
  const flushed = (await stat(path)).size;
  await writer.add('b', tokens, 2, logitsOf(3));
  const whole = (await stat(path)).size;
  const bytes = await readFile(path);
  await writer.close();

  for (let size = flushed; size <= whole; size += size < whole - 3 ? 17 : 1) {
    await writeFile(path, bytes.subarray(0, size));
    const resumed = await LogProbCacheWriter.open(path, short);
    t.same([resumed.has('a'), resumed.has('b')], [true, size === whole], `${size} of ${whole} bytes`);
    await resumed.add('c', [1, 2], 0, logitsOf(1));
    await resumed.close();
    const cache = await LogProbCache.open(path);
    t.same([...cache.keys()], size === whole ? ['a', 'b', 'c'] : ['a', 'c']);
    t.same((await cache.read('a', tokens)).ids, truncateLogProbs(first, vocabSize, 3).ids);
    await cache.close();
  }
  // Bytes that never were a record, as a file system may leave them.
  await writeFile(path, Buffer.concat([bytes, Buffer.alloc(200)]));
  const resumed = await LogProbCacheWriter.open(path, short);
  t.equal(resumed.records, 2);
  await resumed.close();
  t.equal((await stat(path)).size, whole);
  // A kill while the head was written.
  await writeFile(path, bytes.subarray(0, 20));
  await t.rejects(LogProbCacheWriter.open(path, { ...short, model: 'xyz' }), {
    code: 'TRAINING_CACHE_INVALID',
  });
  const anew = join(t.testdir(), 'anew.cache');
  await writeFile(anew, '');
  await (await LogProbCacheWriter.open(anew, short)).close();
});

t.test('what is lost or changed behind a flush is damage, and named', async (t) => {
  const folder = t.testdir();
  const path = join(folder, 'teacher.cache');
  const writer = await LogProbCacheWriter.open(path, header);
  await writer.add('a', tokens, 0, logitsOf(2));
  await writer.add('b', tokens, 0, logitsOf(2));
  await writer.close();
  const { size } = await stat(path);
  const invalid = (message: RegExp) => ({ code: 'TRAINING_CACHE_INVALID', message });

  await truncate(path, size - 1);
  await t.rejects(LogProbCache.open(path), invalid(/has \d+ bytes of at least/));
  await t.rejects(LogProbCacheWriter.open(path, header), invalid(/has \d+ bytes of at least/));
  const bytes = await readFile(path);
  await writeFile(path, Buffer.concat([bytes, Buffer.of(bytes[5]! ^ 1)]));
  const cache = await LogProbCache.open(path);
  t.same((await cache.read('a', tokens)).positions, 2);
  await t.rejects(cache.read('b', tokens), invalid(/record "b" is damaged/));
  await t.rejects(cache.read('c', tokens), invalid(/no record "c"/));
  await t.rejects(cache.read('a', [...tokens, 1]), invalid(/record "a" is of other tokens/));
  await cache.close();

  const file = await open(path, 'r+');
  await file.write('x', 60);
  await file.close();
  await t.rejects(LogProbCache.open(path), invalid(/header is damaged/));
  await writeFile(path, '{"not": "a cache"}                                              ');
  await t.rejects(LogProbCache.open(path), invalid(/does not begin as one/));
  await t.rejects(LogProbCache.open(join(folder, 'none')), invalid(/cannot be opened \(ENOENT\)/));
});

t.test('another teacher, vocabulary or form does not go into the same file', async (t) => {
  const path = join(t.testdir(), 'teacher.cache');
  await (await LogProbCacheWriter.open(path, header)).close();
  const cases: [Partial<CacheHeader>, RegExp][] = [
    [{ model: 'other' }, /its model is abc, this run's other/],
    [{ vocabSize: 41 }, /its vocabSize is 40, this run's 41/],
    [{ k: 4 }, /its k is all, this run's 4/],
    [{ type: 'float16' }, /its type is float32, this run's float16/],
  ];
  for (const [change, message] of cases) {
    await t.rejects(LogProbCacheWriter.open(path, { ...header, ...change }), { message });
  }
  const moved = await LogProbCacheWriter.open(path, { ...header, folder: 'elsewhere' });
  await t.rejects(moved.add('', tokens, 0, logitsOf(1)), RangeError);
  await t.rejects(moved.add('x'.repeat(2000), tokens, 0, logitsOf(1)), RangeError);
  await t.rejects(moved.add('a', tokens, 5, logitsOf(2)), RangeError);
  await t.rejects(moved.add('a', tokens, 0, new Float32Array(7)), RangeError);
  await moved.add('a', tokens, 5, logitsOf(1));
  await t.rejects(moved.add('a', tokens, 5, logitsOf(1)), /there already/);
  await moved.close();
});

t.test('a cache that cannot be written is an error of the run file', async (t) => {
  await t.rejects(LogProbCacheWriter.open(t.testdir(), header), {
    code: 'CONFIG_INVALID',
    message: /cannot be written \(EISDIR/,
  });
});
