import t from 'tap';
import { lineChart } from '../../../training/run/line-chart.js';
import type { StepMetrics } from '../../../training/run/metrics-log.js';
import { durationText } from '../../../training/run/training-progress.js';
import { reportHtml } from '../../../training/run/write-report.js';

const step = (n: number): StepMetrics => ({
  ...{ step: n, epoch: n / 10, tokens: n * 64, loss: 5 - n / 100, gradNorm: 1, learningRate: 1e-3 },
  ...{ tokensPerSecond: 1000, seconds: n },
});
const facts = {
  ...{ program: 'pretrain', totalSteps: 300, outcome: 'finished', config: { seed: 1 } },
  tables: { Data: [['Training', '3 documents']] as const },
};
const coordinates = (svg: string, name: string) =>
  (new RegExp(`class="${name} c0" points="([^"]*)"`).exec(svg)?.[1] ?? '')
    .split(' ')
    .map((point) => point.split(',').map(Number));

t.test('names and values of a run cannot become markup', async (t) => {
  const hostile = '</pre><script>alert("x")</script>';
  const html = reportHtml([step(1), { ...step(2), [hostile]: 1 }], {
    ...facts,
    ...{
      outcome: hostile,
      config: { output: hostile },
      tables: { [hostile]: [[hostile, hostile]] as const },
    },
  });
  t.notMatch(html, /<script|<\/pre><s/);
  t.match(html, /&#60;script&#62;/);
});

t.test('it needs nothing from elsewhere, and stands with no step at all', async (t) => {
  t.notMatch(reportHtml([step(1)], facts), /https?:|<script|<link|@import|url\(|<img/);
  t.match(reportHtml([], facts), /0 of 300/);
});

t.test('a curve is drawn where its values are', async (t) => {
  const svg = lineChart({
    title: 'Loss',
    curves: [
      {
        name: 'a',
        points: [
          [1, 0],
          [2, 10],
          [3, 5],
        ],
      },
    ],
  });
  const [first, second, third] = coordinates(svg, 'line') as [number[], number[], number[]];
  t.ok(first[0]! < second[0]! && second[0]! < third[0]!, 'steps go right');
  t.ok(first[1]! > third[1]! && third[1]! > second[1]!, 'larger is higher');
  t.ok(Math.abs((first[1]! + second[1]!) / 2 - third[1]!) < 0.2, 'half way is half way');
});

t.test('a long curve keeps its extremes in the band and its end at the end', async (t) => {
  const points = Array.from({ length: 10_000 }, (_, i) => [i + 1, i === 5000 ? 100 : 1] as const);
  const svg = lineChart({ title: 'Loss', curves: [{ name: 'a', points }] });
  const line = coordinates(svg, 'line');
  t.ok(line.length <= 400);
  const heights = coordinates(svg, 'band').map(([, y]) => y!);
  t.ok(Math.min(...heights) < 15, 'the spike is to be seen');
  t.equal(line.at(-1)![0], Math.max(...line.map(([x]) => x!)));
});

t.test('values that are no numbers, one point, and equal values do not break a chart', async (t) => {
  const chart = (points: readonly (readonly [number, number])[]) =>
    lineChart({ title: 'x', curves: [{ name: 'a', points }] });
  t.equal(chart([]), '');
  t.equal(chart([[1, Number.NaN]]), '');
  for (const points of [
    [[1, 2]],
    [
      [1, 2],
      [2, 2],
    ],
    [
      [1, 0],
      [2, 0],
    ],
    [
      [1, 1e-30],
      [2, 1e30],
    ],
    [
      [1, Number.NaN],
      [2, 3],
    ],
  ] as const) {
    t.notMatch(chart(points), /NaN|Infinity/);
    t.match(chart(points), /<svg/);
  }
});

t.test('durations are said in two units', async (t) => {
  t.strictSame([0, 0.44, 45, 60, 725, 12_000, 187_200].map(durationText), [
    '0.0 s',
    '0.4 s',
    '45 s',
    '1 min 0 s',
    '12 min 5 s',
    '3 h 20 min',
    '2 d 4 h',
  ]);
});
