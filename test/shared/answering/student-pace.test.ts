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
  t.equal(pace.maxPromptTokens(1000), 500, 'a question found in the cache says nothing of the pace');
  pace.record(500, 1000);
  t.equal(pace.maxPromptTokens(1000), 450);
  for (let i = 0; i < 50; i++) pace.record(500, 1000);
  t.equal(pace.maxPromptTokens(1000), 250);
});
