import t from 'tap';
import { PrefixCache, PrefixWalk } from '../../../shared/lm/prefix-cache.js';
import { seededRandom } from '../../../shared/random.js';
import { randomTokens } from '../../fixtures/lm-requests.js';
import { PlainDecoder } from '../../fixtures/plain-decoder.js';

const decoder = new PlainDecoder();
const bytesPerPosition = decoder.createCache(1, 1).bytes;
const blocks = (count: number) => count * 16 * bytesPerPosition;
const random = seededRandom(11);
const ask = async (cache: PrefixCache, prompt: readonly number[]) => {
  const slots = decoder.createCache(2, 512);
  const walk = new PrefixWalk();
  const cached = cache.fill(walk, slots, 1, prompt);
  const step = { cache: slots, rows: [{ slot: 1, tokens: prompt.slice(cached) }] };
  const { logits } = await decoder.step(step);
  cache.keep(walk, slots, 1, prompt);
  return { cached, logits: [...logits] };
};

t.test('a prompt finds the blocks it shares with an earlier one, never its last token', async (t) => {
  const cache = new PrefixCache(decoder, bytesPerPosition, blocks(100));
  const system = randomTokens(random, 40);
  const first = [...system, ...randomTokens(random, 30)];
  t.equal((await ask(cache, first)).cached, 0);
  t.equal((await ask(cache, first)).cached, 64, '4 blocks of 70 tokens');
  t.equal((await ask(cache, first.slice(0, 64))).cached, 48, 'the block with the last token is computed');
  t.equal((await ask(cache, [...system, ...randomTokens(random, 30)])).cached, 32);
  t.equal((await ask(cache, system.slice(0, 15))).cached, 0);
  t.equal((await ask(cache, [1, ...first])).cached, 0, 'equal tokens at other positions are others');
});

t.test('logits are the same with and without', async (t) => {
  const cache = new PrefixCache(decoder, bytesPerPosition, blocks(100));
  const system = randomTokens(random, 50);
  for (let round = 0; round < 5; round++) {
    const prompt = [...system.slice(0, 20 + 5 * round), ...randomTokens(random, 20)];
    const { logits } = await ask(cache, prompt);
    const naive = Float32Array.from(decoder.lastLogits(prompt));
    t.strictSame(logits, [...naive]);
  }
});

t.test('the least recently used goes first; a prefix that is used stays', async (t) => {
  const cache = new PrefixCache(decoder, bytesPerPosition, blocks(8));
  const shared = randomTokens(random, 32);
  await ask(cache, [...shared, 1]);
  for (let i = 0; i < 20; i++) {
    const { cached } = await ask(cache, [...shared, ...randomTokens(random, 40)]);
    if (cached !== 32) t.fail(`round ${i}: ${cached} tokens found`);
    if (cache.bytes > blocks(8)) t.fail(`${cache.bytes} bytes are above the bound`);
  }
  for (let i = 0; i < 5; i++) await ask(cache, randomTokens(random, 40));
  t.equal((await ask(cache, [...shared, 1])).cached, 0, 'unused, it went');
});

t.test('a prompt longer than the cache keeps its beginning', async (t) => {
  const cache = new PrefixCache(decoder, bytesPerPosition, blocks(3));
  const prompt = randomTokens(random, 100);
  await ask(cache, prompt);
  t.equal((await ask(cache, prompt)).cached, 48);
  t.equal(cache.bytes, blocks(3));
});

t.test('without room for a block nothing is kept; cleared, nothing is found', async (t) => {
  const none = new PrefixCache(decoder, bytesPerPosition, blocks(1) - 1);
  const prompt = randomTokens(random, 40);
  await ask(none, prompt);
  t.equal((await ask(none, prompt)).cached, 0);
  t.equal(none.bytes, 0);
  const cache = new PrefixCache(decoder, bytesPerPosition, blocks(40));
  await ask(cache, prompt);
  cache.clear();
  t.equal(cache.bytes, 0);
  t.equal((await ask(cache, prompt)).cached, 0);
  t.equal((await ask(cache, prompt)).cached, 32);
});

t.test('any order of prompts finds right blocks only, within the bound', async (t) => {
  const cache = new PrefixCache(decoder, bytesPerPosition, blocks(6));
  const prompts = Array.from({ length: 4 }, (_, i) => randomTokens(seededRandom(i % 2), 34 + 16 * i, 3));
  let found = 0;
  for (let round = 0; round < 60; round++) {
    const prompt = prompts[Math.floor(random() * prompts.length)]!.slice(0, 17 + Math.floor(random() * 40));
    const { cached, logits } = await ask(cache, prompt);
    found += cached;
    const naive = Float32Array.from(decoder.lastLogits(prompt));
    if (logits.some((logit, i) => logit !== naive[i])) t.fail(`round ${round}: other logits`);
    if (cache.bytes > blocks(6)) t.fail(`${cache.bytes} bytes are above the bound`);
  }
  t.ok(found > 500, `${found} tokens found`);
});
