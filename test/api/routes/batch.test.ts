import { EventEmitter, once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import iconv from 'iconv-lite';
import supertest from 'supertest';
import t, { type Test } from 'tap';
import { buildApp } from '../../../api/app.js';
import { readConfig } from '../../../api/config.js';
import type { Engine } from '../../../api/engine/engine.js';
import { Supervisor } from '../../../api/engine/supervisor.js';
import { systemClock } from '../../../shared/clock.js';
import { HaetaeError } from '../../../shared/errors.js';
import { fakeAnswer } from '../../fixtures/fake-results.js';
import { StubEngine } from '../../fixtures/stub-engine.js';

async function start(t: Test, engine: Engine, env: Record<string, string> = {}) {
  const app = await buildApp({ config: readConfig(env), engine });
  t.teardown(() => app.close());
  const post = (payload: string | Buffer, headers: Record<string, string> = {}) =>
    app.inject({
      method: 'POST',
      url: '/batch',
      payload,
      headers: { 'content-type': 'text/csv', ...headers },
    });
  return { app, post };
}

const rowsOf = (text: string) =>
  parse(text, { columns: true, bom: true }).map((row) => ({ ...(row as { ID: string; Answer: string }) }));

t.test('a file comes back as one answer per row, in order', async (t) => {
  const { post } = await start(t, new StubEngine());
  const reply = await post('ID,Question\nB,둘?\nA,하나?\n');
  t.equal(reply.statusCode, 200);
  t.equal(reply.headers['content-type'], 'text/csv; charset=utf-8');
  t.match(reply.headers['content-disposition'], /submission\.csv/);
  t.equal(reply.body, 'ID,Answer\nB,echo: 둘?\nA,echo: 하나?\n');
});

t.test('every encoding is understood, and a spreadsheet gets its byte-order mark back', async (t) => {
  const { post } = await start(t, new StubEngine());
  const text = 'ID,Question\r\n가1,"옳은 것은?\r\n① 하나, 둘\r\n② ""셋"""\r\n';
  const expected = [{ ID: '가1', Answer: 'echo: 옳은 것은?\n① 하나, 둘\n② "셋"' }];
  for (const [input, marked] of [
    [Buffer.from(text), false],
    [Buffer.from(`\uFEFF${text}`), true],
    [iconv.encode(text, 'cp949'), true],
  ] as const) {
    const reply = await post(input);
    t.equal(reply.rawPayload[0] === 0xef, marked);
    t.strictSame(rowsOf(reply.body), expected);
  }
});

t.test('answers with commas, quotes and line breaks survive', async (t) => {
  const engine = new StubEngine();
  const answers = ['a,b', '"', 'one\ntwo', 'CR\r\nLF', ' edge ', '정답은 "①", 또는\n②'];
  engine.onAnswer = async (question) => ({
    ...fakeAnswer(question),
    answer: answers[Number(question)] ?? '',
  });
  const { post } = await start(t, engine);
  const reply = await post(`ID,Question\n${answers.map((_, i) => `Q${i},${i}\n`).join('')}`);
  t.strictSame(
    rowsOf(reply.body).map(({ Answer }) => Answer),
    answers,
  );
});

t.test('NDJSON has the detail of every row', async (t) => {
  const engine = new StubEngine();
  const { onAnswer } = engine;
  engine.onAnswer = (question, ...rest) =>
    question === 'bad'
      ? Promise.reject(new HaetaeError('ENGINE_CRASHED', 'gone'))
      : onAnswer(question, ...rest);
  const { post } = await start(t, engine);
  const reply = await post('ID,Question\na,good\nb,bad\n', {
    accept: 'text/csv;q=0.5, application/x-ndjson',
  });
  t.equal(reply.headers['content-type'], 'application/x-ndjson');
  const rows = reply.body
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.match(rows, [
    { id: 'a', answer: 'echo: good', usedFallback: false, questionType: 'open', citations: [] },
    { id: 'b', usedFallback: true, errorMessage: /ENGINE_CRASHED/ },
  ]);
});

t.test('a form may carry the file, in any field, beside other fields', async (t) => {
  const { app } = await start(t, new StubEngine());
  await app.ready();
  const agent = supertest(app.server);
  const file = Buffer.from('ID,Question\na,x\n');
  const reply = await agent
    .post('/batch')
    .field('note', 'hello')
    .attach('anything', file, 'questions.csv')
    .buffer(true);
  t.equal(reply.status, 200);
  t.equal(reply.text, 'ID,Answer\na,echo: x\n');
  const none = await agent.post('/batch').field('note', 'hello');
  t.match(none.body, { status: 400, code: 'REQUEST_INVALID', detail: /no file/ });
  const two = await agent.post('/batch').attach('a', file, 'a.csv').attach('b', file, 'b.csv');
  t.match(two.body, { status: 400, code: 'REQUEST_INVALID', detail: /2 files/ });
});

t.test('a bad file is refused before any question is asked', async (t) => {
  const engine = new StubEngine();
  const { post } = await start(t, engine, { HAETAE_MAX_ROWS: '2' });
  const table: [string | Buffer, number, string][] = [
    ['', 400, 'CSV_EMPTY'],
    ['ID,Question\n', 400, 'CSV_EMPTY'],
    ['ID,Text\na,b\n', 400, 'CSV_MISSING_COLUMN'],
    ['ID,Question\na,b\na,c\n', 400, 'CSV_DUPLICATE_ID'],
    ['ID,Question\na,\n', 400, 'CSV_EMPTY_CELL'],
    ['ID,Question\na,"b\n', 400, 'CSV_MALFORMED'],
    [Buffer.from([0x49, 0x44, 0x2c, 0xff, 0xff]), 400, 'CSV_ENCODING'],
    ['ID,Question\na,b\nc,d\ne,f\n', 413, 'CSV_TOO_MANY_ROWS'],
  ];
  for (const [payload, status, code] of table) {
    const reply = await post(payload);
    t.match(reply.json(), { status, code });
    t.equal(reply.statusCode, status, code);
  }
  t.strictSame(engine.calls, []);
});

t.test('requests that are no upload are told what one is', async (t) => {
  const { post } = await start(t, new StubEngine(), { HAETAE_BODY_LIMIT: '2000' });
  t.match((await post('{}', { 'content-type': 'application/json' })).json(), { status: 415 });
  t.match((await post('x', { 'content-type': 'multipart/form-data' })).json(), { status: 400 });
  t.match((await post('x', { 'content-type': 'multipart/form-data; boundary=b' })).json(), { status: 400 });
  t.match((await post('ID,Question\na,b\n', { accept: 'application/json' })).json(), { status: 406 });
  t.match((await post(`ID,Question\na,${'b'.repeat(2_000)}\n`)).json(), {
    status: 413,
    code: 'REQUEST_TOO_LARGE',
  });
  const form = `--b\r\ncontent-disposition: form-data; name="f"; filename="f.csv"\r\n\r\n${'b'.repeat(3_000)}\r\n--b--\r\n`;
  t.match((await post(form, { 'content-type': 'multipart/form-data; boundary=b' })).json(), {
    status: 413,
    code: 'REQUEST_TOO_LARGE',
  });
});

t.test('a batch that has no time left writes every row all the same', async (t) => {
  const engine = new StubEngine();
  engine.onAnswer = () => new Promise(() => undefined);
  const { post } = await start(t, engine, { HAETAE_BATCH_DEADLINE_MS: '50' });
  const reply = await post(
    `ID,Question\n${Array.from({ length: 30 }, (_, i) => `Q${i},why ${i}\n`).join('')}`,
  );
  t.strictSame(
    rowsOf(reply.body).map(({ ID }) => ID),
    Array.from({ length: 30 }, (_, i) => `Q${i}`),
  );
});

t.test('rows are sent as they are done, and a reader who leaves stops the work', async (t) => {
  const engine = new StubEngine();
  let cancelled = 0;
  engine.onAnswer = (question, _, signal) =>
    question === '0'
      ? Promise.resolve(fakeAnswer(question))
      : new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => {
            cancelled += 1;
            reject(signal.reason);
          });
        });
  const { app } = await start(t, engine, { HAETAE_MAX_BATCHES: '1', HAETAE_BATCH_CONCURRENCY: '2' });
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const body = `ID,Question\n${Array.from({ length: 100 }, (_, i) => `Q${i},${i}\n`).join('')}`;
  await new Promise<void>((resolve, reject) => {
    let text = '';
    const request = httpRequest({
      port,
      path: '/batch',
      method: 'POST',
      headers: { 'content-type': 'text/csv' },
    });
    request.on('response', (response) => {
      response.on('data', (data) => {
        text += data.toString();
        if (!text.includes('Q0,echo: 0\n')) return;
        response.destroy();
        resolve();
      });
      response.on('error', () => undefined);
    });
    request.on('error', reject);
    request.end(body);
  });
  while (cancelled < 2) await sleep(5);
  t.equal(engine.calls.length, 3);
  while (
    (
      await app.inject({
        method: 'POST',
        url: '/batch',
        payload: 'ID,Question\na,0\n',
        headers: { 'content-type': 'text/csv' },
      })
    ).statusCode !== 200
  ) {
    await sleep(5);
  }
  t.pass('its place is free again');
});

