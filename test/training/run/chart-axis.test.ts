import t from 'tap';
import { chartAxis, figureText, tickText } from '../../../training/run/chart-axis.js';

t.test('an axis holds its values between round numbers', async (t) => {
  t.strictSame(chartAxis(0, 1), { from: 0, to: 1, ticks: [0, 0.2, 0.4, 0.6, 0.8, 1] });
  t.strictSame(chartAxis(3.1, 7.2).ticks, [3, 4, 5, 6, 7, 8]);
  for (const [low, high] of [
    [0, 0],
    [5, 5],
    [-3, -3],
    [1e-30, 1e30],
  ] as const) {
    const { from, to, ticks } = chartAxis(low, high);
    t.ok(from <= low && to >= high && from < to && ticks.length <= 12, `${low} to ${high}`);
  }
});

t.test('numbers are as long as they tell something', async (t) => {
  t.strictSame([0, 0.25, 0.0015, 12_000, 2e6, 1e-5].map(tickText), [
    '0',
    '0.25',
    '0.0015',
    '12,000',
    '2e6',
    '1e-5',
  ]);
  t.strictSame([0, 0.123456, 12_345.6, 1.23456e-5].map(figureText), ['0', '0.1235', '12,346', '1.23e-5']);
});
