import t from 'tap';
import { lossDifference, type TrainRound, trainFigures } from '../../bench/train-figures.js';
import { verdictOf } from '../../bench/report.js';

const work = {
  name: '7M',
  precision: 'highest' as const,
  tokens: 2000,
  flops: { causal: 80e9, full: 100e9 },
};

/** A round in which the machine is `pace` times as slow as it can be. */
function round(pace: number, isAlone = false): TrainRound {
  return {
    ours: {
      stepMs: [400 * pace, 9000, 400 * pace, 390 * pace, 410 * pace],
      optimizerMs: [8 * pace, 10, 8 * pace, 7.8 * pace, 8.2 * pace],
      losses: [],
    },
    peer: isAlone ? null : { stepMs: [600 * pace, 600 * pace, 590 * pace], losses: [] },
    peakGflops: 250 / pace,
    peerPeakGflops: isAlone ? null : 240 / pace,
  };
}

t.test('ratios hold on a machine that drifts, since they are taken within a round', async (t) => {
  const figures = trainFigures(work, [round(1), round(3), round(1.5)], '');
  const value = (key: string) => figures.find((figure) => figure.key === key)?.value ?? Number.NaN;
  const isNear = (key: string, expected: number) =>
    t.ok(Math.abs(value(key) - expected) < 1e-9 * expected, `${key} is ${value(key)}`);
  isNear('gemmShare7M', 80 / 0.4 / 250);
  isNear('gemmShareOfBest7M', 80 / 0.4 / 250);
  isNear('pytorchGemmShare7M', 80 / 0.6 / 240);
  isNear('vsPytorch7M', 1.5);
  isNear('optimizerShare', 0.02);
  isNear('tokensPerSecond7M', 2000 / 0.6);
  isNear('pytorchTokensPerSecond7M', 2000 / 0.9);
  isNear('gflops7M', 80 / 0.6);
  isNear('gflopsFullAttention7M', 100 / 0.6);
  isNear('gemmPeakGflops7M', 250 / 1.5);
});

t.test('a faster product of PyTorch lowers the share of the best', async (t) => {
  const [figure] = trainFigures(work, [{ ...round(1), peerPeakGflops: 400 }], '').filter(
    ({ key }) => key === 'gemmShareOfBest7M',
  );
  t.ok(Math.abs((figure?.value ?? 0) - 80 / 0.4 / 400) < 1e-9);
});

t.test('targets are of 7M at the highest precision; keys of others name model and precision', async (t) => {
  const headline = trainFigures(work, [round(1)], '');
  const verdicts = headline.flatMap((figure) => (figure.budget ? [[figure.key, verdictOf(figure)]] : []));
  t.same(verdicts, [
    ['gemmShare7M', 'ok'],
    ['vsPytorch7M', 'ok'],
    ['optimizerShare', 'ok'],
  ]);
  const others = [
    ...trainFigures({ ...work, precision: 'medium' }, [round(1)], ''),
    ...trainFigures({ ...work, name: '20M' }, [round(1)], ''),
  ];
  t.ok(others.every(({ budget }) => budget === undefined));
  const keys = [...headline, ...others].map(({ key }) => key);
  t.equal(new Set(keys).size, keys.length, 'no figure hides another in the JSON line');
  for (const key of ['gemmShare7MMedium', 'optimizerShare7MMedium', 'vsPytorch20M'])
    t.ok(keys.includes(key), key);
});

t.test('without PyTorch its figures are null and say how to get it', async (t) => {
  const figures = trainFigures(work, [round(1, true)], 'pip install torch');
  const of = (key: string) => figures.find((figure) => figure.key === key);
  for (const key of ['vsPytorch7M', 'pytorchTokensPerSecond7M', 'pytorchGemmPeakGflops7M'])
    t.match(of(key), { value: null, note: 'pip install torch' });
  t.equal(verdictOf(of('vsPytorch7M')!), 'unmeasured');
  t.ok((of('gemmShare7M')?.value ?? 0) > 0);
});

t.test('losses are compared over the steps that both have, and NaN is no agreement', async (t) => {
  t.ok(Math.abs(lossDifference([2, 4.04, 9], [2, 4]) - 0.01) < 1e-12);
  t.equal(lossDifference([1, 2], [1, 2]), 0);
  t.equal(lossDifference([1, Number.NaN], [1, 2]), Number.POSITIVE_INFINITY);
});
