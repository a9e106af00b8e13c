import t from 'tap';
import { CoverReranker } from '../../../shared/retrieval/reranker.js';
import type { Passage } from '../../../shared/retrieval/retriever.js';
import { countingIndex, smallChunk, wordTokenizer } from '../../fixtures/small-search.js';

const texts = ['백업 주기 장소', '백업 백업 백업', '회의'];
const passage = (row: number, fused: number): Passage => ({
  rank: row + 1,
  row,
  chunk: smallChunk(`c${row}`, texts[row] as string),
  scores: { bm25: 1, faiss: null, citation: 0, fused, rerank: null },
});
const rerankerOf = (idf: (term: string) => number = () => 1): CoverReranker =>
  new CoverReranker(wordTokenizer, countingIndex(texts, idf));

t.test('half the fused score, half the share of the question that the passage speaks of', async (t) => {
  const scores = await rerankerOf().score(
    '백업의 주기',
    [0, 1, 2].map((row) => passage(row, 0.5)),
  );
  t.strictSame(scores, [0.75, 0.5, 0.25], 'how often it speaks of it does not count');
});

t.test('rare terms count more, words that only ask do not count', async (t) => {
  const reranker = rerankerOf((term) => (term === '주기' ? 3 : 1));
  t.strictSame(await reranker.score('백업의 주기는 무엇인가?', [passage(0, 0), passage(1, 0)]), [0.5, 0.125]);
});

t.test('without terms the fused score alone decides, and without passages there are no scores', async (t) => {
  t.strictSame(await rerankerOf().score('?', [passage(0, 1), passage(1, 0.5)]), [0.5, 0.25]);
  t.strictSame(await rerankerOf(() => 0).score('백업', [passage(0, 1)]), [0.5]);
  t.strictSame(await rerankerOf().score('백업', []), []);
});

t.test('texts of a caller are scored by cover alone', async (t) => {
  const reranker = rerankerOf((term) => (term === '주기' ? 3 : 1));
  t.strictSame(
    await reranker.scoreTexts('백업의 주기', ['주기', '백업을', '백업 주기', '']),
    [0.75, 0.25, 1, 0],
  );
  t.strictSame(await reranker.scoreTexts('백업', []), []);
  await t.rejects(reranker.scoreTexts('백업', ['백업'], AbortSignal.abort(new Error('went'))), /went/);
});
