import t from 'tap';
import { normalize, type PoolingMode, pool } from '../../../shared/retrieval/pooling.js';

// Batch of two, three tokens, two dimensions; the second text has two tokens, its third place is padding.
const tokens = {
  data: Float32Array.of(1, 2, 3, -4, 5, 6, 10, -20, 30, -40, 999, 999),
  length: 3,
  dimension: 2,
};

t.test('each mode pools the tokens of its row and never the padding', async (t) => {
  const table: [PoolingMode, number, number, number[]][] = [
    ['mean', 0, 3, [3, Math.fround(4 / 3)]],
    ['mean', 1, 2, [20, -30]],
    ['max', 0, 3, [5, 6]],
    ['max', 1, 2, [30, -20]],
    ['cls', 1, 2, [10, -20]],
    ['lasttoken', 0, 3, [5, 6]],
    ['lasttoken', 1, 2, [30, -40]],
    ['max', 1, 0, [0, 0]],
  ];
  for (const [mode, row, valid, expected] of table) {
    const out = Float32Array.of(7, 7);
    pool(tokens, row, valid, mode, out);
    t.same([...out], expected, `${mode}, row ${row}`);
  }
});

t.test('normalize gives unit length and leaves zeros alone', async (t) => {
  const vector = Float32Array.of(3, -4);
  normalize(vector);
  t.same([...vector], [Math.fround(0.6), Math.fround(-0.8)]);
  const zeros = new Float32Array(2);
  normalize(zeros);
  t.same([...zeros], [0, 0]);
});
