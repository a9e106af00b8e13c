import t from 'tap';
import { packVocabulary, Vocabulary } from '../../../../shared/retrieval/bm25/vocabulary.js';

const terms = [
  '',
  'a',
  'ab',
  '금융',
  '융회',
  '__proto__',
  'constructor',
  'toString',
  '\ud800',
  '😀',
  '\u0000',
  'b:금융',
];

t.test('every term has its id and every other string none', async (t) => {
  const vocabulary = new Vocabulary(packVocabulary(terms));
  terms.forEach((term, id) => {
    t.equal(vocabulary.idOf(term), id, JSON.stringify(term));
    t.equal(vocabulary.termOf(id), term);
  });
  for (const term of ['b', 'abc', '금', 'hasOwnProperty', '\udc00', '금융 '])
    t.equal(vocabulary.idOf(term), -1, term);
});

t.test('it agrees with a Map on many terms', async (t) => {
  const map = new Map<string, number>();
  for (let i = 0; i < 20_000; i += 1) map.set(`w${(i * 7919) % 100_003}`, map.size);
  const vocabulary = new Vocabulary(packVocabulary([...map.keys()]));
  let wrong = 0;
  for (let i = 0; i < 100_003; i += 1) if (vocabulary.idOf(`w${i}`) !== (map.get(`w${i}`) ?? -1)) wrong += 1;
  t.equal(wrong, 0);
});

t.test('an empty vocabulary knows nothing', async (t) => {
  t.equal(new Vocabulary(packVocabulary([])).idOf('a'), -1);
});

t.test('tables that cannot be right are refused', async (t) => {
  const units = new Uint16Array([97, 98, 97]);
  for (const bounds of [[0, 1, 2, 3], [0, 1], [1, 2, 3], [0, 2, 1, 3], [0, 9, 3], []]) {
    t.throws(
      () => new Vocabulary({ units, bounds: Uint32Array.from(bounds) }),
      { code: 'INDEX_INVALID' },
      `${bounds}`,
    );
  }
});
