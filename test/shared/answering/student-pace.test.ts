import t from 'tap';
import { StudentPace } from '../../../shared/answering/student-pace.js';

t.test('half of the time left is for reading, at the pace that was measured', async (t) => {
  const pace = new StudentPace();
  t.equal(pace.maxPromptTokens(1000), undefined, 'nothing was measured');
  pace.record(500, 1000);
  t.equal(pace.maxPromptTokens(1000), 250);
  t.equal(pace.maxPromptTokens(undefined), undefined, 'no limit');
});

t.test('the pace follows what is measured, slowly', async (t) => {
  const pace = new StudentPace();
  pace.record(1000, 1000);
  pace.record(0, 1000);
  pace.record(1000, 0);
  pace.record(16, 500);
  t.equal(pace.maxPromptTokens(1000), 500, 'a question found in the cache says nothing of the pace');
  pace.record(500, 1000);
  t.equal(pace.maxPromptTokens(1000), 450);
  for (let i = 0; i < 50; i++) pace.record(500, 1000);
  t.equal(pace.maxPromptTokens(1000), 250);
});

t.test('after a stall, questions come to be read again', async (t) => {
  const pace = new StudentPace();
  pace.record(300, 30_000);
  const limits = Array.from({ length: 16 }, () => pace.maxPromptTokens(3000));
  t.strictSame(
    limits.flatMap((limit, i) => (limit === undefined ? [i] : [])),
    [7, 15],
    'now and then one is asked, whatever was measured',
  );
  t.equal(limits[0], 15);
  pace.record(300, 100);
  t.ok((pace.maxPromptTokens(3000) ?? 0) > 600, 'which corrects the pace');
  for (let i = 0; i < 20; i++) {
    t.type(pace.maxPromptTokens(1000), 'number', 'measured questions need no probe');
    pace.record(1000, 1000);
  }
});
