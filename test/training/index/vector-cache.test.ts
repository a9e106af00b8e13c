import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { Embedder } from '../../../shared/retrieval/embedder.js';
import { embedWithCache } from '../../../training/index/vector-cache.js';

/** A text's vector: its length, its first code. What was asked for is kept. */
class FakeEmbedder implements Embedder {
  readonly dimension = 2;
  readonly fingerprint: string;
  asked: string[] = [];

  constructor(fingerprint = 'one') {
    this.fingerprint = fingerprint;
  }

  async embed(texts: readonly string[]): Promise<Float32Array> {
    this.asked.push(...texts);
    return Float32Array.from(texts.flatMap((text) => [text.length, text.charCodeAt(0)]));
  }

  async countTokens(texts: readonly string[]): Promise<number> {
    return texts.length;
  }

  async close(): Promise<void> {}
}

const expected = (texts: readonly string[]): number[] =>
  texts.flatMap((text) => [text.length, text.charCodeAt(0)]);

t.test('only texts that are new are embedded, and the order is that of the texts', async (t) => {
  const folder = t.testdir({});
  const first = new FakeEmbedder();
  const one = await embedWithCache(folder, first, ['ab', 'c', 'def']);
  t.strictSame([...one.vectors], expected(['ab', 'c', 'def']));
  t.equal(one.embedded, 3);

  const second = new FakeEmbedder();
  const texts = ['def', 'new', 'ab', 'c'];
  const two = await embedWithCache(folder, second, texts);
  t.strictSame([...two.vectors], expected(texts));
  t.strictSame([second.asked, two.embedded], [['new'], 1]);

  const third = new FakeEmbedder();
  t.equal((await embedWithCache(folder, third, texts)).embedded, 0);
  t.strictSame(third.asked, []);
});

t.test('a text that occurs twice is embedded once', async (t) => {
  const embedder = new FakeEmbedder();
  const { vectors, embedded } = await embedWithCache(t.testdir({}), embedder, ['a', 'bb', 'a', 'a']);
  t.strictSame([...vectors], expected(['a', 'bb', 'a', 'a']));
  t.strictSame([embedder.asked, embedded], [['a', 'bb'], 2]);
});

t.test('texts that are gone leave the cache when new ones come', async (t) => {
  const folder = t.testdir({});
  await embedWithCache(folder, new FakeEmbedder(), ['a', 'b', 'c']);
  await embedWithCache(folder, new FakeEmbedder(), ['b', 'd']);
  t.equal((await readFile(join(folder, 'one.f32'))).length, 16);
  const embedder = new FakeEmbedder();
  await embedWithCache(folder, embedder, ['a', 'b', 'd']);
  t.strictSame(embedder.asked, ['a']);
});

t.test('vectors of different embedders do not mix', async (t) => {
  const folder = t.testdir({});
  await embedWithCache(folder, new FakeEmbedder('one'), ['a']);
  const other = new FakeEmbedder('two');
  await embedWithCache(folder, other, ['a']);
  t.strictSame(other.asked, ['a']);
  t.strictSame((await readdir(folder)).sort(), ['one.f32', 'one.json', 'two.f32', 'two.json']);
});

t.test('a damaged cache is an empty one', async (t) => {
  const folder = t.testdir({});
  const damages: [what: string, damage: () => Promise<void>][] = [
    ['cut vectors', () => truncate(join(folder, 'one.f32'), 5)],
    ['cut header', () => truncate(join(folder, 'one.json'), 9)],
    ['another dimension', () => writeFile(join(folder, 'one.json'), '{"dimension":3,"keys":["a","b"]}')],
    ['no object', () => writeFile(join(folder, 'one.json'), 'null')],
    ['no keys', () => writeFile(join(folder, 'one.json'), '{"dimension":2}')],
    ['other vectors than the header says', () => writeFile(join(folder, 'one.f32'), Buffer.alloc(16, 1))],
  ];
  for (const [what, damage] of damages) {
    await embedWithCache(folder, new FakeEmbedder(), ['a', 'bb']);
    await damage();
    const { vectors, embedded } = await embedWithCache(folder, new FakeEmbedder(), ['a', 'bb']);
    t.strictSame([[...vectors], embedded], [expected(['a', 'bb']), 2], what);
  }
});

t.test('progress counts what is embedded', async (t) => {
  const texts = Array.from({ length: 1100 }, (_, i) => `text ${i}`);
  const seen: [number, number][] = [];
  await embedWithCache(t.testdir({}), new FakeEmbedder(), texts, (done, total) => seen.push([done, total]));
  t.strictSame(seen, [
    [512, 1100],
    [1024, 1100],
    [1100, 1100],
  ]);
});

t.test('no texts need no files', async (t) => {
  const folder = t.testdir({});
  const { vectors, embedded } = await embedWithCache(folder, new FakeEmbedder(), []);
  t.strictSame([vectors.length, embedded], [0, 0]);
  t.strictSame(await readdir(folder), []);
});
