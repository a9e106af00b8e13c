/** A teacher at a (fake) server, over sockets, with its journal: what is asked, asked again, and never paid twice. */
import { spawn } from 'node:child_process';
import { once, setMaxListeners } from 'node:events';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import type { OpenAiTeacherConfig } from '../../../../training/pipeline/pipeline-config.js';
import {
  type ModelTeacherOptions,
  openModelTeacher,
} from '../../../../training/synthesis/model-teacher/open-model-teacher.js';
import {
  type FakeFault,
  type FakeOpenAiOptions,
  startFakeOpenAi,
} from '../../../fixtures/fake-openai-server.js';
import { smallChunk } from '../../../fixtures/small-search.js';
import { HastyClock } from '../../../fixtures/hasty-clock.js';
import { questionOf, serverConfig, timeoutMs } from './teacher-requests.js';

const never = new AbortController().signal;
setMaxListeners(0, never);

const byPrompt: NonNullable<FakeOpenAiOptions['respond']> = ({ messages, seed }) =>
  `${messages[0]?.content}의 답 ${seed}`;

async function setUp(t: Test, server: FakeOpenAiOptions = {}, config: Partial<OpenAiTeacherConfig> = {}) {
  const fake = await startFakeOpenAi({ respond: byPrompt, ...server });
  t.teardown(() => fake.close());
  const journal = join(t.testdir({}), 'work', 'replies.jsonl');
  const clock = new HastyClock(timeoutMs);
  const open = async (options: Partial<ModelTeacherOptions> = {}) => {
    const teacher = await openModelTeacher(serverConfig(fake.baseUrl, config), {
      ...{ journal, threads: 1, log: () => {}, clock, random: () => 1, ...options },
    });
    t.teardown(() => teacher.close());
    return teacher;
  };
  return { fake, journal, clock, open };
}

const faults: [what: string, fault: FakeFault, reason: RegExp][] = [
  ['an internal error', { kind: 'status', status: 500 }, /500 .*fault 500/],
  [
    'being told to come later',
    { kind: 'status', status: 503, headers: { 'retry-after': '20' } },
    /503.*in 21\.0 s/,
  ],
  [
    'too many requests',
    { kind: 'status', status: 429, headers: { 'retry-after': new Date(0).toUTCString() } },
    /429.*in 1\.0 s/,
  ],
  ['a page', { kind: 'body', body: '<html><p>Welcome</p></html>', type: 'text/html' }, /not JSON: Welcome/],
  ['broken JSON', { kind: 'body', body: '{"choices": [{"mess' }, /not JSON/],
  ['no choices', { kind: 'body', body: '{"choices": []}' }, /without a choice/],
  ['a cut connection', { kind: 'cut' }, /connection failed/],
  ['a connection cut within the body', { kind: 'cut-body' }, /connection failed/],
  ['a body without end', { kind: 'huge', bytes: 64 * 2 ** 20 }, /more than 8388608 bytes/],
];
for (const [what, fault, reason] of faults) {
  t.test(`${what} is asked again, and the reply comes whole`, async (t) => {
    const { fake, open } = await setUp(t, { faults: [fault] });
    const lines: string[] = [];
    const teacher = await open({ log: (line) => lines.push(line) });
    t.match(await teacher.complete(questionOf(1), never), { text: '질문 1의 답 1', finishReason: 'stop' });
    t.equal(fake.requests.length, 2);
    t.equal(lines.length, 1);
    t.match(lines[0], reason);
    t.match(teacher.usage(), { requests: 2, retries: 1, fromJournal: 0 });
  });
}

for (const kind of ['stall', 'stall-body'] as const) {
  t.test(`a server that falls silent (${kind}) is asked again after the timeout`, async (t) => {
    const { fake, clock, open } = await setUp(t, { faults: [{ kind }] });
    const teacher = await open();
    const reply = teacher.complete(questionOf(1), never);
    await fake.stalled(1);
    clock.expire();
    t.match(await reply, { text: '질문 1의 답 1' });
    t.equal(fake.requests.length, 2);
  });
}

t.test('a slow reply is read to its end', async (t) => {
  const { fake, open } = await setUp(t, { faults: [{ kind: 'drip' }] });
  t.match(await (await open()).complete(questionOf(1), never), { text: '질문 1의 답 1' });
  t.equal(fake.requests.length, 1);
});

t.test('a wrong key is given up at once', async (t) => {
  const { fake, open } = await setUp(t, { faults: () => ({ kind: 'status', status: 401 }) });
  const teacher = await open({ apiKey: 'sk-secret' });
  await t.rejects(teacher.complete(questionOf(1), never), { code: 'TEACHER_REFUSED', message: /401/ });
  t.equal(fake.requests.length, 1);
  t.equal(fake.requests[0]!.headers.authorization, 'Bearer sk-secret');
});

