import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import t from 'tap';
import type { EvaluatedRuntime } from '../../../cli/evaluate/ask-questions.js';
import { type EvaluateOptions, evaluateBundle } from '../../../cli/evaluate/evaluate-bundle.js';
import { evaluationJson } from '../../../cli/evaluate/evaluation-json.js';
import { evaluationText } from '../../../cli/evaluate/evaluation-text.js';
import type { AnswerResult } from '../../../shared/answering/answer.js';
import { classify } from '../../../shared/question/classify.js';
import { fakeManifest } from '../../fixtures/fake-bundle.js';
import { fakeInfo, fakeVectors } from '../../fixtures/fake-results.js';
import { smallChunk } from '../../fixtures/small-search.js';

const choices = '1 가\n2 나\n3 다\n4 라';
const csv = `Question,Answer,domain,Keyword
"옳은 것은? 하나\n${choices}",2,법률,
"옳지 않은 것은? 둘\n${choices}",3,법률,
"옳은 것은? 셋\n${choices}\n5 마",②,일반,
"옳은 것은? 넷\n${choices}",,일반,
"방화벽을 설명하시오.",접속을 차단하는 장치,일반,"접속, 장치"
`;

/** Picks the choice 나 wherever it stands, with 0.7; answers others with a passage's words. */
function answerOf(question: string): AnswerResult {
  const classification = classify(question);
  const picked = classification.choices.find(({ text }) => text === '나')?.number;
  const others = 0.3 / Math.max(1, classification.choices.length - 1);
  return {
    answer: picked === undefined ? '방화벽은 접속을 막는다' : String(picked),
    confidence: 0.7,
    usedFallback: question.includes('셋'),
    classification,
    choices: classification.choices.map((choice) => ({
      ...choice,
      ...{ probability: choice.number === picked ? 0.7 : others, support: 0 },
    })),
    citations: [],
    timings: { classificationMs: 0, retrievalMs: 0, inferenceMs: 0, totalMs: 0 },
    bundleId: 'default-1',
  };
}

async function setUp(more: Partial<EvaluateOptions> = {}, text = csv) {
  const folder = t.testdir({ 'q.csv': text });
  const modelsDir = join(folder, 'models');
  await mkdir(join(modelsDir, 'default-1'), { recursive: true });
  await writeFile(join(modelsDir, 'current'), 'default-1\n');
  const writeManifest = (createdAt: string) =>
    writeFile(
      join(modelsDir, 'default-1', 'manifest.json'),
      JSON.stringify({ ...fakeManifest('default-1'), createdAt }),
    );
  await writeManifest('2025-01-01');
  const seen = { asked: [] as string[], loaded: [] as unknown[], closed: 0, screen: '' };
  const runtime: EvaluatedRuntime = {
    info: { ...fakeInfo('default-1'), warnings: ['an exact scan is used'] },
    parts: {
      chunks: [smallChunk('fire', '방화벽은 접속을 막는 장치이다')],
      embedder: {
        ...{ dimension: 2, fingerprint: 'f', embed: async (texts) => fakeVectors(texts) },
        ...{ countTokens: async () => 0, close: async () => undefined },
      },
    },
    answer: async (question, _options, signal, onEvent) => {
      signal?.throwIfAborted();
      seen.asked.push(question);
      onEvent?.({ type: 'retrieval', passages: [{ chunkId: 'fire', title: '', section: '', score: 1 }] });
      return answerOf(question);
    },
    close: async () => {
      seen.closed += 1;
    },
  };
  const options: EvaluateOptions = {
    ...{ modelsDir, files: [join(folder, 'q.csv')], shuffles: 0, seed: 1, threads: 1, speed: false },
    batch: { concurrency: 2, deadlineMs: 60_000, questionDeadlineMs: 1000 },
    loadRuntime: async (load) => {
      seen.loaded.push(load);
      return runtime;
    },
    signal: new AbortController().signal,
    screen: new Writable({
      write(chunk, _, done) {
        seen.screen += chunk;
        done();
      },
    }),
    ...more,
  };
  /** Those of the file: two others warm up. */
  const asked = () => seen.asked.filter((question) => !question.startsWith('접근통제'));
  return { folder, options, runtime, seen, asked, writeManifest };
}

