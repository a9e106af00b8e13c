import t from 'tap';
import { seededRandom } from '../../../shared/random.js';
import { cover, weighTerms } from '../../../shared/text/term-cover.js';

t.test('a term counts once, by its weight', async (t) => {
  const weights: Record<string, number> = { 은행: 3, 회사: 1, 자료: 0 };
  const terms = weighTerms(['은행', '회사', '은행', '자료'], (term) => weights[term] as number);
  t.equal(terms.total, 4);
  t.equal(cover(terms, new Set(['은행', '서버'])), 0.75);
  t.equal(cover(terms, new Set(['자료'])), 0);
  t.equal(cover(terms, new Set(['회사', '은행'])), 1);
});

t.test('no terms, and terms without weight, are covered by nothing', async (t) => {
  t.equal(
    cover(
      weighTerms([], () => 1),
      new Set(['은행']),
    ),
    0,
  );
  t.equal(
    cover(
      weighTerms(['은행'], () => 0),
      new Set(['은행']),
    ),
    0,
  );
});

t.test('terms with the names of properties are ordinary', async (t) => {
  const terms = weighTerms(['__proto__', 'constructor'], () => 1);
  t.equal(cover(terms, new Set(['constructor'])), 0.5);
});

t.test('the cover is the weighted share, counted the slow way', async (t) => {
  const random = seededRandom(5);
  const draw = (most: number): string[] =>
    Array.from({ length: Math.floor(random() * most) }, () => `t${Math.floor(random() * 12)}`);
  const weight = (term: string): number => Number(term.slice(1)) / 3;
  for (let round = 0; round < 200; round++) {
    const terms = draw(15);
    const set = new Set(draw(10));
    const once = terms.filter((term, i) => terms.indexOf(term) === i);
    const sum = (list: string[]): number => list.reduce((total, term) => total + weight(term), 0);
    const total = sum(once);
    const expected = total === 0 ? 0 : sum(once.filter((term) => set.has(term))) / total;
    t.ok(Math.abs(cover(weighTerms(terms, weight), set) - expected) < 1e-12, `${terms} in ${[...set]}`);
  }
});
