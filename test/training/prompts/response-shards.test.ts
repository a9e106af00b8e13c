import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import {
  beginShard,
  findShards,
  mergeShards,
  readShard,
  shardFolder,
  shardOf,
  shardsFolder,
  writeShard,
} from '../../../training/prompts/response-shards.js';
import { smallResponse } from '../../fixtures/small-questions.js';

const responsesOf = (index: number) => ({
  teacher: [smallResponse(`q${index}/label`)],
  student: [smallResponse(`q${index}/label`, { generatedText: String(index) })],
});

t.test('every question is in one shard, and shards are of like size', async (t) => {
  const sizes = [0, 0, 0, 0];
  for (let i = 0; i < 1000; i++) sizes[shardOf(`question ${i}`, 4)]! += 1;
  t.ok(
    sizes.every((size) => size > 200 && size < 300),
    sizes.join(),
  );
  t.equal(shardOf('question 1', 1), 0);
});

t.test('shards are found where they lie, and merged to one', async (t) => {
  const stage = join(t.testdir({}), 'out', 'work', 'respond-2');
  for (const index of [2, 0, 1]) {
    await writeShard(
      shardFolder(stage, { index, count: 3 }),
      { index, count: 3, key: 'k' },
      responsesOf(index),
    );
  }
  await beginShard(join(shardsFolder(stage), 'unfinished'), { index: 0, count: 3, key: 'k' });
  const folders = await findShards(stage);
  t.equal(folders.length, 3);
  t.match(folders[0], /out.shards.respond-2.0-of-3$/);
  const to = join(shardsFolder(stage), 'merged');
  t.strictSame(await mergeShards(folders, to), { shards: 3, teacher: 3, student: 3 });
  const merged = await readShard(to);
  t.match(merged, { index: 0, count: 1, key: 'k' });
  t.strictSame(
    merged.student.map(({ generatedText }) => generatedText),
    ['0', '1', '2'],
  );
});

t.test('shards that do not belong together, or are not all, are refused by name', async (t) => {
  const folder = t.testdir({});
  const write = async (name: string, index: number, count = 2, key = 'k') => {
    await writeShard(join(folder, name), { index, count, key }, responsesOf(index));
    return join(folder, name);
  };
  const [a, b] = [await write('a', 0), await write('b', 1)];
  const to = join(folder, 'to');
  const refused = (folders: string[], message: RegExp) =>
    t.rejects(mergeShards(folders, to), { code: 'TRAINING_DATA_INVALID', message });
  await refused([a], /1\/2: they are missing/);
  await refused([a, b, await write('again', 1)], /again and .*b: both are shard 1\/2/);
  await refused([a, await write('other', 1, 2, 'l')], /other questions, models or options/);
  await refused([a, await write('third', 1, 3)], /another number of shards/);
  await rm(join(b, 'shard.json'));
  await refused([a, b], /b holds no whole shard/);
  await writeFile(join(b, 'shard.json'), '{"index": 2');
  await refused([a, b], /b holds no whole shard/);
  await t.rejects(mergeShards([], to), { code: 'USAGE' });
  t.strictSame(await findShards(join(folder, 'out', 'work', 'respond-1')), []);
});

t.test('a shard that is begun again goes on; from anything else it begins anew', async (t) => {
  const folder = join(t.testdir({}), 'shard');
  const shard = { index: 0, count: 2, key: 'k' };
  await beginShard(folder, shard);
  await writeFile(join(folder, 'journal'), 'half');
  await beginShard(folder, shard);
  await t.resolves(rm(join(folder, 'journal')));
  await writeFile(join(folder, 'journal'), 'half');
  await beginShard(folder, { ...shard, key: 'l' });
  await t.rejects(rm(join(folder, 'journal')), { code: 'ENOENT' });
});
