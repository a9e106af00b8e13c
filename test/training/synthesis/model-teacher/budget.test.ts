import { setMaxListeners } from 'node:events';
import t from 'tap';
import { seededRandom } from '../../../../shared/random.js';
import { Budget } from '../../../../training/synthesis/model-teacher/budget.js';
import { settle } from '../../../fixtures/fake-clock.js';

const never = new AbortController().signal;
setMaxListeners(0, never);

t.test('spent and reserved together never pass the limit', async (t) => {
  const random = seededRandom(7);
  const budget = new Budget(100, 5);
  let [spent, reserved, refused] = [5, 0, 0];
  await Promise.all(
    Array.from({ length: 60 }, async () => {
      const most = 1 + random() * 8;
      try {
        const reservation = await budget.reserve(most, never);
        reserved += most;
        if (spent + reserved > 100) t.fail(`${spent} spent and ${reserved} reserved`);
        await settle();
        const cost = most * random();
        reserved -= most;
        spent += cost;
        reservation.settle(cost);
      } catch (error) {
        t.match(error, { code: 'TEACHER_BUDGET' });
        refused += 1;
      }
    }),
  );
  t.equal(budget.spent.toFixed(9), spent.toFixed(9));
  t.ok(refused > 0 && spent > 85, `it is used up: ${spent}, ${refused} refused`);
});

t.test('what might fit once others are paid waits for them', async (t) => {
  const budget = new Budget(10, 0);
  const first = await budget.reserve(8, never);
  let served = false;
  const second = budget.reserve(5, never).then((reservation) => {
    served = true;
    return reservation;
  });
  await settle();
  t.notOk(served);
  first.settle(2);
  (await second).settle(5);
  first.settle(100);
  t.equal(budget.spent, 7, 'settled once');
  await t.rejects(budget.reserve(4, never), {
    code: 'TEACHER_BUDGET',
    message: /has cost 7, and the next request may cost 4: price\.limit allows 10/,
  });
});

t.test('who waits is refused as soon as it cannot fit any more', async (t) => {
  const budget = new Budget(10, 0);
  const first = await budget.reserve(8, never);
  const second = budget.reserve(5, never);
  first.settle(8);
  await t.rejects(second, { code: 'TEACHER_BUDGET' });
});

t.test('without a limit it only adds up', async (t) => {
  const budget = new Budget(undefined, 1);
  for (const cost of [1, 2, 3]) (await budget.reserve(1e9, never)).settle(cost);
  t.equal(budget.spent, 7);
});
