import t from 'tap';
import { StudentPrompt } from '../../../shared/answering/student-prompt.js';
import { StudentReranker } from '../../../shared/answering/student-reranker.js';
import { ControlTokens } from '../../../shared/lm/control-tokens.js';
import type { Passage } from '../../../shared/retrieval/retriever.js';
import { fakeLanguageModel } from '../../fixtures/fake-language-model.js';
import { smallChunk } from '../../fixtures/small-search.js';

/** Says O with a probability that the text's number of 백 sets, in a prompt that holds the query. */
function setUp(atOnce = 2) {
  let running = 0;
  let most = 0;
  const model = fakeLanguageModel({
    logprob: (prompt, word) => {
      const odds =
        (prompt.split('<자료>')[1]?.match(/백/gu)?.length ?? 0) - 1 + (prompt.includes('언제') ? 0.5 : 0);
      return word === 'O' ? -Math.log1p(Math.exp(-odds)) : -Math.log1p(Math.exp(odds));
    },
  });
  const score: typeof model.score = async (request, signal) => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    return model.score(request, signal);
  };
  const prompt = new StudentPrompt(model, new ControlTokens([]));
  const reranker = new StudentReranker({ model: { ...model, score }, prompt, atOnce });
  return { reranker, model, most: () => most };
}

const logistic = (odds: number): number => 1 / (1 + Math.exp(-odds));
const close = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((value, i) => Math.abs(value - (b[i] as number)) < 1e-9);

t.test('texts have the probability that the student says they answer the query', async (t) => {
  const { reranker, model } = setUp();
  const scores = await reranker.scoreTexts('백업은 언제 하는가?', ['백백백', '글', '백']);
  t.ok(close(scores, [logistic(2.5), logistic(-0.5), logistic(0.5)]), `${scores}`);
  t.equal(model.scored.length, 3);
  const other = await reranker.scoreTexts('백업은 왜 하는가?', ['백백백']);
  t.ok(other[0]! < scores[0]!, 'the query is seen');
  t.strictSame(await reranker.scoreTexts('백업', []), []);
});

t.test('passages of a search keep half of their fused score', async (t) => {
  const passages = ['백백', '글'].map(
    (content, row): Passage => ({
      rank: row + 1,
      row,
      chunk: smallChunk(`c${row}`, content),
      scores: { bm25: 1, faiss: 0.5, citation: 0, fused: 0.2 + row, rerank: null },
    }),
  );
  const scores = await setUp().reranker.score('질문', passages);
  t.ok(close(scores, [0.1 + 0.5 * logistic(1), 0.6 + 0.5 * logistic(-1)]), `${scores}`);
});

t.test('the first text goes alone, then as many at once as there are slots', async (t) => {
  const { reranker, most, model } = setUp(3);
  const texts = Array.from({ length: 8 }, (_, i) => '백'.repeat(i));
  const scores = await reranker.scoreTexts('질문', texts);
  t.strictSame(
    scores,
    [...scores].sort((a, b) => a - b),
    'in the order of the texts',
  );
  t.equal(most(), 3);
  t.equal(model.scored.length, 8);
});

t.test('the caller’s signal ends it', async (t) => {
  const { reranker, model } = setUp();
  await t.rejects(reranker.scoreTexts('질문', ['가', '나'], AbortSignal.abort(new Error('went'))), /went/);
  t.equal(model.scored.length, 0);
});
