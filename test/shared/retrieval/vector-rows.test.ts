import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { readVectorRows, writeVectorRows } from '../../../shared/retrieval/vector-rows.js';

t.test('what is written is read, as little-endian numbers', async (t) => {
  const path = join(t.testdir(), 'rows.u32');
  const rows = Uint32Array.of(0, 1, 1, 258, 0xffff_ffff);
  await writeVectorRows(path, rows);
  t.strictSame(await readVectorRows(path), rows);
  t.strictSame([...(await readFile(path)).subarray(12, 16)], [2, 1, 0, 0]);
  await writeVectorRows(path, new Uint32Array(0));
  t.strictSame(await readVectorRows(path), new Uint32Array(0));
});

t.test('a part of an array that does not start at its buffer is written as it is', async (t) => {
  const path = join(t.testdir(), 'rows.u32');
  await writeVectorRows(path, Uint32Array.of(7, 8, 9).subarray(1));
  t.strictSame(await readVectorRows(path), Uint32Array.of(8, 9));
});

t.test('a missing or a cut file is an invalid index, named with what to do', async (t) => {
  const path = join(t.testdir(), 'rows.u32');
  await t.rejects(readVectorRows(path), {
    code: 'INDEX_INVALID',
    message: /rows\.u32 cannot be read.*--force/,
  });
  await writeFile(path, Buffer.alloc(7));
  await t.rejects(readVectorRows(path), { code: 'INDEX_INVALID', message: /has 7 bytes/ });
});
