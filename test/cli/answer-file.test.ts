import { access, link, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import t from 'tap';
import { readConfig } from '../../api/config.js';
import { type AnswerFileOptions, answerFile } from '../../cli/answer-file.js';
import type { Runtime } from '../../shared/bundle/runtime.js';
import { fakeAnswer, fakeInfo, fakeRuntime } from '../fixtures/fake-results.js';

async function setUp(questions: string, more: Partial<AnswerFileOptions> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'haetae-batch-'));
  const input = join(folder, 'questions.csv');
  const output = join(folder, 'out.csv');
  await writeFile(input, questions);
  let screen = '';
  let closed = 0;
  let loaded = 0;
  const runtime: Runtime = {
    ...fakeRuntime(),
    info: { ...fakeInfo('fake-1'), warnings: ['an exact scan is used'] },
    answer: async (question) => {
      if (question === 'bad') throw new Error('no luck');
      return fakeAnswer(question);
    },
    close: async () => {
      closed += 1;
    },
  };
  const options: AnswerFileOptions = {
    input,
    output,
    mediaType: 'text/csv',
    replace: false,
    config: readConfig({}),
    loadRuntime: async () => {
      loaded += 1;
      return runtime;
    },
    signal: new AbortController().signal,
    screen: new Writable({
      write(chunk, _, done) {
        screen += chunk;
        done();
      },
    }),
    ...more,
  };
  return { options, runtime, output, screen: () => screen, closed: () => closed, loaded: () => loaded };
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

t.test('the answers are written whole, and what was done is said', async (t) => {
  const { options, output, screen, closed } = await setUp('ID,Question\nb,둘\na,bad\n');
  t.equal(await answerFile(options), true);
  t.match(await readFile(output, 'utf8'), /^ID,Answer\nb,echo: 둘\na,.+\n$/);
  t.notOk(await exists(`${output}.partial`));
  t.match(screen(), /warning: an exact scan is used/);
  t.match(screen(), /2 rows, 1 by the fallback, .* questions\/s/);
  t.equal(closed(), 1);
});

t.test('NDJSON keeps the detail', async (t) => {
  const { options, output } = await setUp('ID,Question\na,x\n', { mediaType: 'application/x-ndjson' });
  await answerFile(options);
  t.match(JSON.parse(await readFile(output, 'utf8')), { id: 'a', answer: 'echo: x', usedFallback: false });
});

t.test('an output that exists is replaced only by force', async (t) => {
  const { options, output, loaded } = await setUp('ID,Question\na,x\n');
  await writeFile(output, 'precious');
  await t.rejects(answerFile(options), { code: 'USAGE', message: /--force/ });
  t.equal(await readFile(output, 'utf8'), 'precious');
  t.equal(loaded(), 0);
  t.equal(await answerFile({ ...options, replace: true }), true);
  t.match(await readFile(output, 'utf8'), /echo: x/);
});

t.test('the questions are never overwritten by their answers, not even by force', async (t) => {
  const questions = 'ID,Question\na,x\n';
  const { options, output, loaded } = await setUp(questions);
  await link(options.input, output);
  for (const itself of [options.input, output]) {
    await t.rejects(answerFile({ ...options, output: itself, replace: true }), {
      code: 'USAGE',
      message: /is the question file itself/,
    });
  }
  await symlink(options.input, `${output}.new.partial`);
  await t.rejects(answerFile({ ...options, output: `${output}.new` }), { code: 'USAGE' });
  t.equal(await readFile(options.input, 'utf8'), questions);
  t.equal(loaded(), 0);
});

t.test('what cannot work is said before anything is loaded', async (t) => {
  const { options, output, loaded } = await setUp('ID,Question\na,x\na,y\n');
  await t.rejects(answerFile(options), { code: 'CSV_DUPLICATE_ID' });
  await t.rejects(answerFile({ ...options, input: `${options.input}.missing` }), { code: 'FILE_NOT_FOUND' });
  await writeFile(options.input, 'ID,Question\na,x\n');
  await t.rejects(answerFile({ ...options, output: join(output, 'no', 'such', 'folder.csv') }), {
    code: 'USAGE',
  });
  await t.rejects(answerFile({ ...options, output: join(output, '..') }), {
    code: 'USAGE',
    message: /folder/,
  });
  t.equal(loaded(), 0);
});

t.test('an interrupt leaves the rows that were done, under another name', async (t) => {
  const stop = new AbortController();
  const { options, runtime, output, screen, closed } = await setUp(
    `ID,Question\n${Array.from({ length: 50 }, (_, i) => `Q${i},${i}\n`).join('')}`,
    { signal: stop.signal },
  );
  runtime.answer = async (question) => {
    if (question === '20') stop.abort(new Error('interrupted'));
    return fakeAnswer(question);
  };
  t.equal(await answerFile(options), false);
  t.notOk(await exists(output));
  t.match(await readFile(`${output}.partial`, 'utf8'), /^ID,Answer\n/);
  t.match(screen(), /Interrupted: \d+ of 50 rows are in .*\.partial/);
  t.equal(closed(), 1);
});

t.test('a bundle that cannot be loaded leaves neither output nor partial file', async (t) => {
  const { options, output } = await setUp('ID,Question\na,x\n', {
    loadRuntime: () => Promise.reject(new Error('no bundle')),
  });
  await t.rejects(answerFile(options), { message: 'no bundle' });
  t.notOk(await exists(output));
  t.notOk(await exists(`${output}.partial`));
});
