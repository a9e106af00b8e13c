/** Streams from an engine process to a client: what a crash, a reader who stalls and a swap do to them. */
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import OpenAI from 'openai';
import t from 'tap';
import { buildApp } from '../../../api/app.js';
import { readConfig } from '../../../api/config.js';
import { Supervisor } from '../../../api/engine/supervisor.js';
import { systemClock } from '../../../shared/clock.js';
import { readEvents } from '../../fixtures/read-events.js';

const entry = fileURLToPath(new URL('../../fixtures/fake-engine.ts', import.meta.url));

t.test('streams from an engine process', async (t) => {
  const quiet = () => undefined;
  const supervisor = new Supervisor({
    entry,
    load: { modelsDir: 'models', threads: 1 },
    clock: systemClock,
    log: { info: quiet, warn: quiet, error: quiet },
    limits: { backoffMs: 10, heartbeatMs: 50 },
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
  const client = new OpenAI({ apiKey: 'any', baseURL: `${url}/v1`, maxRetries: 0 });
  const say = (content: string) => ({
    model: 'haetae',
    messages: [{ role: 'user' as const, content }],
  });
  const idle = async () => {
    while (supervisor.health().inFlight > 0) await sleep(5);
  };
  await supervisor.answer('the engine is up');

  await t.test('a crash in the middle ends the stream with an error, and the next is fine', async (t) => {
    const texts: string[] = [];
    const read = async () => {
      for await (const { choices } of await client.chat.completions.create({
        ...say('count 3 crash'),
        stream: true,
      }))
        texts.push(choices[0]?.delta.content ?? '');
    };
    await t.rejects(read(), { code: 'ENGINE_CRASHED' });
    t.equal(texts.join(''), '0 1 2 ');
    t.equal(supervisor.health().crashes, 1, 'it was not run again');
    const { choices } = await client.chat.completions.create(say('fine'));
    t.equal(choices[0]?.message.content, 'fine', 'whoever comes meanwhile waits for the new engine');
  });

  await t.test('an answer whose engine crashes in the middle is taken back and given anew', async (t) => {
    const reply = await fetch(`${url}/answer`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ question: 'count 2 crash' }),
    });
    t.match(readEvents(await reply.text()), [
      { event: 'classification' },
      { event: 'token', data: { text: '0 ' } },
      { event: 'token', data: { text: '1 ' } },
      { event: 'discard' },
      { event: 'answer', data: { usedFallback: true } },
    ]);
  });

  await t.test('a client who leaves frees its place in the engine', async (t) => {
    await supervisor.answer('the engine is up');
    const stream = await client.chat.completions.create({ ...say('count 100000000'), stream: true });
    for await (const { choices } of stream) if (choices[0]?.delta.content === '5 ') break;
    await idle();
    t.pass('the engine works on nothing');
  });

  await t.test('a reader who takes nothing loses the stream, and memory stays bounded', async (t) => {
    const body = JSON.stringify({ ...say('count 100000000'), stream: true });
    const socket = createConnection(Number(new URL(url).port), '127.0.0.1');
    socket.pause();
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    while (supervisor.health().inFlight === 0) await sleep(5);
    const before = process.memoryUsage().heapUsed;
    await idle();
    t.ok(process.memoryUsage().heapUsed - before < 100 * 2 ** 20);
    let received = '';
    socket.on('data', (data) => {
      received += data;
    });
    socket.resume();
    if (!socket.closed) await once(socket, 'close').catch(() => undefined);
    t.match(received, /data: \{"error":\{[^\n]*parts behind[^\n]*\}\}/, 'it is told why');
    t.notMatch(received, /\[DONE\]/);
  });

  await t.test('a swap of bundles drains the streams of the old one', async (t) => {
    const stream = await client.chat.completions.create({ ...say('count 2 sleep 700'), stream: true });
    const chunks = stream[Symbol.asyncIterator]();
    t.match(await chunks.next(), { value: { model: 'fake-1' } });
    const swapped = supervisor.reload('fake-2');
    let text = '';
    for (let next = await chunks.next(); !next.done; next = await chunks.next())
      text += next.value.choices[0]?.delta.content ?? '';
    t.equal(text, '0 1 ');
    await swapped;
    t.equal((await client.chat.completions.create(say('new'))).model, 'fake-2');
  });
});
