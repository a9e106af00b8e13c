import t, { type Test } from 'tap';
import { type Due, RunQueue } from '../../../training/schedule/run-queue.js';
import { scheduledJob } from '../../fixtures/scheduled-job.js';

function setUp(_: Test) {
  const events: string[] = [];
  const queue = new RunQueue({
    start: ({ job, at }) => events.push(`start ${job.name} ${at.getTime()}`),
    skip: ({ job, at }, working) => events.push(`skip ${job.name} ${at.getTime()} for ${working.job.name}`),
  });
  const due = (name: string, at: number, overlap: 'queue' | 'skip' = 'queue'): void =>
    queue.due({ job: scheduledJob({ name, overlap }), trigger: 'cron', at: new Date(at) } satisfies Due);
  return { events, queue, due };
}

t.test('what comes due while another is at work waits for its turn, in order', async (t) => {
  const { events, queue, due } = setUp(t);
  due('a', 1);
  due('b', 2);
  due('c', 3);
  t.strictSame(events, ['start a 1']);
  queue.ended();
  queue.ended();
  queue.ended();
  t.strictSame(events, ['start a 1', 'start b 2', 'start c 3']);
  due('a', 4);
  t.equal(events.at(-1), 'start a 4');
});

t.test('a job waits once: itself at work, it comes again after, and no more than that', async (t) => {
  const { events, queue, due } = setUp(t);
  for (const at of [1, 2, 3, 4]) due('a', at);
  t.strictSame(events, ['start a 1', 'skip a 3 for a', 'skip a 4 for a']);
  queue.ended();
  queue.ended();
  t.strictSame(events.slice(3), ['start a 2']);
});

t.test('a job that does not want to wait is left out', async (t) => {
  const { events, queue, due } = setUp(t);
  due('a', 1, 'skip');
  due('a', 2, 'skip');
  due('b', 3, 'skip');
  queue.ended();
  due('b', 4, 'skip');
  t.strictSame(events, ['start a 1', 'skip a 2 for a', 'skip b 3 for a', 'start b 4']);
});

t.test('closed, it starts nothing more and gives back what waited', async (t) => {
  const { events, queue, due } = setUp(t);
  due('a', 1);
  due('b', 2);
  t.strictSame(
    queue.close().map(({ job }) => job.name),
    ['b'],
  );
  due('c', 3);
  queue.ended();
  t.strictSame(events, ['start a 1']);
});
