import t from 'tap';
import { ratioFigures, servingFigures, speedFigures } from '../../bench/lm-figures.js';
import type { SpeedRun } from '../../bench/lm-speed.js';

const memory = { rssMb: 100, peakMb: 120, anonMb: 60, fileMb: 40 };
const workload = { vocabSize: 10, seed: 0, promptTokens: 512, newTokens: 64, prefills: 1, batch: 8 };

function run(scale: number): SpeedRun {
  return {
    loadMs: 500 * scale,
    prefillMs: [1024 * scale],
    stepMs: [9 * scale, 10 * scale, 500 * scale],
    batchPrefillMs: null,
    batchStepMs: 40 * scale,
    loaded: memory,
    single: memory,
    batched: null,
    kvCacheMb: 1,
    about: '',
  };
}

t.test('ratios say how many times faster we are, from medians of steps, round by round', async (t) => {
  const figures = ratioFigures(
    { int4: [run(1), run(2)], int4Runtime: [], llama: [run(1.2), run(2.4)], fp32: [run(5)] },
    '',
  );
  const value = (key: string) => figures.find((figure) => figure.key === key)?.value;
  for (const key of ['prefillVsLlamaCpp', 'decodeVsLlamaCpp', 'batch8VsLlamaCpp'])
    t.ok(Math.abs((value(key) ?? 0) - 1.2) < 1e-9, key);
  t.equal(value('int4VsFp32'), 5);
  t.equal(value('batch8PrefillVsLlamaCpp'), null, 'not measured, not NaN');
});

t.test('without llama.cpp its ratios are null, and say how to get it', async (t) => {
  const figures = ratioFigures(
    { int4: [run(1)], int4Runtime: [run(3)], llama: [], fp32: [run(5)] },
    'npm i it',
  );
  for (const key of ['prefillVsLlamaCpp', 'decodeVsLlamaCpp', 'batch8VsLlamaCpp'])
    t.match(
      figures.find((figure) => figure.key === key),
      { value: null, note: 'npm i it' },
    );
  t.equal(figures.find(({ key }) => key === 'decodeVsRuntime')?.value, 3);
  t.same(speedFigures('llama', '', [], workload), []);
});

t.test('speeds are tokens per second of all sequences', async (t) => {
  const figures = speedFigures('int4', '', [run(1)], workload);
  const value = (key: string) => figures.find((figure) => figure.key === key)?.value;
  t.equal(value('int4PrefillTokensPerSecond'), 500);
  t.equal(value('int4DecodeTokensPerSecond'), 100, 'by the median step');
  t.equal(value('int4Batch8DecodeTokensPerSecond'), 200);
  t.equal(value('int4StepP99Ms'), 500);
});

t.test('memory may be one and a half times the weights, and the cache', async (t) => {
  const serving = {
    loadMs: 1,
    firstTokenMs: [3, 1, 2],
    tokenMs: [10],
    overheadShare: 0.04,
    batchOverheadShare: 0.06,
    batchTokensPerSecond: 300,
    bare: memory,
    loaded: memory,
    single: { ...memory, rssMb: 480 },
    batched: memory,
    singleKvMb: 20,
    batchedKvMb: 100,
  };
  const growth = {
    questionMs: { p50Ms: 1, p99Ms: 2 },
    questions: [100, 200, 300],
    rssMb: [480, 481, 482],
  };
  const figures = servingFigures(serving, growth, 300);
  t.match(
    figures.find(({ key }) => key === 'rssMb'),
    { value: 480, budget: { atMost: 470 } },
  );
  t.match(
    figures.find(({ key }) => key === 'growthMb'),
    { value: 10 },
  );
  t.match(
    figures.find(({ key }) => key === 'firstTokenMs'),
    { value: 2 },
  );
});
