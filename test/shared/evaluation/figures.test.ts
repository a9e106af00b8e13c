import t from 'tap';
import { groupedRates } from '../../../shared/evaluation/grouped-rates.js';
import { keywordRecall, keywordsOf } from '../../../shared/evaluation/keyword-recall.js';
import { latencyOf } from '../../../shared/evaluation/latency.js';
import { textCosine } from '../../../shared/evaluation/text-cosine.js';

t.test('groups come in the order of their names, those without one not at all', async (t) => {
  const items = ['b+', 'a-', 'b-', '-', 'b+'];
  const groups = groupedRates(
    items,
    (item) => item.slice(0, -1),
    (item) => item.endsWith('+'),
  );
  t.match(groups, [
    { name: 'a', correct: 0, questions: 1 },
    { name: 'b', correct: 2, questions: 3 },
  ]);
  t.equal(groups.length, 2);
});

t.test('keywords stand at commas and spaces, and are found within words', async (t) => {
  t.strictSame(keywordsOf('접근 매체,, 이용자 '), ['접근', '매체', '이용자']);
  t.equal(keywordsOf(' , '), null);
  t.equal(keywordsOf(undefined), null);
  t.equal(keywordRecall(['접근', '매체', '이용자'], '접근매체를 준다'), 2 / 3);
  t.equal(keywordRecall(['AI'], 'ai'), 0);
});

t.test('percentiles are times that were measured', async (t) => {
  t.strictSame(latencyOf([4, 1, 3, 2]), { p50: 2, p99: 4, mean: 2.5 });
  t.equal(latencyOf(Array.from({ length: 200 }, (_, i) => i + 1)).p99, 198);
  t.strictSame(latencyOf([]), { p50: 0, p99: 0, mean: 0 });
});

t.test('a text without words is near nothing, and nothing is embedded for it', async (t) => {
  let calls = 0;
  const embedder = {
    dimension: 2,
    embed: async () => {
      calls += 1;
      return Float32Array.of(0.6, 0.8, 1, 0);
    },
  };
  t.equal(await textCosine(embedder, '', '가'), 0);
  t.equal(await textCosine(embedder, '가', ''), 0);
  t.equal(calls, 0);
  t.ok(Math.abs((await textCosine(embedder, '가', '나')) - 0.6) < 1e-7);
});
