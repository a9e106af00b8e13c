import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { addToHistory, readHistory } from '../../../training/schedule/history.js';
import { historyEntry } from '../../fixtures/scheduled-job.js';

t.test('the last line of an entry counts, and entries keep their order', async (t) => {
  const folder = join(t.testdir({}), 'made');
  t.strictSame(await readHistory(folder), { entries: [], unreadable: 0 });
  await addToHistory(folder, historyEntry({ id: 'a', status: 'running' }));
  await addToHistory(folder, historyEntry({ id: 'b', status: 'running' }));
  await addToHistory(folder, historyEntry({ id: 'a', status: 'published', bundleId: 'tiny-1' }));
  const { entries } = await readHistory(folder);
  t.strictSame(entries, [
    historyEntry({ id: 'a', status: 'published', bundleId: 'tiny-1' }),
    historyEntry({ id: 'b', status: 'running' }),
  ]);
  const lines = (await readFile(join(folder, 'history.jsonl'), 'utf8')).split('\n').filter(Boolean);
  t.equal(lines.length, 3, 'nothing is ever taken away');
});

t.test('a line that a kill has cut costs that line alone', async (t) => {
  const folder = t.testdir({});
  await addToHistory(folder, historyEntry({ id: 'a' }));
  await appendFile(join(folder, 'history.jsonl'), '{"id":"b","job":"nig');
  await addToHistory(folder, historyEntry({ id: 'c' }));
  await appendFile(join(folder, 'history.jsonl'), '{"id":"d"}\n');
  const { entries, unreadable } = await readHistory(folder);
  t.strictSame(
    entries.map(({ id }) => id),
    ['a', 'c'],
  );
  t.equal(unreadable, 2);
});

t.test('many can add at once', async (t) => {
  const folder = t.testdir({});
  const ids = Array.from({ length: 30 }, (_, i) => `run-${i}`);
  await Promise.all(ids.map((id) => addToHistory(folder, historyEntry({ id, outcome: 'x'.repeat(5_000) }))));
  const { entries, unreadable } = await readHistory(folder);
  t.strictSame(entries.map(({ id }) => id).sort(), [...ids].sort());
  t.equal(unreadable, 0);
});
