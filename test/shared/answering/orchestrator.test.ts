import t from 'tap';
import type { AnswerEvent } from '../../../shared/answering/answer.js';
import type { AnsweringContext, ChoiceScores, OpenAnswer } from '../../../shared/answering/choice-scorer.js';
import { Orchestrator, type OrchestratorParts } from '../../../shared/answering/orchestrator.js';
import { HaetaeError } from '../../../shared/errors.js';
import { classify } from '../../../shared/question/classify.js';
import type { Retrieval, RetrieveOptions } from '../../../shared/retrieval/retriever.js';
import { FakeClock } from '../../fixtures/fake-clock.js';
import { fakeRetrieval } from '../../fixtures/fake-results.js';

const choiceQuestion = '옳은 것은?\n1 가\n2 나나나\n3 다\n4 라';
const openQuestion = '전자서명을 설명하시오.';
const support = { passage: fakeRetrieval('문장').passages[0]!, evidence: '문장이다.', strength: 0.8 };

interface Calls {
  classify: number;
  retrieve: RetrieveOptions[];
  score: number;
  compose: number;
}

/** An orchestrator over parts that work, except those given; `clock.ms` is the time. */
function setUp(
  broken: {
    classify?: (call: number) => void;
    retrieve?: (call: number, options: RetrieveOptions) => void;
    score?: (call: number) => void;
    compose?: (call: number) => void;
    scores?: ChoiceScores;
    open?: OpenAnswer;
  } = {},
) {
  const clock = { ms: 1000 };
  const calls: Calls = { classify: 0, retrieve: [], score: 0, compose: 0 };
  const parts: OrchestratorParts = {
    bundleId: 'bundle-1',
    evidencePassages: 6,
    clock: { now: () => clock.ms, after: () => () => undefined },
    classify: (text) => {
      calls.classify += 1;
      broken.classify?.(calls.classify);
      clock.ms += 1;
      return classify(text);
    },
    retriever: {
      retrieve: async (query, options = {}): Promise<Retrieval> => {
        calls.retrieve.push(options);
        clock.ms += 20;
        broken.retrieve?.(calls.retrieve.length, options);
        return fakeRetrieval(query);
      },
    },
    choiceScorer: {
      score: async ({ classification }) => {
        clock.ms += 300;
        calls.score += 1;
        broken.score?.(calls.score);
        const probabilities = [0.1, 0.2, 0.4, 0.3];
        return (
          broken.scores ?? {
            choices: classification.choices.map((choice, i) => ({
              ...choice,
              probability: probabilities[i]!,
              support: 0,
            })),
            supports: [support],
          }
        );
      },
    },
    openAnswerer: {
      answer: async () => {
        calls.compose += 1;
        broken.compose?.(calls.compose);
        return broken.open ?? { text: '전자서명이란 …이다.', confidence: 0.7, supports: [support] };
      },
    },
  };
  return { orchestrator: new Orchestrator(parts), calls, clock };
}

const fail = (message: string): never => {
  throw new Error(message);
};

t.test('the likeliest choice is the answer, with its evidence and times', async (t) => {
  const { orchestrator, calls } = setUp();
  const result = await orchestrator.answer(choiceQuestion);
  t.match(result, {
    answer: '3',
    confidence: 0.4,
    usedFallback: false,
    bundleId: 'bundle-1',
    classification: { questionType: 'multiple-choice' },
    choices: [{ number: 1 }, { number: 2 }, { number: 3, probability: 0.4 }, { number: 4 }],
    citations: [
      { chunkId: 'law#1', section: '제21조', evidence: '문장이다.', score: 1, licence: 'public-domain' },
    ],
    timings: { classificationMs: 1, retrievalMs: 20, inferenceMs: 300, totalMs: 321 },
  });
  t.notOk('errorMessage' in result);
  t.strictSame(calls.retrieve, [{ topK: 6, rerank: false }]);
});

