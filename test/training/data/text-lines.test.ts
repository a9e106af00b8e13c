import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { readTextLines } from '../../../training/data/text-lines.js';

async function linesOf(path: string): Promise<string[]> {
  const all: string[] = [];
  for await (const { firstLine, lines } of readTextLines(path, { name: 'file' })) {
    if (firstLine !== all.length + 1) throw new Error(`line ${firstLine} follows ${all.length}`);
    all.push(...lines);
  }
  return all;
}

async function written(t: Test, bytes: Uint8Array | string, name = 'lines.txt'): Promise<string> {
  const path = join(t.testdir(), name);
  await writeFile(path, bytes);
  return path;
}

t.test('lines end with LF or CRLF, the last one with the file', async (t) => {
  for (const [text, lines] of [
    ['', []],
    ['a', ['a']],
    ['a\n', ['a']],
    ['a\n\nb', ['a', '', 'b']],
    ['a\r\nb\r\n', ['a', 'b']],
    ['\ufeff가\n\ufeff', ['가', '\ufeff']],
  ] as const) {
    t.strictSame(await linesOf(await written(t, text)), lines, JSON.stringify(text));
  }
});

t.test('a file of many reads gives the lines of a split, plain and gzip, wherever a read ends', async (t) => {
  // Lines of 0 to 3 MiB: some span reads, and reads end inside of characters of three bytes.
  const lines = Array.from({ length: 400 }, (_, i) =>
    '가나다 line '.repeat((i * 7919) % (i % 50 === 7 ? 90_000 : 600)),
  );
  const text = lines.join('\n');
  t.strictSame(await linesOf(await written(t, text)), lines);
  t.strictSame(await linesOf(await written(t, gzipSync(text, { level: 1 }), 'lines.txt.gz')), lines);
});

t.test('bytes that are no UTF-8 are an error that names the line', async (t) => {
  const bytes = Buffer.concat([
    Buffer.from('가나\n다라\n'),
    Buffer.from([0xb0, 0xa1, 0x0a]),
    Buffer.from('마\n'),
  ]);
  await t.rejects(linesOf(await written(t, bytes)), {
    code: 'TRAINING_DATA_INVALID',
    message: /^file:3: the line is not UTF-8/,
  });
  await t.rejects(linesOf(await written(t, Buffer.from([0xff]))), {
    message: /^file:1: the line is not UTF-8/,
  });
  const cut = Buffer.from('가나').subarray(0, 5);
  await t.rejects(linesOf(await written(t, cut)), { message: /^file:1: the line is not UTF-8/ });
});

t.test('UTF-16 is told by its mark', async (t) => {
  const bytes = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('가나\n', 'utf16le')]);
  await t.rejects(linesOf(await written(t, bytes)), { message: /^file: the file is UTF-16/ });
});

t.test('a gzip file that is cut off, or is none, is an error', async (t) => {
  const whole = gzipSync('가나다라\n'.repeat(1000));
  for (const bytes of [whole.subarray(0, whole.length - 20), Buffer.from('plain text')]) {
    await t.rejects(linesOf(await written(t, bytes, 'x.gz')), {
      code: 'TRAINING_DATA_INVALID',
      message: /^file: the gzip data are damaged or cut off/,
    });
  }
});

t.test('a line without end is refused before it fills the memory', async (t) => {
  const path = await written(t, gzipSync(Buffer.alloc(70 * 2 ** 20, 0x61)), 'bomb.gz');
  await t.rejects(linesOf(path), { message: /^file:1: the line is longer than 64 MiB/ });
});

t.test('a file that is not there is an error', async (t) => {
  await t.rejects(linesOf(join(t.testdir(), 'none')), { message: /^file: the file cannot be read/ });
});

t.test('bytes are counted as they are on disk', async (t) => {
  const bytes = gzipSync('가나다라\n'.repeat(100_000));
  let read = 0;
  const path = await written(t, bytes, 'x.gz');
  for await (const _ of readTextLines(path, { onRead: (count) => (read += count) }))
    t.ok(read <= bytes.length);
  t.equal(read, bytes.length);
});
