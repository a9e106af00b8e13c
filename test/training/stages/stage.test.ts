import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { writeAtomically } from '../../../shared/write-atomically.js';
import {
  codeFingerprint,
  isUpToDate,
  readManifest,
  sha256,
  stableJson,
} from '../../../training/stages/stage.js';

t.test('a file is written whole, replaces the old one, and leaves nothing beside it', async (t) => {
  const dir = t.testdir({});
  await writeAtomically(join(dir, 'deep/a.txt'), 'one');
  await writeAtomically(join(dir, 'deep/a.txt'), 'two');
  t.equal(await readFile(join(dir, 'deep/a.txt'), 'utf8'), 'two');
  t.same(await readdir(join(dir, 'deep')), ['a.txt']);
});

t.test('a write that fails leaves the old file and no temporary one', async (t) => {
  const dir = t.testdir({ target: { inside: 'x' } });
  await t.rejects(writeAtomically(join(dir, 'target'), 'text'));
  t.same(await readdir(dir), ['target']);
});

t.test('a stage is up to date only with equal key and untouched outputs', async (t) => {
  const dir = t.testdir({ out: 'result' });
  const key = { stage: 's', code: 'c', options: { b: 1, a: [2] }, inputs: { x: 'h' } };
  const manifest = { ...key, createdAt: 'now', outputs: { out: sha256('result') } };
  await writeFile(join(dir, 'm.json'), JSON.stringify(manifest));
  const read = await readManifest(join(dir, 'm.json'));
  t.ok(await isUpToDate(read, { ...key, options: { a: [2], b: 1 } }, dir), 'order of keys does not matter');
  t.notOk(await isUpToDate(read, { ...key, code: 'd' }, dir));
  t.notOk(await isUpToDate(read, { ...key, inputs: { x: 'i' } }, dir));
  t.notOk(await isUpToDate(read, { ...key, options: { a: [2], b: 2 } }, dir));
  t.notOk(await isUpToDate(undefined, key, dir));
  await writeFile(join(dir, 'out'), 'changed');
  t.notOk(await isUpToDate(read, key, dir));
});

t.test('a missing or broken manifest is none', async (t) => {
  const dir = t.testdir({ 'a.json': '{"stage":', 'b.json': 'null', 'c.json': '{"stage":"s"}' });
  for (const name of ['a.json', 'b.json', 'c.json', 'd.json'])
    t.equal(await readManifest(join(dir, name)), undefined);
});

t.test('stable JSON sorts keys at every depth', async (t) => {
  t.equal(stableJson({ b: [{ d: 1, c: 2 }], a: null }), '{"a":null,"b":[{"c":2,"d":1}]}');
});

t.test(
  'the fingerprint changes with code, its data and library versions, not with other files',
  async (t) => {
    const dir = t.testdir({
      'package.json': '{"dependencies":{"x":"1"}}',
      stages: {},
      code: { 'a.ts': '1', 'w.json': '[]', part: { 'b.ts': '1' } },
    });
    await mkdir(join(dir, 'stages'), { recursive: true });
    const url = pathToFileURL(join(dir, 'stages/s.ts')).href;
    const seen = new Set<string>();
    const fingerprint = (): Promise<string> => codeFingerprint(url, ['../code'], ['x']);
    seen.add(await fingerprint());
    await writeFile(join(dir, 'code/notes.txt'), 'note');
    seen.add(await fingerprint());
    t.equal(seen.size, 1);
    await writeFile(join(dir, 'code/a.ts'), '2');
    seen.add(await fingerprint());
    await writeFile(join(dir, 'code/w.json'), '[1]');
    seen.add(await fingerprint());
    await writeFile(join(dir, 'code/part/b.ts'), '2');
    seen.add(await fingerprint());
    await writeFile(join(dir, 'package.json'), '{"dependencies":{"x":"2"}}');
    seen.add(await fingerprint());
    t.equal(seen.size, 5);
  },
);
