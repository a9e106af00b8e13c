import t from 'tap';
import { streamOf } from '../../../api/engine/part-stream.js';
import { settle } from '../../fixtures/fake-clock.js';

/** Work that the test drives by hand. */
function byHand() {
  let emit: (part: number) => void = () => undefined;
  let end: () => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;
  let cut: AbortSignal | undefined;
  const work = (onPart: (part: number) => void, signal: AbortSignal) => {
    emit = onPart;
    cut = signal;
    return new Promise<void>((resolve, reject) => {
      end = resolve;
      fail = reject;
    });
  };
  return {
    work,
    emit: (...parts: number[]) => {
      for (const part of parts) emit(part);
    },
    end: () => end(),
    fail: (error: Error) => fail(error),
    cut: () => cut,
  };
}

t.test('parts come in order, whether the reader waits for them or they for the reader', async (t) => {
  const hand = byHand();
  const stream = streamOf(hand.work);
  const first = stream.next();
  hand.emit(1, 2, 3);
  t.strictSame(await first, { value: 1, done: false });
  t.strictSame(await stream.next(), { value: 2, done: false });
  hand.end();
  t.strictSame(await stream.next(), { value: 3, done: false });
  t.strictSame(await stream.next(), { value: undefined, done: true });
  t.equal(hand.cut()?.aborted, false);
});

t.test('a failure comes after the parts before it', async (t) => {
  const hand = byHand();
  const stream = streamOf(hand.work);
  const first = stream.next();
  hand.emit(1, 2);
  hand.fail(new Error('broken'));
  await first;
  await settle();
  t.match(await stream.next(), { value: 2 });
  await t.rejects(stream.next(), { message: 'broken' });
});

t.test('nothing starts before the first part is asked for, or after the signal', async (t) => {
  let started = 0;
  const work = async () => {
    started += 1;
  };
  const idle = streamOf(work);
  await settle();
  t.equal(started, 0);
  await idle.return();
  await t.rejects(streamOf(work, { signal: AbortSignal.abort(new Error('gone')) }).next(), {
    message: 'gone',
  });
  t.equal(started, 0);
});

t.test('the signal ends the stream at once, even if the work goes on', async (t) => {
  const hand = byHand();
  const stop = new AbortController();
  const stream = streamOf(hand.work, { signal: stop.signal });
  const first = stream.next();
  hand.emit(1, 2);
  await first;
  stop.abort(new Error('enough'));
  t.equal(hand.cut()?.reason.message, 'enough');
  await t.rejects(stream.next(), { message: 'enough' }, 'what was not read is dropped');
  hand.emit(3);
  t.match(await stream.next(), { done: true });
});

t.test('a reader who leaves aborts the work', async (t) => {
  const hand = byHand();
  const stream = streamOf(hand.work);
  const first = stream.next();
  hand.emit(1);
  await first;
  await stream.return();
  t.equal(hand.cut()?.reason.code, 'CANCELLED');
});

t.test('a reader who is too far behind loses the stream instead of filling the memory', async (t) => {
  const hand = byHand();
  const stream = streamOf(hand.work, { maxBuffered: 3 });
  const first = stream.next();
  hand.emit(1);
  await first;
  hand.emit(2, 3, 4);
  t.equal(hand.cut()?.aborted, false);
  hand.emit(5);
  t.equal(hand.cut()?.aborted, true);
  await t.rejects(stream.next(), { code: 'CANCELLED', message: /3 parts behind/ });
});
