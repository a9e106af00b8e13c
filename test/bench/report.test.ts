import t from 'tap';
import { renderFigures, rounded, summaryOf, verdictOf } from '../../bench/report.js';

t.test('a budget is kept, missed or unmeasured', async (t) => {
  t.equal(verdictOf({ key: 'a', value: 7.9, budget: { atMost: 8 } }), 'ok');
  t.equal(verdictOf({ key: 'a', value: 8, budget: { atMost: 8 } }), 'MISSED');
  t.equal(verdictOf({ key: 'a', value: 50, budget: { atLeast: 50 } }), 'ok');
  t.equal(verdictOf({ key: 'a', value: 49, budget: { atLeast: 50 } }), 'MISSED');
  t.equal(verdictOf({ key: 'a', value: null, budget: { atLeast: 50 } }), 'unmeasured');
  t.equal(verdictOf({ key: 'a', value: Number.NaN, budget: { atMost: 50 } }), 'unmeasured');
  t.equal(verdictOf({ key: 'a', value: 1e9 }), '');
});

t.test('a line shows the figure, its budget and whether it was kept', async (t) => {
  const [line = ''] = renderFigures([
    { key: 'readyMs', value: 1712.345, budget: { atMost: 1500 }, note: 'cold' },
  ]);
  t.match(line, /readyMs +1712 +< 1500 +MISSED +cold$/);
});

t.test('the summary holds every figure, and names what is missed or could not be measured', async (t) => {
  const reports = new Map([
    [
      'one',
      {
        figures: [
          { key: 'a', value: 1.23456 },
          { key: 'b', value: 9, budget: { atMost: 8 } },
        ],
        notes: [],
      },
    ],
    ['two', { figures: [{ key: 'c', value: null, budget: { atLeast: 1 } }], notes: ['x'] }],
  ]);
  const summary = summaryOf(reports, { three: 'wrong' }, { cores: 2 });
  t.same(summary, {
    a: 1.235,
    b: 9,
    c: null,
    missed: ['b'],
    unmeasured: ['c'],
    failures: { three: 'wrong' },
    machine: { cores: 2 },
  });
  t.equal(rounded(Number.NaN), null);
});
