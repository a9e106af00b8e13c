import t from 'tap';
import { EvidenceSource } from '../../../shared/answering/evidence-source.js';
import type { Embedder } from '../../../shared/retrieval/embedder.js';
import { smallChunk, wordTokenizer } from '../../fixtures/small-search.js';

const long = `${'가나다라 '.repeat(50)}이다.`;
const chunks = [
  smallChunk('a', '백업은 매일 한다.\n끝.\n사본은 다른 건물에 둔다.', { heading: '백업 지침' }),
  smallChunk('b', `${long} ${long}`),
  smallChunk('c', '끝.'),
];

/** A vector is the text's length and 1. */
function setUp() {
  const asked: [texts: string[], role: string][] = [];
  const tokenized: string[] = [];
  const embedder: Embedder = {
    dimension: 2,
    fingerprint: 'f',
    embed: async (texts, role = 'passage') => {
      asked.push([[...texts], role]);
      return Float32Array.from(texts.flatMap((text) => [text.length, 1]));
    },
    countTokens: async (texts) => texts.length,
    close: async () => {},
  };
  const tokenizer = {
    tokenize: (text: string) => {
      tokenized.push(text);
      return wordTokenizer.tokenize(text);
    },
  };
  return { source: new EvidenceSource(chunks, tokenizer, embedder), asked, tokenized };
}

t.test('a passage has the terms of its title, heading and sentences; scraps are no units', async (t) => {
  const { source } = setUp();
  const { text, compact, morphemes, bigrams, units } = source.passage(0);
  t.equal(text, chunks[0]?.content);
  t.equal(compact, '백업은매일한다끝사본은다른건물에둔다');
  t.strictSame(
    units.map((unit) => unit.text),
    ['백업은 매일 한다.', '사본은 다른 건물에 둔다.'],
  );
  for (const term of ['안내서', '지침', '백업', '둔다']) t.ok(morphemes.has(term), term);
  t.ok(bigrams.has('사본'));
  t.notOk(bigrams.has('지침'), 'bigrams are of the text alone');
  t.strictSame(source.passage(2).units, []);
});

t.test('what was tokenised or embedded once is kept', async (t) => {
  const { source, asked, tokenized } = setUp();
  t.equal(source.passage(0), source.passage(0));
  t.equal(tokenized.length, 3);
  await source.windows([0]);
  await source.windows([0, 1, 0]);
  t.strictSame(
    asked.map(([texts, role]) => [texts.length, role]),
    [
      [1, 'passage'],
      [2, 'passage'],
    ],
  );
  await source.windows([1, 0]);
  t.equal(asked.length, 2);
});

t.test('windows come in the order of the rows asked for', async (t) => {
  const { source } = setUp();
  const lengths = async (rows: number[]): Promise<number[]> =>
    [...(await source.windows(rows))].filter((_, i) => i % 2 === 0);
  const [a, b] = [await lengths([0]), await lengths([1])];
  t.strictSame([a.length, b.length], [1, 2]);
  t.strictSame(await lengths([1, 0]), [...b, ...a]);
  t.strictSame(await lengths([]), []);
});
