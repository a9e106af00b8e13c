import t from 'tap';
import { reliabilityPlot } from '../../../training/report/reliability-plot.js';
import { readHtml, select } from './read-html.js';

const plot = (bins: Parameters<typeof reliabilityPlot>[0]['series'][number]['bins'], expectedError = 0.05) =>
  reliabilityPlot({ title: 'Calibration', series: [{ name: 'student', bins, expectedError }] });
const dots = (markup: string) =>
  select(readHtml(markup), 'circle').map(({ attributes: { cx, cy, r } }) => [
    Number(cx),
    Number(cy),
    Number(r),
  ]);

t.test(
  'a dot lies at confidence and accuracy of its bin, with an area for the number of answers',
  async (t) => {
    const [first, second] = dots(
      plot([
        { answers: 10, confidence: 0.25, accuracy: 0.25 },
        { answers: 40, confidence: 0.75, accuracy: 0.5 },
      ]),
    ) as [number[], number[]];
    const [diagonal] = select(readHtml(plot([{ answers: 1, confidence: 0.5, accuracy: 0.5 }])), '.mark');
    const { x1, y1, x2, y2 } = diagonal?.attributes ?? {};
    const on = (x: number) =>
      Number(y1) + ((x - Number(x1)) / (Number(x2) - Number(x1))) * (Number(y2) - Number(y1));
    t.ok(Math.abs(first[1]! - on(first[0]!)) < 0.1, 'as often right as it says: on the diagonal');
    t.ok(second[1]! > on(second[0]!), 'less often right than it says: below it');
    t.ok(Math.abs((second[2]! / first[2]!) ** 2 - 4) < 0.2);
  },
);

t.test('empty bins are left out, and without answers there is no plot', async (t) => {
  t.equal(
    dots(
      plot([
        { answers: 0, confidence: null, accuracy: null },
        { answers: 1, confidence: 1, accuracy: 1 },
      ]),
    ).length,
    1,
  );
  t.equal(plot([]), '');
  t.equal(plot([{ answers: 0, confidence: null, accuracy: null }]), '');
  t.equal(plot([{ answers: Number.NaN, confidence: 0.5, accuracy: 0.5 }]), '');
  t.equal(plot([{ answers: 3, confidence: Number.NaN, accuracy: 0.5 }]), '');
});

t.test('the expected error is told as text; one that is no number is not', async (t) => {
  const bins = [{ answers: 1, confidence: 0.5, accuracy: 0.5 }];
  t.match(readHtml(plot(bins, 0.0512)).text, 'student 0.051');
  t.match(plot(bins, 0.0512), 'aria-label="Calibration: expected calibration error of student 0.051"');
  t.notMatch(plot(bins, Number.NaN), /NaN/u);
});

t.test('names cannot become markup', async (t) => {
  const hostile = '"/><script>alert(1)</script>';
  const read = readHtml(
    reliabilityPlot({
      title: hostile,
      series: [{ name: hostile, bins: [{ answers: 1, confidence: 0.5, accuracy: 2 }], expectedError: 0 }],
    }),
  );
  t.equal(select(read, 'script').length, 0);
  t.strictSame(read.errors, []);
});
