import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import {
  activationsName,
  activeStack,
  appendActivation,
  readActivations,
} from '../../../shared/bundle/activations.js';

const history = (...entries: string[]) =>
  entries.map((entry) => ({
    at: '2025-01-01T00:00:00.000Z',
    bundleId: entry.replace('<', ''),
    kind: entry.startsWith('<') ? ('rollback' as const) : ('activate' as const),
  }));

t.test('a rollback takes off what lies above the bundle it went back to', async (t) => {
  for (const [entries, current, stack] of [
    [[], undefined, []],
    [[], 'a', ['a']],
    [['a', 'b', 'c'], 'c', ['a', 'b', 'c']],
    [['a', 'b', 'c', '<b'], 'b', ['a', 'b']],
    [['a', 'b', 'c', '<b', '<a'], 'a', ['a']],
    [['a', 'b', '<a', 'c'], 'c', ['a', 'c']],
    [['a', 'b', 'c', '<a'], 'a', ['a']],
    [['a', 'a', 'b', 'a'], 'a', ['a', 'b', 'a']],
    [['a', 'b', 'a', '<b'], 'b', ['a', 'b']],
    [['a'], 'by-hand', ['a', 'by-hand']],
    [['a', '<x'], 'x', ['a', 'x']],
  ] as const)
    t.strictSame(activeStack(history(...entries), current), stack, entries.join(' '));
});

t.test('lines are read in the order they were appended; there may be none', async (t) => {
  const modelsDir = t.testdir({});
  t.strictSame(await readActivations(modelsDir), []);
  const entries = history('a', 'b', '<a');
  for (const entry of entries) await appendActivation(modelsDir, entry);
  t.strictSame(await readActivations(modelsDir), entries);
});

t.test('what a kill has left of a line costs that line only', async (t) => {
  const modelsDir = t.testdir({});
  const [a, b, c] = history('a', 'b', 'c');
  await appendActivation(modelsDir, a!);
  await appendFile(join(modelsDir, activationsName), JSON.stringify(b).slice(0, 20));
  t.strictSame(await readActivations(modelsDir), [a]);
  await appendActivation(modelsDir, c!);
  await appendFile(join(modelsDir, activationsName), '{"bundleId":7}\n\n');
  t.strictSame(await readActivations(modelsDir), [a, c]);
  t.match(await readFile(join(modelsDir, activationsName), 'utf8'), /\n$/);
});
