import t from 'tap';
import {
  latencyOf,
  median,
  parseProcessStatus,
  percentile,
  timeAsync,
  timeSync,
  treeOf,
} from '../../bench/measure.js';

t.test('a percentile is the nearest rank', async (t) => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
  t.equal(percentile(hundred, 50), 50);
  t.equal(percentile(hundred, 99), 99);
  t.equal(percentile(hundred, 100), 100);
  t.equal(percentile(hundred, 0), 1);
  t.equal(percentile([7], 99), 7);
  t.ok(Number.isNaN(percentile([], 50)));
  t.equal(median([30, 10, 20]), 20);
});

t.test('latencies are summarised in any order, and the input stays as it is', async (t) => {
  const times = [5, 1, 3];
  t.same(latencyOf(times), { calls: 3, meanMs: 3, p50Ms: 3, p99Ms: 5, maxMs: 5 });
  t.same(times, [5, 1, 3]);
});

t.test('every input is called once, in order, and its result handed on', async (t) => {
  const seen: number[] = [];
  t.equal(timeSync([1, 2, 3], (input) => seen.push(input)).calls, 3);
  const results: [string, number][] = [];
  await timeAsync(
    ['a', 'b'],
    async (input) => input.toUpperCase(),
    (result, index) => results.push([result, index]),
  );
  t.same(seen, [1, 2, 3]);
  t.same(results, [
    ['A', 0],
    ['B', 1],
  ]);
});

t.test('the memory of a process is read from its status, in MB', async (t) => {
  const text = 'Name:\tnode\nPPid:\t41\nVmPeak:\t 9000 kB\nVmHWM:\t    2000 kB\nVmRSS:\t    1000 kB\n';
  t.same(parseProcessStatus(text), { parentPid: 41, rssMb: 1.024, peakMb: 2.048 });
  t.same(parseProcessStatus('Name:\tkthreadd\nPPid:\t0\n'), { parentPid: 0, rssMb: 0, peakMb: 0 });
});

t.test('a tree is a process with its descendants and nobody else', async (t) => {
  const status = (parentPid: number, rssMb: number) => ({ parentPid, rssMb, peakMb: rssMb });
  const all = new Map([
    [1, status(0, 1)],
    [10, status(1, 2)],
    [11, status(10, 4)],
    [12, status(11, 8)],
    [20, status(1, 16)],
  ]);
  t.same(
    treeOf(10, all).map(({ rssMb }) => rssMb),
    [2, 4, 8],
  );
  t.same(treeOf(99, all), []);
});
