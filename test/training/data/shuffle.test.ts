import t from 'tap';
import { seededRandom } from '../../../shared/random.js';
import { epochRandom, shuffle } from '../../../training/data/shuffle.js';

t.test('every order comes equally often', async (t) => {
  const random = seededRandom(11);
  const counts = new Map<string, number>();
  for (let i = 0; i < 24_000; i++) {
    const order = shuffle([0, 1, 2, 3], random).join('');
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  t.equal(counts.size, 24);
  // 1,000 ± 31 each; five standard deviations.
  t.ok([...counts.values()].every((count) => Math.abs(count - 1000) < 155));
});

t.test('numbers are those of seed, pass and purpose', async (t) => {
  const first = (seed: number, epoch: number, purpose: string) => epochRandom(seed, epoch, purpose)();
  t.equal(first(1, 2, 'rows'), first(1, 2, 'rows'));
  const all = [
    first(1, 2, 'rows'),
    first(2, 1, 'rows'),
    first(1, 3, 'rows'),
    first(1, 2, 'items'),
    first(12, 0, 'rows'),
  ];
  t.equal(new Set(all).size, all.length);
});
