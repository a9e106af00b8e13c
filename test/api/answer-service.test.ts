import t from 'tap';
import { AnswerService } from '../../api/answer-service.js';
import { HaetaeError } from '../../shared/errors.js';
import { FakeClock, settle } from '../fixtures/fake-clock.js';
import { fakeAnswer, fakeRetrieval } from '../fixtures/fake-results.js';
import { StubEngine } from '../fixtures/stub-engine.js';

function setUp() {
  const engine = new StubEngine();
  const clock = new FakeClock();
  const fallbacks: unknown[] = [];
  const service = new AnswerService({
    engine,
    clock,
    questionDeadlineMs: 1_000,
    cacheMaxEntries: 100,
    cacheTtlMs: 60_000,
    onFallback: (error) => fallbacks.push(error),
  });
  return { engine, clock, service, fallbacks };
}

t.test('equal questions at the same time reach the engine once', async (t) => {
  const { engine, clock, service } = setUp();
  engine.onAnswer = async (question) => {
    await settle();
    return fakeAnswer(question);
  };
  const served = await clock.runUntil(
    Promise.all(['왜?', ' 왜?', '왜? '].map((text) => service.serveAnswer(text))),
  );
  t.strictSame(
    served.map(({ outcome }) => outcome),
    ['miss', 'coalesced', 'coalesced'],
  );
  t.equal(engine.calls.length, 1);
  t.strictSame(clock.waiting(), []);
});

t.test('an impatient caller does not spoil the answer of a patient one', async (t) => {
  const { engine, clock, service } = setUp();
  engine.onAnswer = (question, _, signal) =>
    new Promise((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason));
      clock.after(500, () => resolve(fakeAnswer(question)));
    });
  const hasty = service.answer('왜?', { deadlineMs: 100 });
  const patient = service.answer('왜?');
  const [a, b] = await clock.runUntil(Promise.all([hasty, patient]));
  t.match(a, { usedFallback: true, errorMessage: /^ENGINE_TIMEOUT/, timings: { totalMs: 100 } });
  t.equal(b.usedFallback, false);
});

t.test('the engine is told of nine tenths of the deadline', async (t) => {
  const { engine, service } = setUp();
  const told: unknown[] = [];
  engine.onAnswer = async (question, options) => {
    told.push(options?.deadlineMs);
    return fakeAnswer(question);
  };
  await service.answer('a');
  await service.answer('b', { deadlineMs: 200 });
  t.strictSame(told, [900, 180]);
});

t.test('a caller who leaves gets his own reason, and the engine is told when nobody is left', async (t) => {
  const { engine, service, fallbacks } = setUp();
  let aborted = false;
  engine.onAnswer = (_, __, signal) =>
    new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => {
        aborted = true;
        reject(signal.reason);
      });
    });
  const leaving = new AbortController();
  const answer = service.answer('왜?', {}, leaving.signal);
  await settle();
  leaving.abort(new HaetaeError('CANCELLED', 'left'));
  await t.rejects(answer, { code: 'CANCELLED' });
  t.equal(aborted, true);
  t.strictSame(fallbacks, []);
});

t.test('answers from a bundle that changed meanwhile are not kept', async (t) => {
  const { engine, service } = setUp();
  engine.onAnswer = async (question) => {
    engine.bundleId = 'fake-2';
    return fakeAnswer(question, 'fake-2');
  };
  engine.onRetrieve = async (query) => {
    engine.bundleId = 'fake-3';
    return fakeRetrieval(query, 'fake-3');
  };
  await service.answer('a');
  await service.serveRetrieval('a');
  t.match(service.counters(), { answers: { entries: 0 }, retrievals: { entries: 0 } });
});

t.test('a retrieval with keywords only is served and not kept; a late one is an error', async (t) => {
  const { engine, clock, service } = setUp();
  engine.onRetrieve = async (query) => ({ ...fakeRetrieval(query), degraded: true });
  t.equal((await service.serveRetrieval('a')).outcome, 'miss');
  t.equal((await service.serveRetrieval('a')).outcome, 'miss');
  engine.onRetrieve = () => new Promise(() => undefined);
  await t.rejects(clock.runUntil(service.serveRetrieval('b')), { code: 'ENGINE_TIMEOUT' });
});

t.test('what the caller did wrong is not answered by the fallback', async (t) => {
  const { engine, service, fallbacks } = setUp();
  engine.onAnswer = () => Promise.reject(new HaetaeError('RETRIEVAL_PARAMETER', 'nprobe is 0'));
  await t.rejects(service.answer('a'), { code: 'RETRIEVAL_PARAMETER' });
  await t.rejects(service.answer(' '), { code: 'QUESTION_EMPTY' });
  t.strictSame(fallbacks, []);
  engine.onAnswer = () => Promise.reject(new Error('surprise'));
  t.match(await service.answer('a'), { usedFallback: true, errorMessage: 'INTERNAL: Internal error.' });
  t.match(fallbacks, [{ message: 'surprise' }]);
});

t.test('once the answer is settled, nothing more is heard of it', async (t) => {
  const { engine, clock, service } = setUp();
  engine.onAnswer = (question, _, __, onEvent) => {
    onEvent?.({ type: 'token', text: 'early' });
    return new Promise((resolve) =>
      clock.after(2_000, () => {
        onEvent?.({ type: 'token', text: 'late' });
        resolve(fakeAnswer(question));
      }),
    );
  };
  const heard: unknown[] = [];
  const answer = service.answer('왜?', {}, undefined, (event) => heard.push(event));
  t.match(await clock.runUntil(answer), { usedFallback: true });
  await clock.advance(2_000);
  t.match(heard, [{ text: 'early' }, { type: 'discard', reason: /^ENGINE_TIMEOUT/ }]);
});

t.test('clear forgets what matches', async (t) => {
  const { service } = setUp();
  await service.answer('가');
  await service.answer('나');
  t.equal(service.clear(/가$/u), 1);
  t.equal((await service.serveAnswer('가')).outcome, 'miss');
  t.equal((await service.serveAnswer('나')).outcome, 'hit');
});