t.test('an open question is composed, of re-ranked passages', async (t) => {
  const { orchestrator, calls } = setUp();
  t.match(await orchestrator.answer(openQuestion), {
    answer: '전자서명이란 …이다.',
    confidence: 0.7,
    usedFallback: false,
    choices: [],
    citations: [{ evidence: '문장이다.' }],
  });
  t.match(calls.retrieve, [{ topK: 6, rerank: true }]);
});

t.test('retrieval options go to the retriever, over the default depth', async (t) => {
  const { orchestrator, calls } = setUp();
  await orchestrator.answer(choiceQuestion, { retrieval: { topK: 2, fusion: 'rrf', rerank: true } });
  t.strictSame(calls.retrieve, [{ topK: 2, fusion: 'rrf', rerank: true }]);
});

t.test('a classifier that fails is tried three times, then a plain split stands in', async (t) => {
  const twice = setUp({ classify: (call) => void (call < 3 && fail('no rules')) });
  const result = await twice.orchestrator.answer(choiceQuestion);
  t.match(result, { answer: '3', usedFallback: false, classification: { confidence: 1 } });
  t.notOk('errorMessage' in result);

  const always = setUp({ classify: () => fail('no rules') });
  t.match(await always.orchestrator.answer(choiceQuestion), {
    answer: '3',
    errorMessage: 'classifier: no rules',
    classification: { questionType: 'multiple-choice', stem: '옳은 것은?', negated: false, confidence: 0 },
  });
  t.equal(always.calls.classify, 3);
});

t.test('a retriever that fails is tried twice, then with keywords only', async (t) => {
  const once = setUp({ retrieve: (call) => void (call < 2 && fail('no index')) });
  const good = await once.orchestrator.answer(choiceQuestion);
  t.equal(once.calls.retrieve.length, 2);
  t.notOk('errorMessage' in good);

  const vectors = setUp({ retrieve: (_, { weights }) => void (weights?.faiss !== 0 && fail('no vectors')) });
  const result = await vectors.orchestrator.answer(choiceQuestion, { retrieval: { topK: 4 } });
  t.match(result, { answer: '3', usedFallback: false, errorMessage: 'retriever: no vectors' });
  t.strictSame(
    vectors.calls.retrieve.map(({ topK, weights }) => [topK, weights]),
    [
      [4, undefined],
      [4, undefined],
      [4, { bm25: 1, faiss: 0 }],
    ],
  );

  const all = setUp({ retrieve: () => fail('no index') });
  t.match(await all.orchestrator.answer(choiceQuestion), {
    answer: '3',
    errorMessage: 'retriever: no index',
  });
  t.equal(all.calls.retrieve.length, 3);
});

t.test('an answerer that fails is not tried again: the question alone is answered', async (t) => {
  const { orchestrator, calls } = setUp({ score: () => fail('no model') });
  t.match(await orchestrator.answer(choiceQuestion), {
    answer: '2',
    confidence: 0.25,
    usedFallback: true,
    errorMessage: 'answerer: no model',
    choices: [],
    citations: [],
  });
  t.equal(calls.score, 1);
  const open = setUp({ compose: () => fail('no model') });
  t.match(await open.orchestrator.answer(openQuestion), { usedFallback: true, confidence: 0, answer: /\S/ });
});

t.test('every problem is named', async (t) => {
  const { orchestrator } = setUp({
    classify: () => fail('a'),
    retrieve: () => fail('b'),
    score: () => fail('c'),
  });
  t.equal(
    (await orchestrator.answer(choiceQuestion)).errorMessage,
    'classifier: a; retriever: b; answerer: c',
  );
});

t.test('an open answer that is empty gives way to the fallback', async (t) => {
  const { orchestrator } = setUp({ open: { text: '', confidence: 0, supports: [] } });
  const result = await orchestrator.answer(openQuestion);
  t.match(result, { usedFallback: true, confidence: 0, errorMessage: /no passage/ });
  t.not(result.answer, '');
});

