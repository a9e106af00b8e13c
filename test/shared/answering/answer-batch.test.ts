import t from 'tap';
import type { Answerer, AnswerOptions, SubmissionRow } from '../../../shared/answering/answer.js';
import { answerBatch, type BatchOptions } from '../../../shared/answering/answer-batch.js';
import { fallbackResult } from '../../../shared/answering/fallback-result.js';
import { seededRandom } from '../../../shared/random.js';
import { FakeClock, settle } from '../../fixtures/fake-clock.js';
import { fakeAnswer } from '../../fixtures/fake-results.js';

const questions = (n: number) =>
  Array.from({ length: n }, (_, i) => ({ id: `Q${i}`, question: `question ${i}` }));

const options = (clock: FakeClock, more: Partial<BatchOptions> = {}): BatchOptions => ({
  concurrency: 3,
  deadlineMs: 1_000_000,
  questionDeadlineMs: 30_000,
  clock,
  ...more,
});

/** Answers after a time that depends on the question; a time of Infinity never does. */
function slowAnswerer(clock: FakeClock, msOf: (index: number) => number, heedsSignal = true) {
  const seen: { index: number; at: number; options: AnswerOptions | undefined }[] = [];
  let active = 0;
  let mostActive = 0;
  const answerer: Answerer = {
    answer(question, options, signal) {
      const index = Number(/\d+$/u.exec(question)?.[0]);
      seen.push({ index, at: clock.now(), options });
      active += 1;
      mostActive = Math.max(mostActive, active);
      return new Promise<Awaited<ReturnType<Answerer['answer']>>>((resolve, reject) => {
        const ms = msOf(index);
        if (heedsSignal) signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
        if (Number.isFinite(ms)) clock.after(ms, () => resolve(fakeAnswer(question)));
      }).finally(() => {
        active -= 1;
      });
    },
  };
  return { answerer, seen, mostActive: () => mostActive };
}

