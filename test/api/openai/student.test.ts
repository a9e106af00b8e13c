/** From a client library through the server and an engine process to a real, tiny, random student. */
import OpenAI from 'openai';
import t from 'tap';
import { buildApp } from '../../../api/app.js';
import { readConfig } from '../../../api/config.js';
import { Supervisor } from '../../../api/engine/supervisor.js';
import { systemClock } from '../../../shared/clock.js';
import { entryPoint } from '../../../shared/entry-point.js';
import { readEvents } from '../../fixtures/read-events.js';
import { addStudent, writeBaseBundle } from '../../fixtures/student-bundle.js';

t.test('a bundle with a student serves every route', async (t) => {
  const modelsDir = await writeBaseBundle(t.testdir({}));
  await addStudent(modelsDir, 'with-student');
  const quiet = () => undefined;
  const supervisor = new Supervisor({
    entry: entryPoint(import.meta.url, '../../../api/engine/engine-main'),
    load: { modelsDir, threads: 1, student: { maxSlots: 3, kvCacheBytes: 16 * 2 ** 20 } },
    clock: systemClock,
    log: { info: quiet, warn: quiet, error: quiet },
    limits: { heartbeatMs: 50 },
  });
  supervisor.start();
  const app = await buildApp({ config: readConfig({}), engine: supervisor });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  t.teardown(async () => {
    const closed = app.close();
    app.server.closeAllConnections();
    await closed;
    await supervisor.stop();
  });
  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  const client = new OpenAI({ apiKey: 'any', baseURL: `${url}/v1`, maxRetries: 0 });
  const chat = {
    model: 'haetae',
    messages: [{ role: 'user' as const, content: '접근매체란?' }],
    max_tokens: 12,
    temperature: 0,
  };

  await t.test('an answer streams its tokens, and ends with usage and citations', async (t) => {
    const question = '방화벽의 역할을 설명하시오.';
    const stream = { accept: 'text/event-stream' };
    const reply = await post('/answer', { question }, stream);
    const events = readEvents(await reply.text()) as { event: string; data: Record<string, unknown> }[];
    t.match(events.slice(0, 2), [
      { event: 'classification', data: { questionType: 'open' } },
      { event: 'retrieval', data: { passages: [{ title: '방화벽' }] } },
    ]);
    const { data } = events.at(-1)!;
    t.match(data, {
      bundleId: 'with-student',
      citations: [{ title: '방화벽' }],
      timings: { totalMs: Number },
    });
    t.match(data, { usage: { promptTokens: Number, completionTokens: Number } });
    const discarded = events.findLastIndex(({ event }) => event === 'discard');
    const tokens = events.slice(discarded + 1).filter(({ event }) => event === 'token');
    t.equal(tokens.map((token) => token.data.text).join(''), data.answer, 'the pieces are the answer');
  });

  await t.test('choices and documents are scored by the student', async (t) => {
    const question = '백업 자료에 대한 설명으로 옳은 것은?\n1 매일 만든다.\n2 만들지 않는다.\n3 버린다.';
    const answer = (await (await post('/answer', { question })).json()) as { answer: string };
    t.match(answer, { answer: /^[123]$/, usedFallback: false, usage: { promptTokens: Number } });
    const documents = ['백업은 매일 한다.', '피싱은 사기이다.'];
    t.match(await (await post('/rerank', { query: '백업', documents })).json(), {
      scoredBy: 'student',
      results: [{ score: Number }, { score: Number }],
    });
  });

  await t.test('equal seeds give equal texts, streamed or whole, with log-probabilities', async (t) => {
    const wanted = { ...chat, temperature: 1, seed: 7, logprobs: true, top_logprobs: 3 };
    const whole = await client.chat.completions.create(wanted);
    const [choice] = whole.choices;
    t.equal(whole.usage?.completion_tokens, choice?.logprobs?.content?.length);
    for (const { logprob, top_logprobs } of choice?.logprobs?.content ?? []) {
      t.ok(logprob <= 0 && top_logprobs.length === 3);
      t.ok(top_logprobs[0]!.logprob >= top_logprobs[2]!.logprob);
    }
    let text = '';
    let finish: string | null | undefined;
    for await (const { choices } of await client.chat.completions.create({ ...wanted, stream: true })) {
      text += choices[0]?.delta.content ?? '';
      finish = choices[0]?.finish_reason ?? finish;
    }
    t.equal(text, choice?.message.content);
    t.equal(finish, choice?.finish_reason);
  });

  await t.test('a stop text ends the output before it', async (t) => {
    const { choices } = await client.chat.completions.create({ ...chat, max_tokens: 40 });
    const text = choices[0]?.message.content ?? '';
    const stop = text.slice(3, 5);
    const stopped = await client.chat.completions.create({ ...chat, max_tokens: 40, stop });
    t.equal(stopped.choices[0]?.message.content, text.slice(0, text.indexOf(stop)));
    t.equal(stopped.choices[0]?.finish_reason, 'stop');
  });

  await t.test('a prompt that does not fit is refused, and a client who leaves frees the slot', async (t) => {
    for (const stream of [true, false])
      await t.rejects(client.chat.completions.create({ ...chat, max_tokens: 4_000, stream }), {
        status: 400,
        code: 'context_length_exceeded',
      });
    const long = { ...chat, max_tokens: 1_500, stream: true as const };
    for await (const { choices } of await client.chat.completions.create(long))
      if (choices[0]?.delta.content) break;
    for (;;) {
      const { languageModel, inFlight } = supervisor.health();
      if (inFlight === 0 && languageModel?.slotsInUse === 0) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    t.pass('no slot is in use');
  });

  await t.test('embeddings are unit vectors, and /version shows the student at work', async (t) => {
    const { data } = await client.embeddings.create({
      model: 'with-student',
      input: ['백업', '비밀번호는 석 달마다 바꾼다.'],
    });
    for (const { embedding } of data)
      t.ok(Math.abs(Math.hypot(...embedding) - 1) < 1e-5, `${Math.hypot(...embedding)}`);
    const version = await (await fetch(`${url}/version`)).json();
    t.match(version, {
      engine: {
        info: { student: { contextLength: 2048, mode: 'label', description: /qwen2/ } },
        languageModel: { slots: Number, kvCacheBytes: Number, completionTokens: Number },
      },
    });
  });
});
