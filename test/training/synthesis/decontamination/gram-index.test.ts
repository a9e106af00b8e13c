import t from 'tap';
import { seededRandom } from '../../../../shared/random.js';
import { GramIndex } from '../../../../training/synthesis/decontamination/gram-index.js';
import { jaccard } from '../../../../training/synthesis/decontamination/grams.js';

t.test('finds the likest of random sets, as comparing with each does', async (t) => {
  const random = seededRandom(5);
  const set = () =>
    new Set(Array.from({ length: Math.floor(random() * 12) }, () => String(Math.floor(random() * 30))));
  const sets = Array.from({ length: 60 }, set);
  const index = new GramIndex();
  for (const grams of sets) index.add(grams);
  for (let i = 0; i < 300; i++) {
    const query = set();
    const likenesses = sets.map((grams) => jaccard(query, grams));
    const highest = Math.max(...likenesses);
    const expected = highest === 0 ? null : { set: likenesses.indexOf(highest), likeness: highest };
    t.same(index.likest(query), expected);
  }
});

t.test('words of the language are ordinary grams', async (t) => {
  const index = new GramIndex();
  index.add(new Set(['__proto__', 'constructor']));
  t.same(index.likest(new Set(['constructor'])), { set: 0, likeness: 0.5 });
  t.equal(index.likest(new Set(['toString'])), null);
  t.equal(index.likest(new Set()), null);
});