t.test('scores that are no scores give way to the fallback', async (t) => {
  const choices = classify(choiceQuestion).choices.map((choice) => ({
    ...choice,
    probability: Number.NaN,
    support: 0,
  }));
  for (const scores of [
    { choices: [], supports: [] },
    { choices, supports: [] },
  ]) {
    t.match(await setUp({ scores }).orchestrator.answer(choiceQuestion), {
      answer: '2',
      confidence: 0.25,
      usedFallback: true,
      errorMessage: /answerer: /,
    });
  }
});

t.test('when the time is up, the question alone is answered', async (t) => {
  const before = setUp();
  const early = await before.orchestrator.answer(choiceQuestion, { deadlineMs: 1 });
  t.match(early, { answer: '2', usedFallback: true, errorMessage: /time/ });
  t.strictSame([before.calls.retrieve.length, before.calls.score], [0, 0]);

  const between = setUp();
  const late = await between.orchestrator.answer(choiceQuestion, { deadlineMs: 21 });
  t.match(late, { answer: '2', usedFallback: true, errorMessage: /time/ });
  t.strictSame([between.calls.retrieve.length, between.calls.score], [1, 0]);

  t.match(await setUp().orchestrator.answer(choiceQuestion, { deadlineMs: 22 }), { usedFallback: false });
});

t.test('a retriever is not tried again once the time is up', async (t) => {
  const { orchestrator, calls } = setUp({ retrieve: () => fail('slow') });
  const result = await orchestrator.answer(choiceQuestion, { deadlineMs: 10 });
  t.equal(calls.retrieve.length, 1);
  t.match(result, { usedFallback: true, errorMessage: 'retriever: slow; the time for this question was up' });
});

t.test('what is wrong with the request is said, not tried again', async (t) => {
  const { orchestrator } = setUp();
  await t.rejects(orchestrator.answer(' '), { code: 'QUESTION_EMPTY' });
  await t.rejects(orchestrator.answer('가'.repeat(30_000)), { code: 'QUESTION_TOO_LONG' });
  const bad = setUp({
    retrieve: () => {
      throw new HaetaeError('RETRIEVAL_PARAMETER', 'nprobe is no number');
    },
  });
  await t.rejects(bad.orchestrator.answer(choiceQuestion), { code: 'RETRIEVAL_PARAMETER' });
  t.equal(bad.calls.retrieve.length, 1);
  const internal = setUp({
    retrieve: () => {
      throw new HaetaeError('FAISS_ERROR', 'native');
    },
  });
  t.match(await internal.orchestrator.answer(choiceQuestion), { errorMessage: 'retriever: native' });
});

t.test('the caller’s signal ends the work, wherever it stands', async (t) => {
  const reason = new Error('client went');
  const already = setUp();
  await t.rejects(already.orchestrator.answer(choiceQuestion, {}, AbortSignal.abort(reason)), reason);
  t.equal(already.calls.retrieve.length, 0);
  for (const step of ['retrieve', 'score'] as const) {
    // A score that is there when the caller goes is returned all the same.
    for (const fails of step === 'retrieve' ? [true, false] : [true]) {
      const stop = new AbortController();
      const { orchestrator, calls } = setUp({
        [step]: () => {
          stop.abort(reason);
          if (fails) fail('stopped');
        },
      });
      await t.rejects(orchestrator.answer(choiceQuestion, {}, stop.signal), reason, `${step} ${fails}`);
      t.equal(calls.retrieve.length, 1, 'nothing is tried again');
      t.equal(calls.score, step === 'score' ? 1 : 0);
    }
  }
});

interface Student {
  score?: (context: AnsweringContext) => Promise<ChoiceScores>;
  write?: (context: AnsweringContext, onText: (piece: string) => void) => Promise<OpenAnswer>;
}

