import t from 'tap';
import { KvSlots, type Occupant } from '../../../shared/lm/kv-slots.js';
import { seededRandom } from '../../../shared/random.js';
import { randomTokens } from '../../fixtures/lm-requests.js';
import { PlainDecoder } from '../../fixtures/plain-decoder.js';

const decoder = new PlainDecoder();
const sequence = (positions: number): Occupant => ({ slot: -1, positions });

t.test('grows by buckets of slots and positions, and keeps what it holds', async (t) => {
  const slots = new KvSlots(decoder, 8, 8 * 512, 512);
  const first = sequence(50);
  t.ok(slots.acquire(first));
  t.strictSame([slots.slots, slots.cache.capacity], [1, 128]);
  const prompt = [5, 6, 7];
  await decoder.step({ cache: slots.cache, rows: [{ slot: first.slot, tokens: prompt }] });
  t.ok(slots.acquire(sequence(150)));
  t.strictSame([slots.slots, slots.cache.capacity], [2, 192]);
  const third = sequence(500);
  t.ok(slots.acquire(third));
  t.strictSame([slots.slots, slots.cache.capacity], [3, 512]);
  const { logits } = await decoder.step({ cache: slots.cache, rows: [{ slot: first.slot, tokens: [8] }] });
  t.strictSame([...logits], [...Float32Array.from(decoder.lastLogits([...prompt, 8]))]);
  slots.release(third);
  t.equal(slots.inUse, 2);
  t.equal(slots.cache.capacity, 512, 'nothing shrinks while others work');
});

t.test('waits where slots or positions do not suffice, and changes shape when it can', async (t) => {
  const slots = new KvSlots(decoder, 4, 1024, 512);
  const short = [sequence(100), sequence(100), sequence(100)];
  for (const one of short) t.ok(slots.acquire(one));
  t.strictSame([slots.slots, slots.cache.capacity], [3, 128]);
  const long = sequence(400);
  t.notOk(slots.acquire(long), '4 slots of 400 positions are more than 1,024');
  t.equal(long.slot, -1);
  slots.release(short[0]!);
  t.notOk(slots.acquire(long));
  slots.release(short[1]!);
  t.ok(slots.acquire(long));
  t.strictSame([slots.slots, slots.cache.capacity], [2, 512]);
  slots.release(long);
  slots.release(short[2]!);
  for (let i = 0; i < 4; i++) t.ok(slots.acquire(sequence(256)), 'four short ones again');
  t.notOk(slots.acquire(sequence(1)), 'no fifth');
  t.throws(() => slots.clear());
});

t.test('gives its memory back, and starts again', async (t) => {
  const slots = new KvSlots(decoder, 2, 1024, 512);
  t.equal(slots.bytes, 0);
  const one = sequence(10);
  slots.acquire(one);
  t.ok(slots.bytes > 0);
  slots.release(one);
  slots.release(one);
  slots.clear();
  t.equal(slots.bytes, 0);
  t.equal(slots.slots, 0);
  t.throws(() => slots.cache);
  t.ok(slots.acquire(one));
  t.equal(one.slot, 0);
});

t.test('memory that runs out leaves everything as it was', async (t) => {
  const failing = new PlainDecoder();
  const slots = new KvSlots(failing, 8, 8192, 512);
  const one = sequence(10);
  slots.acquire(one);
  failing.createCache = () => {
    throw new RangeError('Array buffer allocation failed');
  };
  t.throws(() => slots.acquire(sequence(400)), RangeError);
  t.strictSame([slots.slots, slots.inUse, one.slot], [1, 1, 0]);
});

t.test('sequences keep their content wherever they are placed', async (t) => {
  const random = seededRandom(12);
  const slots = new KvSlots(decoder, 4, 4 * 128, 128);
  const contents = new Map<Occupant, number[]>();
  for (let round = 0; round < 300; round++) {
    const held = [...contents.keys()];
    const one = held[Math.floor(random() * held.length)];
    if (!one || (held.length < 4 && random() < 0.5)) {
      const fresh = sequence(20);
      if (!slots.acquire(fresh)) t.fail('no slot');
      const tokens = randomTokens(random, 1 + Math.floor(random() * 10));
      await decoder.step({ cache: slots.cache, rows: [{ slot: fresh.slot, tokens }] });
      contents.set(fresh, tokens);
    } else if (random() < 0.3) {
      slots.release(one);
      contents.delete(one);
    } else {
      const target = Math.floor(random() * slots.slots);
      slots.place(one, target);
      t.equal(one.slot, target);
    }
    const taken = [...contents.keys()].map(({ slot }) => slot);
    if (new Set(taken).size !== taken.length || slots.inUse !== taken.length) t.fail('two in one slot');
    for (const [{ slot }, { length }] of contents) {
      if (slots.cache.length(slot) !== length) t.fail(`slot ${slot} holds ${slots.cache.length(slot)}`);
    }
  }
  for (const [{ slot }, tokens] of contents) {
    const { logits } = await decoder.step({ cache: slots.cache, rows: [{ slot, tokens: [9] }] });
    t.strictSame([...logits], [...Float32Array.from(decoder.lastLogits([...tokens, 9]))]);
  }
});
