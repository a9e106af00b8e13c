import t, { type Test } from 'tap';
import { buildApp } from '../../../api/app.js';
import { readConfig } from '../../../api/config.js';
import { HaetaeError } from '../../../shared/errors.js';
import { StubEngine } from '../../fixtures/stub-engine.js';

async function start(t: Test, env: Record<string, string> = {}) {
  const engine = new StubEngine();
  const app = await buildApp({ config: readConfig(env), engine });
  t.teardown(() => app.close());
  const rerank = (payload: object | string) =>
    app.inject({ method: 'POST', url: '/rerank', payload, headers: { 'content-type': 'application/json' } });
  return { engine, rerank };
}

t.test('documents come back best first, equal ones in their order', async (t) => {
  const { engine, rerank } = await start(t);
  engine.onRerank = async () => ({ scores: [0.2, 0.9, 0.2, 0.5], scoredBy: 'student', bundleId: 'fake-1' });
  const documents = ['a', 'b', 'c', 'd'];
  const all = await rerank({ query: 'q', documents });
  t.equal(all.statusCode, 200);
  t.strictSame(all.json(), {
    results: [
      { index: 1, score: 0.9 },
      { index: 3, score: 0.5 },
      { index: 0, score: 0.2 },
      { index: 2, score: 0.2 },
    ],
    scoredBy: 'student',
    bundleId: 'fake-1',
  });
  t.strictSame((await rerank({ query: 'q', documents, topN: 2, returnDocuments: true })).json().results, [
    { index: 1, score: 0.9, document: 'b' },
    { index: 3, score: 0.5, document: 'd' },
  ]);
  t.equal((await rerank({ query: 'q', documents, topN: 200 })).json().results.length, 4);
});

t.test('what does not fit is refused by name before the engine sees it', async (t) => {
  const { engine, rerank } = await start(t);
  const table: [string, object | string, number, string, RegExp][] = [
    ['no documents', { query: 'q' }, 400, 'REQUEST_INVALID', /\/documents is missing/],
    [
      'an empty list',
      { query: 'q', documents: [] },
      400,
      'REQUEST_INVALID',
      /\/documents must NOT have fewer/,
    ],
    [
      '201',
      { query: 'q', documents: Array(201).fill('x') },
      400,
      'REQUEST_INVALID',
      /documents has 201 items/,
    ],
    [
      'a million',
      `{"query":"q","documents":[1${',1'.repeat(1e6)}]}`,
      400,
      'REQUEST_INVALID',
      /1000001 items/,
    ],
    [
      'a number',
      { query: 'q', documents: ['a', 1] },
      400,
      'REQUEST_INVALID',
      /\/documents\/1 must be string/,
    ],
    ['an object', { query: 'q', documents: [{ text: 'a' }] }, 400, 'REQUEST_INVALID', /\/documents\/0/],
    ['a text', { query: 'q', documents: 'a' }, 400, 'REQUEST_INVALID', /\/documents must be array/],
    [
      'a long one',
      { query: 'q', documents: ['x'.repeat(20_001)] },
      400,
      'REQUEST_INVALID',
      /20001 characters/,
    ],
    [
      'a NUL',
      { query: 'q', documents: ['a', '\u0000'] },
      400,
      'REQUEST_INVALID',
      /\/documents\/1 holds a NUL/,
    ],
    ['topN 0', { query: 'q', documents: ['a'], topN: 0 }, 400, 'REQUEST_INVALID', /\/topN/],
    ['topN 201', { query: 'q', documents: ['a'], topN: 201 }, 400, 'REQUEST_INVALID', /\/topN/],
    ['snake case', { query: 'q', documents: ['a'], top_n: 1 }, 400, 'REQUEST_INVALID', /top_n is not known/],
    ['no query', { query: ' ', documents: ['a'] }, 400, 'QUESTION_EMPTY', /no text/],
    ['too large', { query: 'q', documents: ['x'.repeat(5e6)] }, 413, 'REQUEST_TOO_LARGE', /too large/],
    ['null', 'null', 400, 'REQUEST_INVALID', /body must be object/],
  ];
  for (const [name, payload, status, code, detail] of table) {
    const reply = await rerank(payload);
    t.equal(reply.statusCode, status, name);
    t.match(reply.json(), { code, detail }, name);
    t.ok(reply.body.length < 10_000, name);
  }
  t.strictSame(engine.calls, []);
});

t.test('an engine that fails, or takes too long, is an error', async (t) => {
  const { engine, rerank } = await start(t, { HAETAE_QUESTION_DEADLINE_MS: '20' });
  engine.onRerank = () => Promise.reject(new HaetaeError('ENGINE_CRASHED', 'a secret path'));
  const crashed = await rerank({ query: 'q', documents: ['a'] });
  t.equal(crashed.statusCode, 503);
  t.notMatch(crashed.body, /secret/);
  engine.onRerank = (_, signal) =>
    new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
  t.equal((await rerank({ query: 'q', documents: ['a'] })).statusCode, 504);
});
