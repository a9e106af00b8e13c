/** No minute holds more requests and tokens than allowed, against the slow obvious way: look at every window. */
import { setMaxListeners } from 'node:events';
import t from 'tap';
import { seededRandom } from '../../../../shared/random.js';
import { RequestPacer } from '../../../../training/synthesis/model-teacher/request-pacer.js';
import { FakeClock, settle } from '../../../fixtures/fake-clock.js';

const never = new AbortController().signal;
setMaxListeners(0, never);
const minute = 60_000;

interface Sent {
  askedAt: number;
  at: number;
  tokens: number;
}

/** What lies in the minute that ends with the i-th, the i-th included. */
function minuteBefore(sent: readonly Sent[], i: number): Sent[] {
  const end = sent[i]!.at;
  return sent.slice(0, i + 1).filter(({ at }) => at > end - minute);
}

t.test('no minute holds more than is allowed, and nobody waits without need', async (t) => {
  for (const seed of [1, 2, 3, 4]) {
    const random = seededRandom(seed);
    const clock = new FakeClock();
    const limits = { requestsPerMinute: 5 + Math.floor(random() * 10), tokensPerMinute: 4_000 };
    const pacer = new RequestPacer(limits, clock);
    const sent: Sent[] = [];
    const work: Promise<void>[] = [];
    for (let i = 0; i < 80; i++) {
      const tokens = 1 + Math.floor(random() * 900);
      const askedAt = clock.now();
      work.push(
        pacer.admit(tokens, never).then(() => {
          sent.push({ askedAt, at: clock.now(), tokens });
        }),
      );
      if (random() < 0.3) await clock.advance(random() * 20_000);
    }
    await clock.runUntil(Promise.all(work));
    t.equal(sent.length, 80);
    for (const [i, { askedAt, at, tokens }] of sent.entries()) {
      const window = minuteBefore(sent, i);
      const sum = window.reduce((total, other) => total + other.tokens, 0);
      t.ok(window.length <= limits.requestsPerMinute && sum <= limits.tokensPerMinute, `request ${i} fits`);
      const before = i > 0 ? sent[i - 1]!.at : 0;
      if (at === askedAt || at === before) continue;
      // A moment earlier the oldest of the window would have been in it.
      const earlier = sent.slice(0, i).filter((other) => other.at > at - minute - 1e-6);
      const earlierSum = earlier.reduce((total, other) => total + other.tokens, tokens);
      t.ok(
        earlier.length + 1 > limits.requestsPerMinute || earlierSum > limits.tokensPerMinute,
        `request ${i} could not have been sent earlier`,
      );
    }
  }
});

t.test('requests are counted where tokens are not limited', async (t) => {
  const clock = new FakeClock();
  const pacer = new RequestPacer({ requestsPerMinute: 3 }, clock);
  const times: number[] = [];
  const work = Array.from({ length: 7 }, () => pacer.admit(1_000, never).then(() => times.push(clock.now())));
  await clock.runUntil(Promise.all(work));
  t.same(times, [0, 0, 0, minute, minute, minute, 2 * minute]);
});

t.test('tokens that were not used are given to the next', async (t) => {
  const clock = new FakeClock();
  const pacer = new RequestPacer({ tokensPerMinute: 100 }, clock);
  const first = await pacer.admit(100, never);
  let sentAt = -1;
  const second = pacer.admit(60, never).then(() => {
    sentAt = clock.now();
  });
  await clock.advance(1_000);
  t.equal(sentAt, -1);
  first.settle(40);
  await second;
  t.equal(sentAt, 1_000);
});

t.test('tokens that were more than expected hold up the next', async (t) => {
  const clock = new FakeClock();
  const pacer = new RequestPacer({ tokensPerMinute: 100 }, clock);
  (await pacer.admit(10, never)).settle(90);
  const second = pacer.admit(20, never);
  await settle();
  t.same(clock.waiting(), [minute]);
  await clock.runUntil(second);
  t.equal(clock.now(), minute);
});

t.test('a pause holds up everybody, and a shorter one does not end it', async (t) => {
  const clock = new FakeClock();
  const pacer = new RequestPacer({}, clock);
  pacer.pause(5_000);
  pacer.pause(1_000);
  await clock.runUntil(Promise.all([pacer.admit(1, never), pacer.admit(1, never)]));
  t.equal(clock.now(), 5_000);
});

t.test('who is aborted leaves the line, and those behind move up', async (t) => {
  const clock = new FakeClock();
  const pacer = new RequestPacer({ tokensPerMinute: 100 }, clock);
  await pacer.admit(50, never);
  const controller = new AbortController();
  const big = pacer.admit(80, controller.signal);
  const small = pacer.admit(50, never);
  controller.abort(new Error('enough'));
  await t.rejects(big, { message: 'enough' });
  await small;
  t.equal(clock.now(), 0);
  await t.rejects(pacer.admit(1, controller.signal), { message: 'enough' });
});

t.test('a request that no minute could hold is an error of the configuration', async (t) => {
  const pacer = new RequestPacer({ tokensPerMinute: 100 }, new FakeClock());
  await t.rejects(pacer.admit(101, never), { code: 'CONFIG_INVALID', message: /101 tokens.*allows 100/ });
});
