import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { buildApp } from '../../../api/app.js';
import { readConfig } from '../../../api/config.js';
import type { Bundles } from '../../../api/engine/bundles.js';
import { activateBundle } from '../../../shared/bundle/bundle-store.js';
import { HaetaeError } from '../../../shared/errors.js';
import { writeFakeBundle } from '../../fixtures/fake-models.js';
import { StubEngine } from '../../fixtures/stub-engine.js';

const adminKey = 'a-key-for-the-tests';
const refusal = {
  bundleId: 'b',
  code: 'BUNDLE_CHECKSUM',
  reason: 'It is damaged.',
  at: '2025-01-01T00:00:00Z',
};

/** Bundles a (served), b (wanted and refused), c; what is asked of them is noted. */
async function start(t: Test, more: Partial<Bundles> = {}) {
  const modelsDir = join(t.testdir({}), 'models');
  for (const id of ['a', 'b', 'c']) await writeFakeBundle(modelsDir, id);
  await activateBundle(modelsDir, 'a');
  await activateBundle(modelsDir, 'b');
  const asked: string[] = [];
  const bundles: Bundles = {
    status: async () => ({ servedId: 'a', wantedId: 'b', loadingId: null, isPinned: false, swaps: 3 }),
    refusalOf: (id) => (id === 'b' ? { ...refusal, code: 'BUNDLE_CHECKSUM' } : undefined),
    refusalCounts: () => new Map([['BUNDLE_CHECKSUM', 2]]),
    onSwap: (listener) => listener(1_500),
    activate: async (bundleId) => {
      asked.push(bundleId);
      return { bundleId, previousId: 'a', swapMs: 12 };
    },
    rollback: async () => ({ bundleId: 'c', previousId: 'a', swapMs: 12, passedOver: [] }),
    ...more,
  };
  const config = readConfig({ HAETAE_MODELS_DIR: modelsDir, HAETAE_ADMIN_KEY: adminKey });
  const app = await buildApp({ config, engine: new StubEngine(), bundles });
  t.teardown(() => app.close());
  const post = (url: string, payload?: object, key = adminKey) =>
    app.inject({
      method: 'POST',
      url,
      headers: { authorization: `Bearer ${key}` },
      ...(payload === undefined ? {} : { payload }),
    });
  return { app, modelsDir, asked, post };
}

t.test('the bundles are listed with what serves, what is wanted, and why it was refused', async (t) => {
  const { app, modelsDir } = await start(t);
  await truncate(join(modelsDir, 'c', 'chunks.jsonl'), 0);
  const reply = await app.inject('/models');
  t.equal(reply.statusCode, 200);
  const { bundles, ...rest } = reply.json();
  t.strictSame(rest, { served: 'a', wanted: 'b', loading: null, pinned: false, rollbackTo: 'a' });
  const [a, b, c] = ['a', 'b', 'c'].map((id) => bundles.find((bundle: { id: string }) => bundle.id === id));
  t.strictSame(a, {
    id: 'a',
    served: true,
    wanted: false,
    loading: false,
    refusal: null,
    fault: null,
    createdAt: '2025-01-01T00:00:00.000Z',
    parent: null,
    bytes: 1,
    chunks: 1,
    mode: 'evidence',
    student: null,
    metrics: {},
    licences: [],
  });
  t.match(b, { served: false, wanted: true, refusal });
  t.match(c, { fault: /chunks\.jsonl has 0 bytes, expected 1/, createdAt: null, licences: null });
  t.notMatch(reply.body, modelsDir, 'not where on this machine');
});

t.test('a bundle is activated by who has the key', async (t) => {
  const { asked, post } = await start(t);
  const reply = await post('/models/activate', { id: 'b' });
  t.equal(reply.statusCode, 200);
  t.strictSame(reply.json(), { bundleId: 'b', previousId: 'a', swapMs: 12 });
  for (const url of ['/models/activate', '/models/rollback'])
    t.equal((await post(url, { id: 'b' }, 'another-key-altogether')).statusCode, 401);
  t.strictSame(asked, ['b']);
  for (const payload of [{}, { id: '../a' }, { id: '' }, { id: 'a', wait: 'no' }, { id: 'a', now: true }])
    t.equal((await post('/models/activate', payload)).statusCode, 400, JSON.stringify(payload));
});

t.test('who does not wait is answered at once, and a refusal is no failure of the server', async (t) => {
  let refuse = (): void => undefined;
  const { post } = await start(t, {
    activate: () =>
      new Promise((_, reject) => {
        refuse = () => reject(new HaetaeError('BUNDLE_REFUSED', 'It is damaged.'));
      }),
  });
  const reply = await post('/models/activate', { id: 'b', wait: false });
  t.equal(reply.statusCode, 202);
  t.strictSame(reply.json(), { bundleId: 'b' });
  refuse();
  await new Promise((resolve) => setImmediate(resolve));
});

t.test('what is refused, and what is not there, is said as a problem', async (t) => {
  const { post } = await start(t, {
    activate: async () => {
      throw new HaetaeError('BUNDLE_REFUSED', "'b' was refused: it is damaged.", {
        cause: 'BUNDLE_CHECKSUM',
      });
    },
    rollback: async () => {
      throw new HaetaeError('BUNDLE_REFUSED', 'There is no earlier bundle to go back to.');
    },
  });
  const refused = await post('/models/activate', { id: 'b' });
  t.equal(refused.statusCode, 409);
  t.match(refused.json(), { code: 'BUNDLE_REFUSED', detail: /damaged/, data: { cause: 'BUNDLE_CHECKSUM' } });
  t.equal((await post('/models/rollback')).statusCode, 409);
});

t.test('a rollback says what it went back to', async (t) => {
  const { post } = await start(t);
  t.strictSame((await post('/models/rollback')).json(), {
    bundleId: 'c',
    previousId: 'a',
    swapMs: 12,
    passedOver: [],
  });
});

t.test('the figures are in the text format, and those of one server are not those of another', async (t) => {
  const { app } = await start(t);
  await start(t);
  const reply = await app.inject('/metrics');
  t.equal(reply.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  for (const line of [
    'haetae_bundle_info{bundle_id="a",role="served"} 1',
    'haetae_bundle_info{bundle_id="b",role="wanted"} 1',
    'haetae_bundle_wanted_is_served 0',
    'haetae_bundle_swaps_total 3',
    'haetae_bundle_refusals_total{code="BUNDLE_CHECKSUM"} 2',
    'haetae_bundle_swap_seconds_bucket{le="1"} 0',
    'haetae_bundle_swap_seconds_bucket{le="2"} 1',
    'haetae_bundle_swap_seconds_sum 1.5',
    'haetae_engine_up 1',
    'haetae_engine_rss_bytes 1',
    'haetae_engine_restarts_total 0',
  ])
    t.ok(reply.body.split('\n').includes(line), line);
  t.equal((await app.inject('/metrics')).body, reply.body, 'counters are counted once');
  for (const [, name] of reply.body.matchAll(/^# TYPE (\S+) counter$/gmu)) t.match(name, /_total$/);
});

t.test('a server without a way to change says so', async (t) => {
  const config = readConfig({ HAETAE_ADMIN_KEY: adminKey, HAETAE_MODELS_DIR: t.testdir({}) });
  const app = await buildApp({ config, engine: new StubEngine() });
  t.teardown(() => app.close());
  t.match((await app.inject('/models')).json(), { served: 'fake-1', pinned: true, bundles: [] });
  const headers = { authorization: `Bearer ${adminKey}` };
  const reply = await app.inject({ method: 'POST', url: '/models/rollback', headers });
  t.equal(reply.statusCode, 409);
});