t.test('more batches at once than allowed are refused', async (t) => {
  const engine = new StubEngine();
  const opening = new EventEmitter();
  const gate = once(opening, 'open');
  engine.onAnswer = async (question) => {
    await gate;
    return fakeAnswer(question);
  };
  const { post } = await start(t, engine, { HAETAE_MAX_BATCHES: '1' });
  const first = post('ID,Question\na,x\n');
  while (engine.calls.length === 0) await sleep(5);
  const second = await post('ID,Question\na,x\n');
  t.match(second.json(), { status: 503, code: 'ENGINE_BUSY' });
  opening.emit('open');
  t.equal((await first).statusCode, 200);
  t.equal((await post('ID,Question\na,x\n')).statusCode, 200);
});

t.test('kill -9 of the engine in the middle of a real file loses no row', async (t) => {
  const supervisor = new Supervisor({
    entry: fileURLToPath(new URL('../../fixtures/fake-engine.ts', import.meta.url)),
    load: { modelsDir: 'models', threads: 1 },
    clock: systemClock,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    limits: { backoffMs: 10, startWaitMs: 60_000 },
  });
  t.teardown(() => supervisor.stop());
  supervisor.start();
  const { app } = await start(t, supervisor);
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const file = await readFile(new URL('../../../data/questions/test.csv', import.meta.url));
  const response = await fetch(`http://127.0.0.1:${port}/batch`, {
    method: 'POST',
    headers: { 'content-type': 'text/csv', accept: 'application/x-ndjson' },
    body: file,
  });
  let text = '';
  const killed = new Set<number>();
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    text += piece;
    const lines = text.split('\n').length;
    const { pid } = supervisor.health();
    if (pid !== null && killed.size < 2 && lines > 100 * killed.size && !killed.has(pid)) {
      killed.add(pid);
      process.kill(pid, 'SIGKILL');
    }
  }
  const ids = rowsOf(file.toString()).map(({ ID }) => ID);
  const rows = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.equal(ids.length, 515);
  t.strictSame(
    rows.map(({ id }) => id),
    ids,
  );
  t.equal(rows.filter(({ usedFallback }) => usedFallback).length, 0);
  t.equal(killed.size, 2);
  t.equal(supervisor.health().crashes, 2);
});
