import t from 'tap';
import { cacheKey, normalizeQuestion } from '../../../shared/cache/cache-key.js';
import { ResultCache } from '../../../shared/cache/result-cache.js';
import { settle } from '../../fixtures/fake-clock.js';

const limits = { maxEntries: 10, ttlMs: 60_000 };

t.test('a value is computed once and then found', async (t) => {
  const cache = new ResultCache<{ n: number }>(limits);
  let computed = 0;
  const compute = async () => ({ n: ++computed });
  t.strictSame(await cache.resolve('k', compute), { value: { n: 1 }, outcome: 'miss' });
  t.strictSame(await cache.resolve('k', compute), { value: { n: 1 }, outcome: 'hit' });
  t.strictSame(cache.counters(), { entries: 1, hits: 1, misses: 1, coalesced: 0 });
});

t.test('callers at the same time are coalesced, also where nothing is kept', async (t) => {
  for (const maxEntries of [0, 10]) {
    const cache = new ResultCache<{ n: number }>({ ...limits, maxEntries });
    let computed = 0;
    const compute = async () => {
      await settle();
      return { n: ++computed };
    };
    const all = await Promise.all([1, 2, 3].map(() => cache.resolve('k', compute)));
    t.strictSame(
      all.map(({ outcome }) => outcome),
      ['miss', 'coalesced', 'coalesced'],
    );
    t.equal(computed, 1);
    t.equal((await cache.resolve('k', compute)).outcome, maxEntries === 0 ? 'miss' : 'hit');
  }
});

t.test('failures and what is not worth keeping are not kept', async (t) => {
  const cache = new ResultCache<{ ok: boolean }>(limits);
  await t.rejects(cache.resolve('k', () => Promise.reject(new Error('x'))));
  const cacheable = ({ ok }: { ok: boolean }) => ok;
  t.equal((await cache.resolve('k', async () => ({ ok: false }), { cacheable })).outcome, 'miss');
  t.equal((await cache.resolve('k', async () => ({ ok: true }), { cacheable })).outcome, 'miss');
  t.equal((await cache.resolve('k', async () => ({ ok: false }), { cacheable })).outcome, 'hit');
});

t.test('callers with different flight keys compute apart but find the same entry', async (t) => {
  const cache = new ResultCache<{ by: string }>(limits);
  const run = (by: string) =>
    cache.resolve('k', () => settle().then(() => ({ by })), { flightKey: `${by} k` });
  const [a, b] = await Promise.all([run('a'), run('b')]);
  t.strictSame([a?.value.by, b?.value.by], ['a', 'b']);
  t.equal((await run('c')).outcome, 'hit');
});

t.test('the least recently used entry goes first', async (t) => {
  const cache = new ResultCache<{ k: string }>({ ...limits, maxEntries: 2 });
  const get = async (k: string) => (await cache.resolve(k, async () => ({ k }))).outcome;
  t.strictSame(
    [await get('a'), await get('b'), await get('a'), await get('c')],
    ['miss', 'miss', 'hit', 'miss'],
  );
  t.strictSame([await get('a'), await get('b')], ['hit', 'miss']);
});

t.test('clear drops all, or what matches, and what is in flight is not kept afterwards', async (t) => {
  const cache = new ResultCache<{ k: string }>(limits);
  const get = (k: string) => cache.resolve(k, () => settle().then(() => ({ k })));
  await Promise.all(['bundle-1 x', 'bundle-1 y', 'bundle-2 x'].map(get));
  t.equal(cache.clear(/^bundle-1 /u), 2);
  t.equal((await get('bundle-2 x')).outcome, 'hit');
  const late = get('late');
  t.equal(cache.clear(), 1);
  t.strictSame((await late).value, { k: 'late' });
  t.equal((await get('late')).outcome, 'miss');
});

t.test('a key folds what does not change a question, and nothing else', async (t) => {
  const same = [
    '가  나\n1 x\n2 y',
    ' 가 나 \r\n\r\n1 x\r\n2 y\n',
    '가\t나\n1\u00a0x\n2 y',
    '가 나\n1 x\n2 y'.normalize('NFD'),
  ];
  for (const text of same) t.equal(normalizeQuestion(text), '가 나\n1 x\n2 y', JSON.stringify(text));
  t.not(normalizeQuestion('가 나\n1 x\n2 y'), normalizeQuestion('가 나 1 x 2 y'));
  t.not(normalizeQuestion('1,000원'), normalizeQuestion('1000원'));
  t.equal(
    cacheKey('b', { topK: 5, weights: { bm25: 1, faiss: 0 } }, 'q'),
    cacheKey('b', { weights: { faiss: 0, bm25: 1 }, topK: 5, rrfK: undefined }, 'q'),
  );
  t.not(cacheKey('b', { topK: 5 }, 'q'), cacheKey('b', { topK: 6 }, 'q'));
  t.not(cacheKey('b', undefined, 'q'), cacheKey('c', undefined, 'q'));
});
