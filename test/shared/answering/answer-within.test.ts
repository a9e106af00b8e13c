import t from 'tap';
import { answerWithin } from '../../../shared/answering/answer-within.js';
import { FakeClock } from '../../fixtures/fake-clock.js';

const never = (): Promise<never> => new Promise(() => {});

t.test('work that is done in time is what comes back, and no timer is left', async (t) => {
  const clock = new FakeClock();
  t.equal(await answerWithin(100, async () => 7, clock), 7);
  await t.rejects(
    answerWithin(100, async () => Promise.reject(new Error('broken')), clock),
    /broken/,
  );
  t.strictSame(clock.waiting(), []);
});

t.test('when the time is up, the work is told and no longer waited for', async (t) => {
  const clock = new FakeClock();
  let signal: AbortSignal | undefined;
  const answer = answerWithin(
    100,
    (given) => {
      signal = given;
      return never();
    },
    clock,
  );
  const rejected = t.rejects(answer, { code: 'ENGINE_TIMEOUT', message: 'no answer within 100 ms' });
  await clock.advance(99);
  t.notOk(signal?.aborted);
  await clock.advance(1);
  t.ok(signal?.aborted);
  await rejected;
});

t.test('the caller’s reason is passed on, before and during the work', async (t) => {
  const clock = new FakeClock();
  const reason = new Error('went');
  let begun = false;
  const begin = (): Promise<never> => {
    begun = true;
    return never();
  };
  await t.rejects(answerWithin(100, begin, clock, AbortSignal.abort(reason)), reason);
  t.notOk(begun);
  const stop = new AbortController();
  const answer = answerWithin(100, begin, clock, stop.signal);
  stop.abort(reason);
  await t.rejects(answer, reason);
  t.strictSame(clock.waiting(), []);
});

t.test('without a limit the caller’s own signal is handed on', async (t) => {
  const { signal } = new AbortController();
  t.equal(await answerWithin(Infinity, async (given) => given, new FakeClock(), signal), signal);
});