t.test('the whole of a mixed file by hand', async (t) => {
  const { options, seen, asked } = await setUp({ speed: true, shuffles: 2 });
  const evaluation = await evaluateBundle(options);
  t.match(evaluation, {
    ...{ bundleId: 'default-1', mode: 'evidence', student: null, questions: 4, unanswered: 1 },
    choices: {
      ...{ questions: 3, correct: 2, accuracy: 2 / 3, confidentHalfAccuracy: 2 / 3 },
      byDomain: { 법률: { questions: 2, correct: 1 }, 일반: { questions: 1, correct: 1 } },
      byType: { negatedStem: { correct: 0 }, positiveStem: { correct: 2 }, fiveChoices: { questions: 1 } },
      shuffled: { questions: 6, correct: 4, deals: [2 / 3, 2 / 3] },
    },
    open: { questions: 1, keywordRecall: 0.5, keywordSource: 'column' },
    recall: null,
    fallbackShare: 0.25,
    speed: { questions: 4, concurrency: 2 },
    latency: { choices: { p50: Number }, open: { p50: Number } },
  });
  t.ok(Math.abs(evaluation.choices!.ece - (0.7 - 2 / 3)) < 1e-12);
  // 나 is right at 0.7 twice, 다 had 0.1.
  t.ok(Math.abs(evaluation.choices!.logLikelihood! - (2 * Math.log(0.7) + Math.log(0.1)) / 3) < 1e-12);
  // The passage cut to the answer's eleven characters 방화벽은 접속을 막는 holds 접속, and not 장치.
  t.match(evaluation.open!.trivial, { passage: { keywordRecall: 0.5 }, question: { keywordRecall: 0 } });
  t.equal(asked().length, 4 + 3 * 2 + 4, 'as written, two deals of the choices, the batch');
  t.strictSame([seen.loaded.length, seen.closed], [2, 2]);
  t.match(seen.screen, /warning: an exact scan is used/);
  t.match(seen.screen, /1 rows have no Answer/);

  const line = evaluationJson(evaluation);
  t.notMatch(line, /\n/);
  t.match(JSON.parse(line), {
    ...{
      bundleId: 'default-1',
      questions: 4,
      accuracy: 0.666667,
      accuracyLow: 0.20766,
      accuracyHigh: 0.938508,
    },
    ...{ ece: 0.033333, confidentHalfAccuracy: 0.666667, keywordRecall: 0.5, recall: null },
    byDomain: { 법률: { accuracy: 0.5, accuracyLow: 0.094531, accuracyHigh: 0.905469, questions: 2 } },
    byType: { negatedStem: { accuracy: 0 } },
    questionsPerSecond: Number,
    openScore: 0.6 * evaluation.open!.cosine + 0.2,
  });
  const lines = evaluationText(evaluation).join('\n');
  t.match(lines, /all +0\.667 {2}\(0\.208 to 0\.939; 3\)/);
  t.match(lines, /the question repeated +0\.000/);
  t.match(lines, /questions\/s {2}\(4 in /);
});

t.test('what the files do not hold is null', async (t) => {
  const open = await setUp({}, 'Question,Reference\n"방화벽을 설명하시오.",접속\n');
  const line = JSON.parse(evaluationJson(await evaluateBundle(open.options)));
  const none = ['accuracy', 'accuracyLow', 'accuracyHigh', 'byDomain', 'byType', 'ece', 'score', 'choices'];
  for (const key of [...none, 'confidentHalfAccuracy', 'questionsPerSecond', 'recall'])
    t.equal(line[key], null, key);
  t.match(line, { open: { keywordSource: 'reference' }, latency: { choices: null } });
  const closed = await setUp({}, `Question,Answer\n"무엇인가?\n${choices}",1\n`);
  const other = JSON.parse(evaluationJson(await evaluateBundle(closed.options)));
  for (const key of ['keywordRecall', 'openCosine', 'openScore', 'score', 'open'])
    t.equal(other[key], null, key);
  t.equal(other.accuracy, 0);
});

t.test('a measurement that is stopped goes on behind what was answered', async (t) => {
  const { folder, options, runtime, seen, asked, writeManifest } = await setUp();
  const out = join(folder, 'deep', 'answers.jsonl');
  const stop = new AbortController();
  const { answer } = runtime;
  runtime.answer = async (question, ...more) => {
    if (question.includes('셋')) stop.abort(new Error('interrupted'));
    return answer(question, ...more);
  };
  await t.rejects(evaluateBundle({ ...options, out, signal: stop.signal }), { message: 'interrupted' });
  t.match(seen.screen, /Interrupted; what was answered is in .*answers\.jsonl/);
  t.equal((await readFile(out, 'utf8')).trim().split('\n').length, 2);
  // As a kill leaves it, in the middle of a line.
  await writeFile(out, `${await readFile(out, 'utf8')}{"bundle":"default-1","mani`);
  runtime.answer = answer;
  seen.asked = [];
  const resumed = await evaluateBundle({ ...options, out });
  t.equal(asked().length, 2);
  t.match(asked()[0], /셋/);
  seen.asked = [];
  const again = await evaluateBundle({ ...options, out });
  t.strictSame([asked().length, seen.closed], [0, 3]);
  t.strictSame(again, resumed);
  t.match(again.choices, { questions: 3, correct: 2 });
  t.match(JSON.parse((await readFile(out, 'utf8')).split('\n')[2]!), {
    ...{
      bundle: 'default-1',
      mode: 'evidence',
      row: 3,
      deal: 0,
      type: 'multiple-choice',
      expected: '2',
      answer: '2',
    },
    ...{ correct: true, usedFallback: true, passages: ['fire'] },
  });

  await writeManifest('2025-01-02');
  await evaluateBundle({ ...options, out });
  t.equal(asked().length, 4, 'another content of the bundle is asked anew');
  await evaluateBundle({ ...options, out, mode: 'verify' });
  t.equal(asked().length, 8, 'so is another mode');
  t.match(seen.loaded.at(-1), { mode: 'verify', bundleId: 'default-1' });
});

t.test('a measurement that is stopped without a file says that nothing is kept', async (t) => {
  const { options, seen } = await setUp({ signal: AbortSignal.abort(new Error('interrupted')) });
  await t.rejects(evaluateBundle(options), { message: 'interrupted' });
  t.match(seen.screen, /nothing was kept/);
  t.equal(seen.closed, 1);
});

t.test('a sample is drawn by the seed', async (t) => {
  const rows = Array.from({ length: 30 }, (_, i) => `"무엇인가? ${i}\n${choices}",1`).join('\n');
  const { options, asked, seen } = await setUp({ limit: 5 }, `Question,Answer\n${rows}\n`);
  t.match(await evaluateBundle(options), { questions: 5 });
  const first = asked();
  seen.asked = [];
  await evaluateBundle(options);
  t.strictSame(asked(), first);
  seen.asked = [];
  await evaluateBundle({ ...options, seed: 2 });
  t.notSame(asked(), first);
});

t.test('files that cannot be measured on are refused before anything is loaded', async (t) => {
  const { folder, options, seen } = await setUp();
  const [file] = options.files as [string];
  const write = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  const refused = (more: Partial<EvaluateOptions>, error: { code: string; message?: RegExp }) =>
    t.rejects(evaluateBundle({ ...options, ...more }), error);
  await refused({ files: [join(folder, 'none.csv')] }, { code: 'FILE_NOT_FOUND' });
  await refused({ files: [folder] }, { code: 'FILE_NOT_FOUND' });
  await refused(
    { files: [file, join(folder, 'models', '..', 'q.csv')] },
    { code: 'USAGE', message: /twice/ },
  );
  const empty = await write('empty.csv', 'Question,Answer\n무엇인가?,\n');
  await refused({ files: [empty] }, { code: 'CSV_EMPTY', message: /no row has an Answer/ });
  await refused({ files: [await write('b.csv', 'ID,Question\n1,무엇?\n')] }, { code: 'CSV_MISSING_COLUMN' });
  await refused({ bundleId: 'nowhere' }, { code: 'BUNDLE_NOT_FOUND', message: /There is default-1\./ });
  t.equal(seen.loaded.length, 0);
});

t.test('--out never takes the place of anything but predictions', async (t) => {
  const { folder, options, seen } = await setUp();
  const [file] = options.files as [string];
  const before = await readFile(file, 'utf8');
  await t.rejects(evaluateBundle({ ...options, out: file }), {
    code: 'USAGE',
    message: /is a question file/,
  });
  t.equal(await readFile(file, 'utf8'), before);
  const notes = join(folder, 'notes.txt');
  await writeFile(notes, 'a line without an end');
  await t.rejects(evaluateBundle({ ...options, out: notes }), {
    code: 'USAGE',
    message: /holds no predictions/,
  });
  t.equal(await readFile(notes, 'utf8'), 'a line without an end');
  await t.rejects(evaluateBundle({ ...options, out: folder }), { code: 'USAGE', message: /no plain file/ });
  await t.rejects(evaluateBundle({ ...options, out: join(notes, 'x') }), {
    code: 'USAGE',
    message: /cannot be written/,
  });
  const damaged = join(folder, 'damaged.jsonl');
  await writeFile(damaged, '{"bundle":"default-1"}\n');
  await t.rejects(evaluateBundle({ ...options, out: damaged }), {
    code: 'TRAINING_DATA_INVALID',
    message: /:1: /,
  });
  await writeFile(damaged, '');
  await evaluateBundle({ ...options, out: damaged });
  t.equal((await readFile(damaged, 'utf8')).trim().split('\n').length, 4, 'an empty file is begun');
  t.equal(seen.loaded.length, 1);
});

t.test('an answer that is a number of a question without choices is remarked on', async (t) => {
  const { options, seen } = await setUp({}, 'Question,Answer\n무엇인가?,3\n');
  t.match(await evaluateBundle(options), { choices: null, open: { questions: 1 } });
  t.match(seen.screen, /row 1: no choices were found, so the Answer 3 is taken as a text/);
});