const usage = { promptTokens: 10, cachedTokens: 4, completionTokens: 2 };

/** A student before the evidence, which answers 3 and '근거로 쓴 글이다.'; `events` is what a listener hears. */
function withStudent(student: Student, clock = new FakeClock()) {
  const events: AnswerEvent[] = [];
  const contexts: AnsweringContext[] = [];
  const scoresOf = (picked: number, { classification }: AnsweringContext): ChoiceScores => ({
    choices: classification.choices.map((choice) => ({
      ...choice,
      probability: choice.number === picked ? 0.7 : 0.1,
      support: 0,
    })),
    supports: [support],
  });
  const orchestrator = new Orchestrator({
    bundleId: 'bundle-1',
    evidencePassages: 6,
    clock,
    retriever: { retrieve: async (query) => fakeRetrieval(query) },
    choiceScorer: {
      score: async (context) => {
        contexts.push(context);
        return (await student.score?.(context)) ?? { ...scoresOf(4, context), usage };
      },
    },
    openAnswerer: {
      answer: async (context, onText = () => {}) => {
        contexts.push(context);
        if (student.write) return student.write(context, onText);
        for (const piece of ['학생이 ', '쓴 글']) onText(piece);
        return { text: '학생이 쓴 글', confidence: 0.9, supports: [support], usage };
      },
    },
    fallbacks: {
      choiceScorer: { score: async (context) => scoresOf(3, context) },
      openAnswerer: {
        answer: async () => ({ text: '근거로 쓴 글이다.', confidence: 0.5, supports: [support] }),
      },
    },
  });
  const ask = (question: string, deadlineMs?: number, signal?: AbortSignal) =>
    orchestrator.answer(question, deadlineMs === undefined ? {} : { deadlineMs }, signal, (event) =>
      events.push(event),
    );
  return { ask, events, contexts, clock };
}

/** What a listener that forgets at every `discard` has read. */
function textOf(events: readonly AnswerEvent[]): string {
  return events.reduce(
    (text, event) => (event.type === 'token' ? text + event.text : event.type === 'discard' ? '' : text),
    '',
  );
}

t.test('the student answers, and says what it cost', async (t) => {
  const { ask, events, contexts } = withStudent({});
  t.match(await ask(choiceQuestion), { answer: '4', confidence: 0.7, usedFallback: false, usage });
  t.strictSame(
    events.map(({ type }) => type),
    ['classification', 'retrieval'],
  );
  t.match(events, [
    { classification: { questionType: 'multiple-choice' } },
    { passages: [{ chunkId: 'law#1', title: '전자금융거래법', section: '제21조', score: 1 }] },
  ]);
  t.notOk('remainingMs' in contexts[0]!, 'no deadline, no time left to speak of');
});

t.test('an open answer is heard as it is written', async (t) => {
  const { ask, events } = withStudent({});
  const result = await ask(openQuestion);
  t.match(result, {
    answer: '학생이 쓴 글',
    usedFallback: false,
    usage,
    citations: [{ evidence: '문장이다.' }],
  });
  t.strictSame(
    events.map((event) => (event.type === 'token' ? event.text : event.type)),
    ['classification', 'retrieval', '학생이 ', '쓴 글'],
  );
});

t.test('an answerer that writes at once is heard all the same', async (t) => {
  const text = '한 번에 쓴 글';
  const { ask, events } = withStudent({ write: async () => ({ text, confidence: 1, supports: [] }) });
  await ask(openQuestion);
  t.equal(textOf(events), text);
  t.equal(events.filter(({ type }) => type === 'discard').length, 0);
});

t.test('a text that was changed after it was heard is discarded and heard anew', async (t) => {
  const { ask, events } = withStudent({
    write: async (_, onText) => {
      onText('베낀 글');
      return { text: '자료에 따르면 베낀 글', confidence: 1, supports: [] };
    },
  });
  const { answer } = await ask(openQuestion);
  t.equal(textOf(events), answer);
  t.match(events.slice(2), [{ text: '베낀 글' }, { type: 'discard' }, { text: '자료에 따르면 베낀 글' }]);
});

