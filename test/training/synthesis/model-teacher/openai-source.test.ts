/** One model at a server: what is repeated, when, and what is given up. No sockets: those are in open-model-teacher. */
import { setMaxListeners } from 'node:events';
import t from 'tap';
import { seededRandom } from '../../../../shared/random.js';
import type { OpenAiTeacherConfig } from '../../../../training/pipeline/pipeline-config.js';
import type { CompletionRequest } from '../../../../training/synthesis/model-teacher/model-teacher.js';
import { openAiSource } from '../../../../training/synthesis/model-teacher/openai-source.js';
import { isRefusalOfPrompt } from '../../../../training/synthesis/model-teacher/refusal.js';
import { FakeClock, settle } from '../../../fixtures/fake-clock.js';
import { answered, type Step, scriptedFetch, status } from './scripted-fetch.js';

const never = new AbortController().signal;
setMaxListeners(0, never);

const config: OpenAiTeacherConfig = {
  kind: 'openai',
  baseUrl: 'http://teacher.example/v1/',
  model: 'big',
  concurrency: 2,
  timeoutMs: 90_000,
  retries: 3,
  price: { prompt: 0, completion: 0 },
};

const ask = (text: string, more: Partial<CompletionRequest> = {}): CompletionRequest => ({
  messages: [{ role: 'user', content: text }],
  temperature: 0.5,
  topP: 0.9,
  maxNewTokens: 10,
  seed: 3,
  ...more,
});

/** A source whose back-off takes as long as it can: random is 1. */
function sourceOver(
  steps: readonly Step[] | ((call: number) => Step),
  given: Partial<OpenAiTeacherConfig> = {},
) {
  const clock = new FakeClock();
  const script = scriptedFetch(steps);
  const lines: string[] = [];
  const source = openAiSource(
    { ...config, ...given },
    {
      ...{ apiKey: 'sk-secret', spentBefore: 0, fetch: script.fetch, clock },
      ...{ random: () => 1, now: () => 0, log: (line) => lines.push(line) },
    },
  );
  return { source, clock, lines, calls: script.calls };
}

t.test('sends what the protocol asks for', async (t) => {
  const { source, calls } = sourceOver([answered('답', { prompt_tokens: 5, completion_tokens: 2 })]);
  t.same(await source.reply(ask('질문'), never), {
    ...{ text: '답', finishReason: 'stop', promptTokens: 5, completionTokens: 2, estimated: false, cost: 0 },
  });
  const [{ url, init }] = calls as [(typeof calls)[0]];
  t.equal(url, 'http://teacher.example/v1/chat/completions');
  t.equal(new Headers(init.headers).get('authorization'), 'Bearer sk-secret');
  t.same(JSON.parse(String(init.body)), {
    ...{ model: 'big', messages: [{ role: 'user', content: '질문' }], temperature: 0.5, top_p: 0.9 },
    ...{ max_tokens: 10, seed: 3, stream: false },
  });
});

t.test('tokens are estimated where the server does not count them', async (t) => {
  const { source } = sourceOver([answered('네 가지 글자')]);
  const reply = await source.reply(ask('질문입니다'), never);
  t.match(reply, { estimated: true });
  t.ok(reply.promptTokens > 3 && reply.promptTokens < 40 && reply.completionTokens > 2);
});

const broken = Response.json({ choices: [] });
const repeated: [what: string, step: () => Step][] = [
  ...[408, 409, 429, 500, 502, 503, 504].map((code): [string, () => Step] => [`${code}`, () => status(code)]),
  ['a refused connection', () => ({ fails: 'ECONNREFUSED' })],
  ['a broken connection', () => ({ fails: 'ECONNRESET' })],
  ['no JSON', () => new Response('<html>')],
  ['no choices', () => broken.clone()],
  ['an empty body', () => new Response('')],
  ['silence', () => 'stall'],
  ['silence within the body', () => 'stall-body'],
];
for (const [what, step] of repeated) {
  t.test(`${what} is asked again`, async (t) => {
    const { source, clock, lines, calls } = sourceOver([step(), step(), answered('답')]);
    t.match(await clock.runUntil(source.reply(ask('질문'), never)), { text: '답' });
    t.equal(calls.length, 3);
    const perCall = typeof step() === 'string' ? config.timeoutMs : 0;
    t.equal(clock.now(), 1_000 + 2_000 + 2 * perCall);
    t.match(source.counts(), { requests: 3, retries: 2 });
    t.match(lines, [/Attempt 2 of 4 in 1\.0 s/, /Attempt 3 of 4 in 2\.0 s/]);
  });
}

