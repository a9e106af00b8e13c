import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { type ErrorCode, errorTable, HaetaeError, messageOf } from '../../shared/errors.js';

t.test('an error carries what its code stands for', async (t) => {
  const cause = new Error('disk');
  const error = new HaetaeError('QUESTION_TOO_LONG', 'too long', { max: 5 }, { cause });
  t.ok(error instanceof Error);
  t.match(error, {
    name: 'HaetaeError',
    code: 'QUESTION_TOO_LONG',
    message: 'too long',
    status: 413,
    title: 'The question is too long',
    data: { max: 5 },
    cause,
  });
  t.strictSame(new HaetaeError('INTERNAL', 'x').data, {});
});

t.test('every code has an HTTP status of an error and a title of its own', async (t) => {
  for (const [code, { status, title }] of Object.entries(errorTable)) {
    t.match(code, /^[A-Z]+(?:_[A-Z]+)*$/);
    t.ok(status >= 400 && status <= 599, `${code}: ${status}`);
    t.match(title, /^[A-Z].*[^.]$/, `${code}: a sentence without a full stop`);
  }
  const titles = Object.values(errorTable).map(({ title }) => title);
  t.equal(new Set(titles).size, titles.length);
});

t.test('every code is used by the program', async (t) => {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  let sources = '';
  for (const room of ['api', 'cli', 'shared', 'training']) {
    for (const name of await readdir(join(root, room), { recursive: true })) {
      if (name.endsWith('.ts') && join(room, name) !== join('shared', 'errors.ts')) {
        sources += await readFile(join(root, room, name), 'utf8');
      }
    }
  }
  for (const code of Object.keys(errorTable) as ErrorCode[]) t.ok(sources.includes(`'${code}'`), code);
});

t.test('anything that was thrown has a message', async (t) => {
  t.equal(messageOf(new Error('lost')), 'lost');
  t.equal(messageOf('lost'), 'lost');
  t.equal(messageOf(undefined), 'undefined');
  t.equal(messageOf(null), 'null');
});