t.test('nobody is followed elsewhere with the key', async (t) => {
  const elsewhere = await startFakeOpenAi();
  t.teardown(() => elsewhere.close());
  const headers = { location: `${elsewhere.baseUrl}/chat/completions` };
  const { open } = await setUp(t, { faults: [{ kind: 'status', status: 307, headers }] });
  const teacher = await open({ apiKey: 'sk-secret' });
  await t.rejects(teacher.complete(questionOf(1), never), {
    code: 'TEACHER_REFUSED',
    message: /307.*it points to http/,
  });
  t.equal(elsewhere.requests.length, 0);
});

t.test('a server that is not there is unavailable', async (t) => {
  const { fake, open } = await setUp(t);
  const teacher = await open();
  await fake.close();
  await t.rejects(teacher.complete(questionOf(1), never), {
    code: 'TEACHER_UNAVAILABLE',
    message: /4 attempts.*ECONNREFUSED/,
  });
});

t.test('as many at once as allowed, and no more', async (t) => {
  // Answers only when three are there, or the last: less would hang, more would be seen.
  const { fake, open } = await setUp(
    t,
    { hold: (server, number) => server.received(Math.min(30, number - (number % 3) + 3)) },
    { concurrency: 3 },
  );
  const teacher = await open();
  await Promise.all(Array.from({ length: 30 }, (_, i) => teacher.complete(questionOf(i), never)));
  t.equal(fake.requests.length, 30);
  t.equal(fake.maxConcurrency, 3);
});

t.test('the same request at the same time is one, and later none', async (t) => {
  const { fake, open } = await setUp(t);
  const teacher = await open();
  const replies = await Promise.all([1, 1, 1, 2].map((i) => teacher.complete(questionOf(i), never)));
  t.equal(fake.requests.length, 2);
  t.equal(new Set(replies.map(({ text }) => text)).size, 2);
  t.same(await teacher.complete(questionOf(1), never), replies[0]);
  t.equal(fake.requests.length, 2);
  t.match(teacher.usage(), { requests: 2, fromJournal: 1 });
});

t.test('whatever decides the reply makes it another request', async (t) => {
  const { fake, open } = await setUp(t);
  const teacher = await open();
  const one = questionOf(1);
  const others = [
    one,
    { ...one, seed: 2 },
    { ...one, temperature: 0.6 },
    { ...one, topP: 0.8 },
    { ...one, maxNewTokens: 11 },
    { ...one, messages: [{ role: 'system' as const, content: '질문 1' }] },
    { ...one, messages: [...one.messages, { role: 'assistant' as const, content: '' }] },
  ];
  for (const request of others) await teacher.complete(request, never);
  t.equal(fake.requests.length, others.length);
});

t.test('what was paid for is there when the teacher is opened again, and counts', async (t) => {
  const price = { prompt: 1_000_000, completion: 2_000_000 };
  const { fake, journal, open } = await setUp(t, {}, { price });
  const first = await open();
  const reply = await first.complete(questionOf(1), never);
  const written = await readFile(journal, 'utf8');
  t.match(written, /질문 1의 답 1.*\n$/, 'it is in the file before it is given out');
  await first.close();
  await appendFile(journal, '{"key": "12', 'utf8');
  const again = await open();
  t.same(await again.complete(questionOf(1), never), reply);
  t.equal(fake.requests.length, 1);
  const cost = fake.promptTokens + 2 * fake.completionTokens;
  t.match(first.usage(), { requests: 1, cost, totalCost: cost, promptTokens: 4 });
  t.match(again.usage(), { requests: 0, fromJournal: 1, cost: 0, totalCost: cost, promptTokens: 0 });
  t.equal(await readFile(journal, 'utf8'), written, 'what a kill left of a line is gone');
});

t.test('the limit of what it may cost holds over processes', async (t) => {
  const price = { prompt: 1_000_000, completion: 1_000_000, limit: 200 };
  const { fake, open } = await setUp(t, {}, { price });
  const work = async () => {
    const teacher = await open();
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => teacher.complete(questionOf(i), never)),
    );
    await teacher.close();
    for (const result of results) {
      if (result.status === 'rejected') t.match(result.reason, { code: 'TEACHER_BUDGET' });
    }
    return teacher.usage();
  };
  const first = await work();
  t.ok(first.requests > 5 && first.requests < 20, `${first.requests} were sent`);
  const paid = fake.promptTokens + fake.completionTokens;
  t.ok(paid <= 200, `${paid} paid`);
  t.equal(first.totalCost, paid);
  const second = await work();
  t.equal(second.requests, 0, 'nothing fits any more');
  t.equal(second.fromJournal, first.requests);
});

t.test('a filtered prompt is refused, and not asked again', async (t) => {
  const { fake, open } = await setUp(t, {
    respond: () => ({ content: null, finishReason: 'content_filter' }),
  });
  for (let i = 0; i < 2; i++) {
    const teacher = await open();
    await t.rejects(teacher.complete(questionOf(1), never), {
      code: 'TEACHER_REFUSED',
      data: { ofPrompt: true },
    });
    t.equal(teacher.usage().refused, 1);
    await teacher.close();
  }
  t.equal(fake.requests.length, 1);
});

