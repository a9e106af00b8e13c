import t from 'tap';
import { seededRandom } from '../../../shared/random.js';
import { type Packing, planRows, type RowPlan } from '../../../training/data/row-plan.js';
import { shuffle } from '../../../training/data/shuffle.js';

const counting = (length: number) => Uint32Array.from({ length }, (_, i) => i);

function rowsOf(plan: RowPlan): { item: number; from: number; to: number }[][] {
  return Array.from({ length: plan.rows }, (_, row) => {
    const [first, end] = [plan.rowStarts[row]!, plan.rowStarts[row + 1]!];
    return Array.from({ length: end - first }, (_, i) => ({
      item: plan.items[first + i]!,
      from: plan.froms[first + i]!,
      to: plan.tos[first + i]!,
    }));
  });
}

const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);

t.test('every position of every item stands in exactly one row, and rows do not overflow', async (t) => {
  const random = seededRandom(3);
  for (let round = 0; round < 60; round++) {
    const length = 2 + Math.floor(random() * 40);
    for (const packing of ['fill', 'pack', 'single'] as Packing[]) {
      const longest = packing === 'fill' ? length * 4 : length;
      const sizes = Uint32Array.from({ length: 1 + Math.floor(random() * 80) }, () =>
        Math.floor(random() * (longest + 1)),
      );
      const order = shuffle(counting(sizes.length), random);
      const rows = rowsOf(planRows(packing, sizes, order, length));
      const seen = sizes.length > 0 ? Array.from(sizes, (size) => new Uint8Array(size)) : [];
      for (const row of rows) {
        t.ok(row.length > 0 && sum(row.map(({ from, to }) => to - from)) <= length);
        if (packing === 'single') t.equal(row.length, 1);
        for (const { item, from, to } of row) {
          for (let i = from; i < to; i++) seen[item]![i]! += 1;
          if (packing !== 'fill') t.strictSame([from, to], [0, sizes[item]]);
        }
      }
      t.ok(
        seen.every((counts) => counts.every((count) => count === 1)),
        `${packing}, round ${round}`,
      );
      if (packing === 'fill') t.equal(rows.length, Math.ceil(sum(sizes) / length));
    }
  }
});

t.test('fill keeps the order and goes on in the next row', async (t) => {
  t.strictSame(rowsOf(planRows('fill', Uint32Array.of(3, 0, 6), Uint32Array.of(2, 1, 0), 4)), [
    [{ item: 2, from: 0, to: 4 }],
    [
      { item: 2, from: 4, to: 6 },
      { item: 0, from: 0, to: 2 },
    ],
    [{ item: 0, from: 2, to: 3 }],
  ]);
});

t.test('pack is best-fit decreasing: it makes the rows of the slow obvious way, in any order', async (t) => {
  const random = seededRandom(8);
  for (let round = 0; round < 40; round++) {
    const length = 5 + Math.floor(random() * 60);
    const sizes = Uint32Array.from({ length: 100 }, () => 1 + Math.floor(random() ** 2 * length));
    const rooms: number[] = [];
    for (const size of [...sizes].sort((a, b) => b - a)) {
      const fits = rooms.filter((room) => room >= size);
      if (fits.length === 0) rooms.push(length - size);
      else rooms[rooms.indexOf(Math.min(...fits))]! -= size;
    }
    for (let again = 0; again < 2; again++) {
      const plan = rowsOf(planRows('pack', sizes, shuffle(counting(100), random), length));
      const found = plan.map((row) => length - sum(row.map(({ to }) => to)));
      t.strictSame(found.sort(), rooms.slice().sort());
    }
  }
});

t.test('a row takes no more items than it may', async (t) => {
  const sizes = new Uint32Array(50).fill(2);
  t.strictSame(
    rowsOf(planRows('pack', sizes, counting(50), 20, [{ of: new Uint32Array(50).fill(1), most: 4 }])).map(
      (row) => row.length,
    ),
    [...new Array(12).fill(4), 2],
  );
});

t.test('further limits hold in every row, and rows are alike in any order', async (t) => {
  const random = seededRandom(6);
  const of = (most: number) => Uint32Array.from({ length: 300 }, () => 1 + Math.floor(random() ** 3 * most));
  const [sizes, answers, pairs] = [of(30), of(12), of(2)];
  const limits = [
    { of: answers, most: 16 },
    { of: pairs, most: 5 },
  ];
  const shapes = Array.from({ length: 3 }, () => {
    const rows = rowsOf(planRows('pack', sizes, shuffle(counting(300), random), 64, limits));
    t.strictSame(
      rows.flatMap((row) => row.map(({ item }) => item)).sort((a, b) => a - b),
      [...counting(300)],
    );
    for (const row of rows) {
      t.ok(sum(row.map(({ item }) => sizes[item]!)) <= 64);
      for (const { of: each, most } of limits) t.ok(sum(row.map(({ item }) => each[item]!)) <= most);
    }
    return rows.map((row) => row.map(({ item }) => [sizes[item], answers[item], pairs[item]]));
  });
  t.strictSame(shapes[1], shapes[0]);
  t.strictSame(shapes[2], shapes[0]);
});

t.test('an item longer than a row is refused where items stay whole', async (t) => {
  t.throws(() => planRows('pack', Uint32Array.of(3, 9), counting(2), 8), /item 1 has 9 positions, a row 8/);
});