t.test('where the student fails, in whatever way, the evidence answers', async (t) => {
  const failures: [name: string, error: Error][] = [
    ['native', new Error('native')],
    ['busy', new HaetaeError('ENGINE_BUSY', 'too many')],
    ['context', new HaetaeError('LM_CONTEXT_EXCEEDED', 'too long')],
  ];
  for (const [name, error] of failures) {
    const reject = async (): Promise<never> => {
      throw error;
    };
    const choice = withStudent({ score: reject });
    t.match(
      await choice.ask(choiceQuestion),
      { answer: '3', usedFallback: true, errorMessage: `answerer: ${error.message}`, citations: [{}] },
      name,
    );
    const open = withStudent({
      write: async (_, onText) => {
        onText('반쪽');
        throw error;
      },
    });
    t.match(await open.ask(openQuestion), { answer: '근거로 쓴 글이다.', usedFallback: true }, name);
    t.equal(textOf(open.events), '근거로 쓴 글이다.', name);
    t.match(open.events[3], { type: 'discard', reason: new RegExp(error.message) });
  }
});

t.test('a student that writes nothing of use gives way, and what it cost is still said', async (t) => {
  const { ask, events } = withStudent({
    write: async (_, onText) => {
      onText('가 가 가 가');
      return { text: '', confidence: 0, supports: [], usage };
    },
  });
  t.match(await ask(openQuestion), {
    answer: '근거로 쓴 글이다.',
    usedFallback: true,
    errorMessage: /nothing of use/,
    usage,
  });
  t.equal(textOf(events), '근거로 쓴 글이다.');
});

t.test('a student that is late is stopped, in time for the evidence to answer', async (t) => {
  const { ask, contexts, events, clock } = withStudent({
    // It does not heed its signal, and goes on writing when nobody listens.
    write: (_, onText) =>
      new Promise((resolve) => {
        onText('천천히');
        clock.after(5_000, () => {
          onText('너무 늦게');
          resolve({ text: '천천히너무 늦게', confidence: 1, supports: [] });
        });
      }),
  });
  const result = await clock.runUntil(ask(openQuestion, 1000));
  t.match(result, {
    answer: '근거로 쓴 글이다.',
    usedFallback: true,
    errorMessage: /no answer within 800 ms/,
  });
  t.equal(result.timings.totalMs, 800);
  t.equal(contexts[0]?.remainingMs, 1000);
  t.ok(contexts[0]?.signal?.aborted);
  await clock.advance(10_000);
  t.equal(textOf(events), '근거로 쓴 글이다.');

  const inTime = withStudent({});
  t.match(await inTime.ask(openQuestion, 1000), { usedFallback: false });
  t.strictSame(inTime.clock.waiting(), [], 'no timer is left');
});

t.test('the caller’s signal reaches the student and ends the work', async (t) => {
  for (const deadlineMs of [undefined, 1000]) {
    const reason = new Error('client went');
    const stop = new AbortController();
    const { ask, contexts } = withStudent({
      score: ({ signal }) =>
        new Promise((_, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason));
          stop.abort(reason);
        }),
    });
    await t.rejects(ask(choiceQuestion, deadlineMs, stop.signal), reason);
    t.ok(contexts[0]?.signal?.aborted);
  }
});

t.test('where all answerers fail, the question alone is answered, and heard', async (t) => {
  const { orchestrator } = setUp({ compose: () => fail('no model') });
  const heard: AnswerEvent[] = [];
  const result = await orchestrator.answer(openQuestion, {}, undefined, (event) => heard.push(event));
  t.ok(result.usedFallback);
  t.equal(textOf(heard), result.answer);
});
