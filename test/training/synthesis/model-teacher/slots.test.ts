import { setMaxListeners } from 'node:events';
import t from 'tap';
import { Slots } from '../../../../training/synthesis/model-teacher/slots.js';
import { settle } from '../../../fixtures/fake-clock.js';

const never = new AbortController().signal;
setMaxListeners(0, never);

t.test('never more at once than there are slots, in the order they asked', async (t) => {
  const slots = new Slots(3);
  const order: number[] = [];
  let [now, most] = [0, 0];
  await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const release = await slots.take(never);
      order.push(i);
      now += 1;
      most = Math.max(most, now);
      await settle();
      now -= 1;
      release();
      release();
    }),
  );
  t.equal(most, 3);
  t.same(order, [...Array(20).keys()]);
});

t.test('who is aborted takes no slot', async (t) => {
  const slots = new Slots(1);
  const release = await slots.take(never);
  const controller = new AbortController();
  const aborted = slots.take(controller.signal);
  const next = slots.take(never);
  controller.abort(new Error('enough'));
  await t.rejects(aborted, { message: 'enough' });
  release();
  await t.resolves(next);
});