t.test('a teacher that never answers is unavailable, with the attempts and the last reason', async (t) => {
  const { source, clock, calls } = sourceOver(() => status(503, '{"error": {"message": "loading"}}'));
  await t.rejects(clock.runUntil(source.reply(ask('질문'), never)), {
    code: 'TEACHER_UNAVAILABLE',
    message: /http:\/\/teacher\.example.*4 attempts, and the last gave 503: loading/,
    data: { attempts: 4 },
  });
  t.equal(calls.length, 4);
  t.same(clock.waiting(), [], 'nothing is left running');
});

for (const code of [301, 400, 401, 402, 403, 404, 405, 422]) {
  t.test(`${code} is given up at once`, async (t) => {
    const { source, clock, calls } = sourceOver([status(code, '{"error": {"message": "no such thing"}}')]);
    const reply = clock.runUntil(source.reply(ask('질문'), never));
    await t.rejects(reply, {
      code: 'TEACHER_REFUSED',
      message: new RegExp(`${code}: no such thing`),
      data: { status: code },
    });
    await reply.catch((error: unknown) => t.notOk(isRefusalOfPrompt(error)));
    t.equal(calls.length, 1);
  });
}

t.test('a prompt that is too long or filtered is told from a configuration that is wrong', async (t) => {
  const said = [
    "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens",
    'the request exceeds the available context size',
    'The response was filtered due to the prompt triggering content management policy (content_filter)',
  ];
  for (const message of said) {
    const { source } = sourceOver([status(400, JSON.stringify({ error: { message } }))]);
    const error: unknown = await source.reply(ask('질문'), never).catch((error: unknown) => error);
    t.match(error, { code: 'TEACHER_REFUSED' });
    t.ok(isRefusalOfPrompt(error), message);
  }
});

t.test('an account that is empty is not waited for', async (t) => {
  const empty = { error: { message: 'You exceeded your current quota', code: 'insufficient_quota' } };
  const { source, calls } = sourceOver([status(429, JSON.stringify(empty))]);
  await t.rejects(source.reply(ask('질문'), never), { code: 'TEACHER_REFUSED', message: /current quota/ });
  t.equal(calls.length, 1);
});

t.test('who is asked to come later comes later, and so does everybody else', async (t) => {
  const { source, clock, calls } = sourceOver(
    (call) => (call === 0 ? status(429, '', { 'retry-after': '30' }) : answered('답')),
    { concurrency: 2 },
  );
  const times: number[] = [];
  const timed = (text: string) => source.reply(ask(text), never).then(() => times.push(clock.now()));
  const first = timed('하나');
  await settle();
  const others = [timed('둘'), timed('셋')];
  await clock.advance(29_999);
  t.equal(calls.length, 1, 'nothing is sent during the pause');
  await clock.runUntil(Promise.all([first, ...others]));
  t.same(times, [30_000, 30_000, 31_000], 'the one that failed a little later');
});

t.test('an absurd Retry-After is cut', async (t) => {
  const { source, clock } = sourceOver([status(503, '', { 'retry-after': '31536000' }), answered('답')]);
  await clock.runUntil(source.reply(ask('질문'), never));
  t.equal(clock.now(), 301_000);
});

t.test('never more at once than allowed, and never more in a minute', async (t) => {
  const random = seededRandom(5);
  const clock = new FakeClock();
  let [open, most] = [0, 0];
  const sent: { at: number; tokens: number }[] = [];
  const fetch: typeof globalThis.fetch = async () => {
    open += 1;
    most = Math.max(most, open);
    const [promptTokens, completionTokens] = [50 + Math.floor(random() * 50), Math.floor(random() * 10)];
    sent.push({ at: clock.now(), tokens: promptTokens + completionTokens });
    await new Promise<void>((resolve) => clock.after(random() * 4_000, resolve));
    open -= 1;
    if (random() < 0.2) return status(500);
    return answered('답', { prompt_tokens: promptTokens, completion_tokens: completionTokens });
  };
  const source = openAiSource(
    { ...config, concurrency: 4, requestsPerMinute: 20, tokensPerMinute: 1_500, retries: 50 },
    { spentBefore: 0, fetch, clock, random, now: () => 0, log: () => {} },
  );
  const texts = Array.from({ length: 100 }, (_, i) => `질문 ${i} ${'가'.repeat(30)}`);
  await clock.runUntil(Promise.all(texts.map((text) => source.reply(ask(text), never))));
  t.equal(most, 4);
  for (const { at } of sent) {
    const window = sent.filter((other) => other.at > at - 60_000 && other.at <= at);
    const tokens = window.reduce((sum, other) => sum + other.tokens, 0);
    if (window.length > 20 || tokens > 1_500) t.fail(`${window.length} requests, ${tokens} tokens`);
  }
  t.ok(sent.length > 110, 'some were repeated, and counted too');
});

