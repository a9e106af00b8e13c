/** A whole bundle loaded: the small corpus, with and without a tiny random student. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { AnswerEvent } from '../../../shared/answering/answer.js';
import { loadRuntime } from '../../../shared/bundle/load-runtime.js';
import type { GenerateEvent } from '../../../shared/lm/language-model.js';
import { addStudent, type StudentBundleOptions, writeBaseBundle } from '../../fixtures/student-bundle.js';

const choiceQuestion =
  '백업 자료에 대한 설명으로 옳은 것은?\n1. 매일 한 번 만든다.\n2. 만들지 않는다.\n3. 한 번만 만든다.\n4. 버린다.';
const openQuestion = '방화벽의 역할을 설명하시오.';
let modelsDir: string;

t.before(async () => {
  modelsDir = await writeBaseBundle(t.testdir({}));
});

async function loaded(t: Test, id: string, options: StudentBundleOptions) {
  await addStudent(modelsDir, id, options);
  const runtime = await loadRuntime({ modelsDir, threads: 1 });
  t.teardown(() => runtime.close());
  return runtime;
}

t.test('without a student the evidence answers and cover re-ranks, and there is no chat', async (t) => {
  const runtime = await loadRuntime({ modelsDir, threads: 1 });
  t.teardown(() => runtime.close());
  t.equal(runtime.info.student, null);
  t.equal(runtime.stats(), null);
  const result = await runtime.answer(choiceQuestion);
  t.match(result, { usedFallback: false, citations: [{ title: '백업' }] });
  t.notOk('usage' in result);
  const { scores, scoredBy } = await runtime.rerank({
    query: '백업 자료의 보관',
    documents: ['피싱은 사기이다.', '백업 자료는 다른 건물에 보관한다.', ''],
  });
  t.equal(scoredBy, 'cover');
  t.ok(scores[1]! > 0.9 && scores[0] === 0 && scores[2] === 0, `${scores}`);
  t.throws(() => runtime.chat({ messages: [{ role: 'user', content: '안녕' }] }), {
    code: 'MODEL_NOT_LOADED',
  });
  const { vectors, dimension, tokens } = await runtime.embed(['백업', '방화벽 점검']);
  t.equal(vectors.length, 2 * dimension);
  t.ok(tokens >= 2);
});

for (const mode of ['label', 'continuation', 'verify'] as const) {
  t.test(`${mode}: the student answers choices, with the evidence's citations`, async (t) => {
    const runtime = await loaded(t, mode, { answering: { mode } });
    t.match(runtime.info.student, { mode, contextLength: 2048, description: /qwen2, float32/ });
    t.ok((runtime.info.student?.weightBytes ?? 0) > 100_000);
    const result = await runtime.answer(choiceQuestion);
    t.match(result, { usedFallback: false, citations: [{ title: '백업' }], answer: /^[1-4]$/ });
    t.equal(result.errorMessage, undefined);
    const sum = result.choices.reduce((total, { probability }) => total + probability, 0);
    t.ok(Math.abs(sum - 1) < 1e-9);
    t.ok(result.usage!.promptTokens > 100 && result.usage!.completionTokens >= 4);
    const again = await runtime.answer(choiceQuestion);
    for (const [i, { probability }] of again.choices.entries())
      t.ok(Math.abs(probability - result.choices[i]!.probability) < 1e-4, 'the same from the cache');
    t.ok(runtime.stats()!.cachedTokens > 0);
  });
}

t.test('the calibration of the bundle tempers the probabilities', async (t) => {
  const plain = await loaded(t, 'plain', {});
  const one = await plain.answer(choiceQuestion);
  const calibration = { questions: 10, negativeLogLikelihood: 1, expectedCalibrationError: 0.1 };
  const cool = await loaded(t, 'cool', {
    answering: { calibration: { ...calibration, temperature: 0.1 } },
  });
  const other = await cool.answer(choiceQuestion);
  t.equal(other.answer, one.answer);
  t.ok(other.confidence > one.confidence);
});

t.test(
  'open answers are streamed, and are the student’s or the evidence’s, never half of each',
  async (t) => {
    const runtime = await loaded(t, 'open', {});
    const events: AnswerEvent[] = [];
    const result = await runtime.answer(openQuestion, {}, undefined, (event) => events.push(event));
    t.match(events.slice(0, 2), [
      { type: 'classification' },
      { type: 'retrieval', passages: [{ title: '방화벽' }] },
    ]);
    const heard = events.reduce(
      (text, event) => (event.type === 'token' ? text + event.text : event.type === 'discard' ? '' : text),
      '',
    );
    t.equal(heard, result.answer);
    t.ok(result.usage!.completionTokens > 0);
    t.match(result.citations, [{ title: '방화벽' }]);
  },
);

t.test('a question longer than the context is answered by the evidence', async (t) => {
  const runtime = await loaded(t, 'short', { student: { contextLength: 256 } });
  t.match(await runtime.answer(choiceQuestion.replace('백업 자료', '백업 자료, 그리고 방화벽 '.repeat(40))), {
    usedFallback: true,
    errorMessage: /answerer: The question alone is \d+ tokens/,
    citations: [{}],
  });
});

t.test('the student chats, scores texts, and counts what it does', async (t) => {
  const runtime = await loaded(t, 'chat', {});
  const events: GenerateEvent[] = [];
  const request = {
    messages: [{ role: 'user' as const, content: '안녕' }],
    maxNewTokens: 5,
    ignoreEos: true,
  };
  for await (const event of runtime.chat(request)) events.push(event);
  t.equal(events.length, 6);
  t.match(events.at(-1), { type: 'end', finishReason: 'length', usage: { completionTokens: 5 } });
  const { scores, scoredBy } = await runtime.rerank({
    query: '백업',
    documents: ['백업은 매일 한다.', '피싱은 사기이다.', '백업은 매일 한다.', '긴 글 '.repeat(2000)],
  });
  t.equal(scoredBy, 'student');
  t.ok(scores.every((score) => score > 0 && score < 1));
  t.ok(Math.abs(scores[0]! - scores[2]!) < 1e-5, 'a text has its score wherever it stands');
  t.ok(runtime.stats()!.completionTokens >= 5);
  t.strictSame((await runtime.rerank({ query: '백업', documents: [] })).scores, []);
});

t.test('a search is re-ranked by the student where the bundle says so', async (t) => {
  const runtime = await loaded(t, 'reranked', { retrieval: { reranker: 'student', candidates: 4 } });
  const before = runtime.stats()!.promptTokens;
  const { passages } = await runtime.retrieve('백업 자료는 어디에 보관하는가?', { topK: 2, rerank: true });
  t.equal(passages.length, 2);
  t.ok(passages.every(({ scores }) => scores.rerank !== null));
  t.ok(runtime.stats()!.promptTokens > before);
});

t.test('in the mode of the evidence a student chats, and answers nothing', async (t) => {
  const runtime = await loaded(t, 'beside', { answering: { mode: 'evidence' } });
  t.notOk('usage' in (await runtime.answer(choiceQuestion)));
  t.match(runtime.info.student, { mode: 'evidence' });
  t.ok(runtime.parts.studentScorer, 'programs that calibrate find its scorer');
});

t.test('a student that computes otherwise than it did is refused when it is loaded', async (t) => {
  await addStudent(modelsDir, 'garbled', {
    fingerprint: ({ probe, logprobs }) => ({ probe, logprobs: [...logprobs].reverse() }),
  });
  await t.rejects(loadRuntime({ modelsDir, threads: 1 }), {
    code: 'BUNDLE_INVALID',
    message: /student of bundle 'garbled' does not compute/,
  });
});

t.test('prompts that this program does not know, and files that are gone, are refused', async (t) => {
  await addStudent(modelsDir, 'future', { prompt: 'ko-99' });
  await t.rejects(loadRuntime({ modelsDir, threads: 1 }), { code: 'BUNDLE_INVALID', message: /ko-99/ });
  await addStudent(modelsDir, 'gone');
  await rm(join(modelsDir, 'gone', 'student', 'tokenizer.json'));
  await t.rejects(loadRuntime({ modelsDir, threads: 1 }), {
    code: 'BUNDLE_INVALID',
    message: /tokenizer\.json/,
  });
});
