import t from 'tap';
import { barChart, type BarChartOptions, percentText } from '../../../training/report/bar-chart.js';
import { percent, readHtml, select } from './read-html.js';

const chart = (groups: BarChartOptions['groups'], more: Partial<BarChartOptions> = {}) =>
  barChart({ title: 'Accuracy', series: ['a'], unit: 'share', groups, ...more });

t.test(
  'a bar is as long as its share, its whisker reaches from low to high, its figures are text',
  async (t) => {
    const read = readHtml(
      chart([{ name: 'law', bars: [{ value: 0.66, low: 0.58, high: 0.74, note: '66/100' }] }]),
    );
    t.equal(percent(select(read, 'rect')[0]?.attributes.width), 66);
    const [across, low, high] = select(read, '.whisker').map(({ attributes }) => attributes);
    t.strictSame([percent(across?.x1), percent(across?.x2)], [58, 74]);
    t.strictSame([percent(low?.x1), percent(high?.x1)], [58, 74]);
    t.match(read.text, /law.*66\.0 %.*58\.0–74\.0 · 66\/100/u);
    t.strictSame(read.errors, []);
  },
);

t.test('counts are measured on an axis of round numbers that holds the largest', async (t) => {
  const read = readHtml(
    chart(
      [
        { name: 'x', bars: [{ value: 402 }] },
        { name: 'y', bars: [{ value: 100 }] },
      ],
      { unit: 'count' },
    ),
  );
  t.strictSame(
    select(read, 'rect').map(({ attributes }) => percent(attributes.width)),
    [80.4, 20],
  );
  t.match(select(read, 'tfoot')[0]?.text, '0200400');
});

t.test('series keep their colours where one of them is absent', async (t) => {
  const read = readHtml(
    chart([{ name: 'only later', bars: [null, { value: 0.5 }] }], { series: ['before', 'after'] }),
  );
  t.equal(select(read, 'rect')[0]?.attributes.class, 'fill c1');
  t.equal(select(read, '.key').length, 2);
  t.match(select(read, '.value')[0]?.text, 'after: 50.0 %', 'read aloud, a figure says what it is of');
  t.equal(select(read, 'th')[0]?.attributes.rowspan, '1');
});

t.test('nothing to draw is no chart; a value that is no number is named, not drawn', async (t) => {
  t.equal(chart([]), '');
  t.equal(chart([{ name: 'x', bars: [{ value: Number.NaN }] }]), '');
  t.equal(chart([{ name: 'x', bars: [null] }]), '');
  const markup = chart([
    { name: 'x', bars: [{ value: Number.NaN, low: Number.NaN, high: 1 }] },
    { name: 'y', bars: [{ value: 0.2, low: Number.NaN }] },
  ]);
  t.notMatch(markup, /NaN|Infinity/u);
  const read = readHtml(markup);
  t.equal(select(read, 'rect').length, 1);
  t.equal(select(read, '.whisker').length, 0);
  t.match(read.text, 'not measured');
});

t.test('one value, equal values, zeros, and shares beyond their ends break nothing', async (t) => {
  for (const values of [[0], [1], [0, 0], [5, 5], [-0.1], [1e-30, 1e30]]) {
    for (const unit of ['share', 'count'] as const) {
      const markup = chart(
        values.map((value) => ({ name: 'x', bars: [{ value }] })),
        { unit },
      );
      t.notMatch(markup, /NaN|Infinity/u);
      const widths = select(readHtml(markup), 'rect').map(({ attributes }) => percent(attributes.width));
      t.ok(
        widths.every((width) => width >= 0 && width <= 100),
        `${values} as ${unit}`,
      );
    }
  }
});

t.test('names cannot become markup', async (t) => {
  const hostile = '</table><script>alert("x")</script>\'"';
  const read = readHtml(
    chart([{ name: hostile, bars: [{ value: 1, note: hostile }] }], {
      title: hostile,
      series: [hostile, hostile],
    }),
  );
  t.equal(select(read, 'script').length, 0);
  t.equal(select(read, 'table')[0]?.attributes['aria-label'], hostile);
  t.strictSame(read.errors, []);
});

t.test('percentages have one place', async (t) => {
  t.strictSame([0, 0.5, 0.98765, Number.NaN].map(percentText), ['0.0 %', '50.0 %', '98.8 %', 'not measured']);
});
