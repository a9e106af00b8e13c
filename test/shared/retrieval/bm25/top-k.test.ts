import t from 'tap';
import { TopK } from '../../../../shared/retrieval/bm25/top-k.js';

t.test('it keeps what a full sort would put first, lower rows first among equals', async (t) => {
  let state = 12345;
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
  for (let round = 0; round < 200; round += 1) {
    const count = Math.floor(random() * 60);
    const k = 1 + Math.floor(random() * 20);
    // few distinct scores, so that ties are common; rows in no order
    const entries = Array.from({ length: count }, (_, row) => ({ row, score: 1 + Math.floor(random() * 6) }));
    entries.sort(() => random() - 0.5);
    const best = new TopK(k);
    for (const { row, score } of entries) if (score >= best.threshold) best.offer(row, score);
    const { rows, scores } = best.take();
    const expected = [...entries].sort((x, y) => y.score - x.score || x.row - y.row).slice(0, k);
    t.same(
      [...rows],
      expected.map(({ row }) => row),
      `round ${round}`,
    );
    t.same(
      [...scores],
      expected.map(({ score }) => score),
    );
  }
});

t.test('k = 0 keeps nothing', async (t) => {
  const best = new TopK(0);
  best.offer(1, 1);
  t.equal(best.take().rows.length, 0);
});
