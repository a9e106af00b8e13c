import t from 'tap';
import { histogram, type HistogramOptions } from '../../../training/report/histogram.js';
import { percent, readHtml, select } from './read-html.js';

const chart = (counts: readonly (readonly number[])[], more: Partial<HistogramOptions> = {}) =>
  histogram({
    ...{ title: 'Scores', from: 0, to: 10, xLabel: 'score' },
    series: counts.map((each, i) => ({ name: `series ${i}`, counts: each })),
    ...more,
  });
const bars = (markup: string) => select(readHtml(markup), 'rect').map(({ attributes }) => attributes);

t.test('a bin is as high as its count and lies where its values are', async (t) => {
  const [first, second] = bars(chart([[100, 0, 0, 50]]));
  t.equal(Number(first?.height), 2 * Number(second?.height));
  t.ok(percent(first?.x) < 25 && percent(first?.x) + percent(first?.width) < 25);
  t.ok(percent(second?.x) > 75 && percent(second?.x) + percent(second?.width) < 100);
  t.equal(bars(chart([[100, 0, 0, 50]])).length, 2, 'an empty bin has no bar');
});

t.test('series stand side by side in a bin, with the number of each in the legend', async (t) => {
  const markup = chart([
    [4, 0],
    [2, 9],
  ]);
  const [first, second, third] = bars(markup);
  t.ok(percent(first?.x) + percent(first?.width) <= percent(second?.x) + 0.01);
  t.equal(first?.class, 'fill c0');
  t.equal(second?.class, 'fill c1');
  t.equal(third?.class, 'fill c1');
  t.match(readHtml(markup).text, /series 0 4.*series 1 11/u);
});

t.test('its label tells what it shows to whom cannot see it', async (t) => {
  const [image] = readHtml(chart([[1, 7, 2, 0]])).elements.filter(
    ({ attributes }) => attributes.role === 'img',
  );
  t.equal(image?.attributes['aria-label'], 'Scores: series 0, 10, most from 2.5 to 5');
});

t.test('a mark lies at its value; one outside is left out', async (t) => {
  const markAt = (at: number) =>
    select(readHtml(chart([[1, 2]], { mark: { at, name: 'threshold' } })), 'line')
      .filter(({ attributes }) => attributes.class === 'mark')
      .map(({ attributes }) => percent(attributes.x1));
  t.equal(markAt(7)[0], 70);
  t.strictSame(markAt(11), []);
});

t.test('nothing counted is no chart; counts that are no numbers count nothing', async (t) => {
  t.equal(chart([]), '');
  t.equal(chart([[]]), '');
  t.equal(chart([[0, 0]]), '');
  t.equal(chart([[1]], { from: 1, to: 1 }), '');
  const markup = chart([[Number.NaN, 3, -2, Number.POSITIVE_INFINITY], []]);
  t.notMatch(markup, /NaN|Infinity/u);
  t.equal(bars(markup).length, 1);
  t.notMatch(chart([[1]]), /NaN|Infinity/u);
});

t.test('names cannot become markup', async (t) => {
  const hostile = '"><script>alert(1)</script>';
  const read = readHtml(
    chart([[1]], {
      title: hostile,
      xLabel: hostile,
      series: [{ name: hostile, counts: [1] }],
      mark: { at: 1, name: hostile },
    }),
  );
  t.equal(select(read, 'script').length, 0);
  t.strictSame(read.errors, []);
});
