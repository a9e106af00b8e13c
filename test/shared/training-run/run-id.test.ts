import t from 'tap';
import { Check } from 'typebox/value';
import { seededRandom } from '../../../shared/random.js';
import { isRunId, newRunId } from '../../../shared/training-run/run-id.js';
import { RunRecord } from '../../../shared/training-run/run-record.js';

t.test('an id is the time, to the second in UTC, and four letters', async (t) => {
  const id = newRunId(new Date('2025-07-31T18:30:05.999+09:00'), () => 0.999999);
  t.equal(id, '20250731T093005Z-zzzz');
});

t.test('every id fits the schema of a record, and their order is that of time', async (t) => {
  const random = seededRandom(1);
  let last = '';
  for (let second = 0; second < 200; second++) {
    const id = newRunId(new Date(Date.UTC(2025, 0, 31, 23, 59, second)), random);
    t.ok(isRunId(id) && Check(RunRecord.properties.runId, id), id);
    t.ok(id > last);
    last = id;
  }
});

t.test('what is a path or something else is no id', async (t) => {
  for (const text of [
    '',
    '../run',
    '20250731T093005Z-ABCD',
    '20250731T093005Z-abcd/..',
    '20250731T093005Z',
  ]) {
    t.notOk(isRunId(text), text);
  }
});