t.test('thoughts are cut off what is given out', async (t) => {
  const texts = ['<think>\n음…</think>\n\n답', '음…\n</think>답', '답', '<think>끝없이', 'a <think> b'];
  const { open } = await setUp(t, { respond: (_, number) => texts[number]! });
  const teacher = await open();
  const read: string[] = [];
  for (let i = 0; i < 5; i++) read.push((await teacher.complete(questionOf(i), never)).text);
  t.same(read, ['답', '답', '답', '', 'a <think> b']);
});

t.test('a question is written and judged through the same journal', async (t) => {
  const question = {
    question: '방화벽에 대한 설명으로 옳은 것은?',
    choices: ['가', '나', '다', '라'],
    answer: 2,
  };
  const grades = { grounding: 9, key: 9, leakage: 8, distractors: 8, reasons: [] };
  const { fake, open } = await setUp(t, {
    respond: ({ messages }, number) =>
      number === 0
        ? '글쎄요.'
        : JSON.stringify(messages[0]!.content.includes('심사위원') ? grades : question),
  });
  const chunk = smallChunk('guide#1', '방화벽은 허용하지 않은 접속을 차단한다.');
  const work = async () => {
    const teacher = await open();
    const draft = await teacher.questions.write(
      {
        ...{ chunk, neighbours: [], attempt: 0, ordinal: 0, seed: 1 },
        wanted: { open: false, negated: false, choices: 4, position: 4 },
      },
      never,
    );
    t.match(draft, { qaId: 'guide#1:0.0', answer: '4', choices: ['가', '라', '다', '나'] });
    t.match(await teacher.judge.judge(draft!, [chunk], never), { score: 8.5 });
    await teacher.close();
    return teacher.usage();
  };
  t.match(await work(), { requests: 3, fromJournal: 0, unreadable: 0 });
  t.match(await work(), { requests: 0, fromJournal: 3, unreadable: 0 });
  t.equal(fake.requests.length, 3);
});

t.test('one caller who leaves does not take the reply from another', async (t) => {
  const { fake, open } = await setUp(t, { hold: (server) => server.received(2) });
  const teacher = await open();
  const controller = new AbortController();
  const leaves = teacher.complete(questionOf(1), controller.signal);
  const stays = teacher.complete(questionOf(1), never);
  await fake.received(1);
  controller.abort(new Error('enough'));
  await t.rejects(leaves, { message: 'enough' });
  await teacher.complete(questionOf(2), never);
  t.match(await stays, { text: '질문 1의 답 1' });
});

t.test('closing gives up what is under way, twice as well as once', async (t) => {
  const { fake, open } = await setUp(t, { faults: [{ kind: 'stall' }] });
  const teacher = await open();
  const reply = t.rejects(teacher.complete(questionOf(1), never), { code: 'CANCELLED' });
  await fake.stalled(1);
  await Promise.all([teacher.close(), teacher.questions.close()]);
  await reply;
  await t.rejects(teacher.complete(questionOf(2), never), { code: 'CANCELLED' });
});

t.test('a journal that is damaged before its end is refused, with the line', async (t) => {
  const { journal, open } = await setUp(t);
  const teacher = await open();
  await teacher.complete(questionOf(1), never);
  await teacher.close();
  await writeFile(journal, `nonsense\n${await readFile(journal, 'utf8')}`);
  await t.rejects(open(), { code: 'TRAINING_DATA_INVALID', message: /replies\.jsonl:1/ });
});

t.test('a process that is killed has lost nothing that it was given', async (t) => {
  const total = 12;
  for (const answers of [1, 7]) {
    // All that come later stall, until the process is dead.
    let isAlive = true;
    const { fake, journal, open } = await setUp(t, {
      faults: (_, number) => (isAlive && number >= answers ? { kind: 'stall' } : undefined),
    });
    const program = fileURLToPath(new URL('./killed-teacher.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import=tsx', program, fake.baseUrl, journal, String(total)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const given: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      given.push(line);
      if (given.length === answers) break;
    }
    await fake.stalled(2);
    child.kill('SIGKILL');
    await once(child, 'exit');
    isAlive = false;
    t.equal(fake.answered, answers);
    const teacher = await open();
    const replies = await Promise.all(
      Array.from(
        { length: total },
        async (_, i) => `${i} ${(await teacher.complete(questionOf(i), never)).text}`,
      ),
    );
    t.equal(fake.answered, total, 'each is paid for once');
    t.match(teacher.usage(), { requests: total - answers, fromJournal: answers });
    t.ok(given.every((line) => replies.includes(line)));
    t.same(
      replies,
      Array.from({ length: total }, (_, i) => `${i} 질문 ${i}의 답 1`),
      'as if nothing had happened',
    );
  }
});
