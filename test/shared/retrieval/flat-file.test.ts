import { readFileSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { readFlatFile, writeFlatFile } from '../../../shared/retrieval/flat-file.js';

const reference = fileURLToPath(new URL('../../reference/', import.meta.url));
const { vectors } = JSON.parse(readFileSync(join(reference, 'faiss.json'), 'utf8')) as { vectors: number[] };

t.test('reads what Python’s FAISS wrote, and writes the same bytes', async (t) => {
  for (const [name, metric] of [
    ['flat-ip', 'inner-product'],
    ['flat-l2', 'l2'],
  ] as const) {
    const path = join(reference, 'faiss', `${name}.faiss`);
    const matrix = await readFlatFile(path);
    t.strictSame(
      { ...matrix, vectors: Array.from(matrix.vectors) },
      { dimension: 16, size: 150, metric, vectors },
    );
    const copy = join(t.testdir(), 'copy.faiss');
    await writeFlatFile(copy, matrix);
    t.ok(readFileSync(copy).equals(readFileSync(path)), name);
    t.strictSame(await readdir(t.testdirName), ['copy.faiss'], 'nothing temporary is left');
  }
});

t.test('writes a view into a larger array', async (t) => {
  const path = join(t.testdir(), 'view.faiss');
  const view = Float32Array.of(9, 9, 1, 2, 3, 4).subarray(2);
  await writeFlatFile(path, { dimension: 2, size: 2, metric: 'inner-product', vectors: view });
  t.strictSame((await readFlatFile(path)).vectors, Float32Array.of(1, 2, 3, 4));
});

t.test('refuses a damaged file, another kind of index, and no file', async (t) => {
  const dir = t.testdir();
  const good = readFileSync(join(reference, 'faiss/flat-ip.faiss'));
  const changed = (change: (bytes: Buffer) => unknown) => {
    const bytes = Buffer.from(good);
    change(bytes);
    return bytes;
  };
  const cases: [string, Buffer, RegExp][] = [
    ['empty', Buffer.alloc(0), /starts with ""/],
    ['header cut', good.subarray(0, 44), /IxFI/],
    ['vectors cut', good.subarray(0, good.length - 1), /do not fit/],
    ['another kind', readFileSync(join(reference, 'faiss/ivf-ip.faiss')), /IwFl/],
    ['dimension 0', changed((bytes) => bytes.writeInt32LE(0, 4)), /no sense/],
    ['negative size', changed((bytes) => bytes.writeBigInt64LE(-1n, 8)), /no sense/],
    ['huge size', changed((bytes) => bytes.writeBigInt64LE(1n << 62n, 8)), /no sense/],
    ['wrong count', changed((bytes) => bytes.writeBigUInt64LE(17n, 37)), /do not fit/],
    ['huge count', changed((bytes) => bytes.writeBigUInt64LE((1n << 64n) - 1n, 37)), /do not fit/],
    ['wrong metric', changed((bytes) => bytes.writeInt32LE(1, 33)), /no sense/],
  ];
  for (const [name, bytes, message] of cases) {
    const path = join(dir, name);
    writeFileSync(path, bytes);
    await t.rejects(readFlatFile(path), { code: 'INDEX_INVALID', message }, name);
  }
  await t.rejects(readFlatFile(join(dir, 'absent')), { code: 'FILE_NOT_FOUND' });
  await t.rejects(readFlatFile(dir), { code: 'INDEX_INVALID' });
});

t.test('a failed write leaves the old file and nothing else', async (t) => {
  const dir = t.testdir({ 'index.faiss': { inside: 'a folder cannot be replaced by a file' } });
  const matrix = { dimension: 1, size: 1, metric: 'l2', vectors: Float32Array.of(1) } as const;
  await t.rejects(writeFlatFile(join(dir, 'index.faiss'), matrix));
  t.strictSame(await readdir(dir), ['index.faiss']);
});