async function collect(rows: AsyncIterable<SubmissionRow>): Promise<SubmissionRow[]> {
  const all: SubmissionRow[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

t.test(
  'whatever each question takes, rows come in input order, once each, with their own answer',
  async (t) => {
    for (let seed = 1; seed <= 20; seed++) {
      const next = seededRandom(seed);
      const clock = new FakeClock();
      const times = Array.from({ length: 25 }, () => Math.floor(next() * 500));
      const concurrency = 1 + Math.floor(next() * 6);
      const { answerer, mostActive } = slowAnswerer(clock, (i) => times[i] ?? 0);
      const rows = await clock.runUntil(
        collect(answerBatch(questions(25), answerer, options(clock, { concurrency }))),
      );
      t.strictSame(
        rows.map(({ id, answer }) => `${id} ${answer}`),
        questions(25).map(({ id, question }) => `${id} echo: ${question}`),
      );
      t.ok(mostActive() <= concurrency, `${mostActive()} of ${concurrency}`);
    }
  },
);

t.test('a question that fails or runs out of time gets the fallback, the others their answers', async (t) => {
  const clock = new FakeClock();
  const { answerer } = slowAnswerer(clock, (i) => (i === 1 ? Number.POSITIVE_INFINITY : 10), false);
  const failing: Answerer = {
    answer: (question, ...rest) =>
      question === 'question 2' ? Promise.reject(new Error('broken')) : answerer.answer(question, ...rest),
  };
  const rows = await clock.runUntil(collect(answerBatch(questions(4), failing, options(clock))));
  t.strictSame(
    rows.map(({ usedFallback }) => usedFallback),
    [false, true, true, false],
  );
  t.match(rows[1]?.errorMessage, /30000 ms/);
  t.equal(rows[1]?.inferenceTimeMs, 30_000);
  t.equal(rows[2]?.errorMessage, 'broken');
  t.notOk('errorMessage' in (rows[0] ?? {}));
});

t.test('a question that cannot be asked gets a row all the same', async (t) => {
  const clock = new FakeClock();
  const { answerer, seen } = slowAnswerer(clock, () => 0);
  const input = [{ id: 'long', question: 'x'.repeat(30_000) }, ...questions(1)];
  const rows = await clock.runUntil(collect(answerBatch(input, answerer, options(clock))));
  t.match(rows[0], { id: 'long', usedFallback: true, errorMessage: /30000 characters/ });
  t.equal(rows[1]?.usedFallback, false);
  t.equal(seen.length, 1);
});

t.test('every row is written by the deadline of the batch, whatever the questions take', async (t) => {
  for (const heeds of [true, false]) {
    for (const [deadlineMs, ms] of [
      [0, 10],
      [100, 10],
      [1_000, Number.POSITIVE_INFINITY],
      [5_000, 400],
      [60_000, 1_000],
    ] as const) {
      const clock = new FakeClock();
      const { answerer } = slowAnswerer(clock, () => ms, heeds);
      const rows = await clock.runUntil(
        collect(answerBatch(questions(40), answerer, options(clock, { deadlineMs }))),
      );
      t.equal(rows.length, 40);
      t.ok(clock.now() <= deadlineMs, `${clock.now()} ms of ${deadlineMs}`);
      t.equal(
        rows.every(({ usedFallback }) => !usedFallback),
        deadlineMs === 60_000,
      );
    }
  }
});

t.test(
  'a hung question costs at most four fair shares of the time, so that the rest are still answered',
  async (t) => {
    const clock = new FakeClock();
    const { answerer } = slowAnswerer(clock, (i) => (i === 0 ? Number.POSITIVE_INFINITY : 50));
    const batch = options(clock, { concurrency: 1, deadlineMs: 10_000 });
    const rows = await clock.runUntil(collect(answerBatch(questions(100), answerer, batch)));
    t.equal(rows[0]?.inferenceTimeMs, 400);
    t.strictSame(
      rows.filter(({ usedFallback }) => usedFallback).map(({ id }) => id),
      ['Q0'],
    );
  },
);

t.test('the answerer is told of a budget a little shorter than the one it is held to', async (t) => {
  const clock = new FakeClock();
  const { answerer, seen } = slowAnswerer(clock, () => 1);
  await clock.runUntil(
    collect(answerBatch(questions(1), answerer, options(clock, { questionDeadlineMs: 1_000 }))),
  );
  t.equal(seen[0]?.options?.deadlineMs, 900);
});

t.test('a slow reader slows the work down', async (t) => {
  const clock = new FakeClock();
  const { answerer, seen } = slowAnswerer(clock, () => 1);
  const rows = answerBatch(questions(200), answerer, options(clock, { concurrency: 2 }));
  await clock.runUntil(rows.next());
  await clock.advance(10_000);
  t.ok(seen.length <= 2 * 8 + 1, `${seen.length} begun while one was read`);
  await rows.return();
});

t.test('an abort ends the batch and begins nothing more', async (t) => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const { answerer, seen } = slowAnswerer(clock, () => 100);
  const rows = collect(answerBatch(questions(50), answerer, options(clock, { signal: stop.signal })));
  await clock.advance(150);
  const begun = seen.length;
  stop.abort(new Error('the reader left'));
  await t.rejects(rows, { message: 'the reader left' });
  await clock.advance(10_000);
  t.equal(seen.length, begun);
  t.strictSame(clock.waiting(), []);
});

t.test('a reader who stops early cancels what is in work', async (t) => {
  const clock = new FakeClock();
  const cancelled: string[] = [];
  const answerer: Answerer = {
    answer: (question, _, signal) =>
      question === 'question 0'
        ? Promise.resolve(fakeAnswer(question))
        : new Promise((_resolve, reject) => {
            signal?.addEventListener('abort', () => {
              cancelled.push(question);
              reject(signal.reason);
            });
          }),
  };
  for await (const _ of answerBatch(questions(3), answerer, options(clock))) break;
  await settle();
  t.strictSame(cancelled, ['question 1', 'question 2']);
});

t.test('no questions are no rows, and an aborted signal begins nothing', async (t) => {
  const clock = new FakeClock();
  const { answerer, seen } = slowAnswerer(clock, () => 0);
  t.strictSame(await collect(answerBatch([], answerer, options(clock))), []);
  await t.rejects(
    collect(
      answerBatch(questions(2), answerer, options(clock, { signal: AbortSignal.abort(new Error('no')) })),
    ),
  );
  t.equal(seen.length, 0);
});

t.test('the answer of last resort is a choice where there are choices', async (t) => {
  const result = fallbackResult('옳은 것은?\n1 가\n2 나나나\n3 다', 'why', 'bundle-1');
  t.match(result, {
    usedFallback: true,
    errorMessage: 'why',
    bundleId: 'bundle-1',
    classification: { questionType: 'multiple-choice' },
  });
  t.match(result.answer, /^[123]$/);
  t.match(fallbackResult('', 'why'), { usedFallback: true, answer: /./u });
  const long = fallbackResult('가'.repeat(20_001), 'why');
  t.equal(long.classification.questionType, 'open');
  t.match(long.answer, /근거/u, 'an open question gets a sentence, not a number');
});