t.test('the budget is never exceeded, whatever is lost on the way', async (t) => {
  const random = seededRandom(9);
  const clock = new FakeClock();
  const price = { prompt: 1_000, completion: 5_000, limit: 4 };
  let paid = 1;
  const fetch: typeof globalThis.fetch = async () => {
    const [promptTokens, completionTokens] = [40 + Math.floor(random() * 40), 1 + Math.floor(random() * 10)];
    await new Promise<void>((resolve) => clock.after(random() * 4_000, resolve));
    if (random() < 0.1) return status(500);
    paid += (promptTokens * price.prompt + completionTokens * price.completion) / 1e6;
    // The work was done, the reply is lost.
    if (random() < 0.1) return new Response('{"choices": [');
    return answered('답', { prompt_tokens: promptTokens, completion_tokens: completionTokens });
  };
  const source = openAiSource(
    { ...config, concurrency: 5, price, retries: 50 },
    { spentBefore: 1, fetch, clock, random, now: () => 0, log: () => {} },
  );
  const texts = Array.from({ length: 100 }, (_, i) => `질문 ${i}`);
  const work = Promise.allSettled(texts.map((text) => source.reply(ask(text), never)));
  const results = await clock.runUntil(work);
  const refused = results.filter((result) => result.status === 'rejected');
  t.ok(refused.length > 10 && refused.length < 90, `${refused.length} were not sent`);
  for (const { reason } of refused) t.match(reason, { code: 'TEACHER_BUDGET' });
  t.ok(paid <= 4, `paid ${paid}`);
  t.ok(paid > 2.5, 'and used');
  t.ok(source.counts().cost >= paid - 1 - 1e-9, 'what was lost is counted');
});

t.test('the key shows in no message', async (t) => {
  const { source, clock, lines } = sourceOver([
    status(500, 'bad key sk-secret'),
    status(401, '{"error": {"message": "Incorrect API key provided: sk-secret"}}'),
  ]);
  const error: unknown = await clock
    .runUntil(source.reply(ask('질문'), never))
    .catch((error: unknown) => error);
  t.match(error, { message: /401.*Incorrect API key provided: \[key\].*apiKeyEnv/ });
  t.notMatch(JSON.stringify([lines, error, String(error)]), /sk-secret/);
});

t.test('an aborted request ends at once, wherever it is', async (t) => {
  const places: [what: string, steps: Step[]][] = [
    ['at the server', ['stall']],
    ['within the body', ['stall-body']],
    ['between two attempts', [status(500)]],
    ['in a pause', [status(429, '', { 'retry-after': '60' })]],
  ];
  for (const [what, steps] of places) {
    const { source, clock } = sourceOver(steps);
    const controller = new AbortController();
    const reply = source.reply(ask('질문'), controller.signal);
    await settle();
    controller.abort(new Error('enough'));
    await t.rejects(reply, { message: 'enough' }, what);
    t.same(clock.waiting(), [], what);
  }
  const { source, calls } = sourceOver((call) => (call < 2 ? 'stall' : answered('답')));
  const controller = new AbortController();
  const held = [1, 2].map((i) => source.reply(ask(`${i}`), controller.signal));
  const waiting = source.reply(ask('3'), never);
  await settle();
  t.equal(calls.length, 2);
  controller.abort(new Error('enough'));
  for (const reply of held) await t.rejects(reply, { message: 'enough' });
  t.match(await waiting, { text: '답' }, 'its slot is given to the next');
});

t.test('an address that is none, or holds a password, is an error of the configuration', async (t) => {
  for (const baseUrl of ['teacher/v1', 'ftp://teacher/v1', '']) {
    t.throws(() => sourceOver([], { baseUrl }), { code: 'CONFIG_INVALID', message: /http or https/ });
  }
  const withPassword = () => sourceOver([], { baseUrl: 'http://me:pw123@teacher/v1' });
  t.throws(withPassword, { code: 'CONFIG_INVALID', message: /^(?!.*pw123).*password/ });
});
