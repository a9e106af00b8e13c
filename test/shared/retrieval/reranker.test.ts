import t from 'tap';
import { CoverReranker, type PassageTerms } from '../../../shared/retrieval/reranker.js';
import type { Passage } from '../../../shared/retrieval/retriever.js';
import { countingIndex, smallChunk, wordTokenizer } from '../../fixtures/small-search.js';

const passage = (row: number, fused: number): Passage => ({
  rank: row + 1,
  row,
  chunk: smallChunk(`c${row}`, 'x'),
  scores: { bm25: 1, faiss: null, citation: 0, fused, rerank: null },
});
const set = (text: string): ReadonlySet<string> => new Set(wordTokenizer.tokenize(text).morphemes);
const terms: PassageTerms[] = [
  { morphemes: set('백업 주기 장소'), units: [{ morphemes: set('백업 주기') }, { morphemes: set('장소') }] },
  { morphemes: set('백업 주기'), units: [{ morphemes: set('백업') }, { morphemes: set('주기') }] },
  { morphemes: set('회의'), units: [] },
];

function rerankerOf(idf: (term: string) => number): CoverReranker {
  return new CoverReranker(wordTokenizer, countingIndex([], idf), (row) => terms[row] as PassageTerms);
}

t.test('half the fused score, a quarter each for the passage and for its best sentence', async (t) => {
  const scores = await rerankerOf(() => 1).score(
    '백업의 주기',
    [0, 1, 2].map((row) => passage(row, 0.4)),
  );
  t.strictSame(scores, [0.2 + 0.25 + 0.25, 0.2 + 0.25 + 0.125, 0.2]);
});

t.test('rare terms count more, words that only ask do not count', async (t) => {
  const reranker = rerankerOf((term) => (term === '주기' ? 3 : 1));
  const asked = await reranker.score('백업의 주기는 무엇인가?', [passage(1, 0)]);
  t.strictSame(asked, [0.25 + 0.25 * 0.75]);
});

t.test('without terms the fused score alone decides, and without passages there are no scores', async (t) => {
  t.strictSame(await rerankerOf(() => 1).score('?', [passage(0, 1), passage(1, 0.5)]), [0.5, 0.25]);
  t.strictSame(await rerankerOf(() => 1).score('백업', []), []);
});
