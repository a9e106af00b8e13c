import t from 'tap';
import { seededRandom } from '../../../../shared/random.js';
import { jaccard } from '../../../../training/synthesis/decontamination/grams.js';
import { estimatedLikeness, MinHash } from '../../../../training/synthesis/quality/min-hash.js';

/** Two sets of which as many grams are shared as drawn. */
function pair(random: () => number): [Set<string>, Set<string>] {
  const gram = () => Math.floor(random() * 1e9).toString(36);
  const shared = Array.from({ length: Math.floor(random() * 120) }, gram);
  const own = () => Array.from({ length: 1 + Math.floor(random() * 80) }, gram);
  return [new Set([...shared, ...own()]), new Set([...shared, ...own()])];
}

t.test('the estimate is the exact likeness within its standard error', async (t) => {
  const random = seededRandom(7);
  const functions = 128;
  const minHash = new MinHash(functions, 1);
  let sum = 0;
  const pairs = 300;
  for (let i = 0; i < pairs; i++) {
    const [a, b] = pair(random);
    const exact = jaccard(a, b);
    const error = estimatedLikeness(minHash.signature(a), minHash.signature(b)) - exact;
    const deviation = Math.sqrt((exact * (1 - exact)) / functions);
    t.ok(Math.abs(error) <= 4 * deviation + 1e-9, `${error} at ${exact}`);
    sum += error;
  }
  t.ok(Math.abs(sum / pairs) < 0.008, `without bias: ${sum / pairs}`);
});

t.test('a signature depends on the set and the seed, not on the order', async (t) => {
  const grams = ['개인정보', '전자금융', 'abcd', '보호위원'];
  const signature = (seed: number, set: readonly string[]) => [
    ...new MinHash(64, seed).signature(new Set(set)),
  ];
  t.same(signature(1, grams), signature(1, grams.toReversed()));
  t.not(signature(1, grams).join(), signature(2, grams).join());
  t.ok(signature(1, []).every((value) => value === 0xffffffff));
});
