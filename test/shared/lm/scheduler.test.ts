import t from 'tap';
import { Scheduler } from '../../../shared/lm/scheduler.js';

const always = () => true;

t.test('first come, first served', async (t) => {
  const scheduler = new Scheduler<string>(10, 100);
  for (const task of ['a', 'b', 'c']) scheduler.add(task, 0);
  const order: string[] = [];
  for (let task = scheduler.next(always); task !== null; task = scheduler.next(always)) {
    order.push(task);
    scheduler.use(90);
    scheduler.remove(task);
  }
  t.strictSame(order, ['a', 'b', 'c']);
  t.equal(scheduler.size, 0);
});

t.test('a long prompt lets others go ahead after each turn', async (t) => {
  const scheduler = new Scheduler<string>(10, 100);
  for (const task of ['long', 'b', 'c']) scheduler.add(task, 0);
  const left: Record<string, number> = { long: 250, b: 60, c: 50 };
  const order: string[] = [];
  for (let task = scheduler.next(always); task !== null; task = scheduler.next(always)) {
    order.push(task);
    left[task]! -= 50;
    scheduler.use(50);
    if (left[task]! <= 0) scheduler.remove(task);
  }
  t.strictSame(order, ['long', 'long', 'b', 'b', 'long', 'long', 'c', 'long']);
});

t.test('two long prompts take turns', async (t) => {
  const scheduler = new Scheduler<string>(10, 100);
  scheduler.add('a', 0);
  scheduler.add('b', 0);
  const order = Array.from({ length: 6 }, () => {
    const task = scheduler.next(always);
    scheduler.use(100);
    return task;
  });
  t.strictSame(order, ['a', 'b', 'a', 'b', 'a', 'b']);
});

t.test('where the first cannot be admitted, nobody overtakes it', async (t) => {
  const scheduler = new Scheduler<string>(10, 100);
  scheduler.add('large', 0);
  scheduler.add('small', 0);
  t.equal(
    scheduler.next((task) => task === 'small'),
    null,
  );
  t.equal(scheduler.waiting, 2);
  t.equal(scheduler.next(always), 'large');
  t.equal(scheduler.waiting, 1);
});

t.test('a full queue is busy, and says how full; one who leaves makes room', async (t) => {
  const scheduler = new Scheduler<string>(2, 100);
  scheduler.add('a', 0);
  scheduler.add('b', 0);
  t.throws(() => scheduler.add('c', 0), { code: 'ENGINE_BUSY', data: { waiting: 2 } });
  scheduler.add('c', 1);
  scheduler.remove('c');
  scheduler.remove('a');
  scheduler.add('c', 0);
  t.strictSame(scheduler.all(), ['b', 'c']);
});
