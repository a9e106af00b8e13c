import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import type { HistoryEntry } from '../../../training/schedule/history.js';
import type { ScheduledWebhook } from '../../../training/schedule/scheduled-job.js';
import { tellWebhook } from '../../../training/schedule/webhook.js';
import { FakeClock } from '../../fixtures/fake-clock.js';
import { historyEntry } from '../../fixtures/scheduled-job.js';

interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}

/** A server that answers with these statuses, one after the other, then with the last; 0: never. */
async function start(t: Test, ...statuses: number[]) {
  const received: Received[] = [];
  let heard = (): void => undefined;
  const server = createServer(async (request, response) => {
    received.push({ headers: request.headers, body: await text(request) });
    const status = statuses[Math.min(received.length, statuses.length) - 1] as number;
    if (status >= 300 && status < 400) response.setHeader('location', '/elsewhere');
    if (status !== 0) response.writeHead(status).end('thanks');
    heard();
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  t.teardown(close);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=in-the-query`;
  const clock = new FakeClock();
  const lines: string[] = [];
  const stop = new AbortController();
  const tell = (entry: HistoryEntry, more: Partial<ScheduledWebhook> = {}) =>
    tellWebhook({ url, headers: {}, secret: null, on: ['published', 'failed'], ...more }, entry, {
      ...{ clock, signal: stop.signal, log: (line: string) => lines.push(line) },
      now: () => new Date('2025-07-31T03:03:00.000Z'),
    });
  const next = () =>
    new Promise<void>((resolve) => {
      heard = resolve;
    });
  /** Real replies take real time: waits until what was told is waiting for the clock again. */
  const timers = async (...waiting: number[]) => {
    while (clock.waiting().join() !== waiting.join()) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  return { received, tell, clock, lines, stop, next, timers, close };
}

t.test('the end of a job is posted with what came of it, signed, and with secret headers', async (t) => {
  const { received, tell, lines } = await start(t, 204);
  const secret = 'between us';
  const headers = { authorization: 'Bearer of news', 'x-team': 'a' };
  t.equal(await tell(historyEntry(), { secret, headers }), true);
  const [{ headers: sent, body } = { headers: {}, body: '' }] = received;
  t.strictSame(JSON.parse(body), {
    event: 'training.published',
    job: 'nightly',
    runId: '20250731T030000Z-abcd',
    status: 'published',
    attempts: 1,
    dueAt: '2025-07-31T03:00:00.000Z',
    durationMs: 120_000,
    outcome: 'published tiny-1',
    bundleId: 'tiny-1',
    sentAt: '2025-07-31T03:03:00.000Z',
  });
  t.match(sent, { ...headers, 'content-type': 'application/json', 'user-agent': 'haetae' });
  t.equal(sent['x-haetae-signature'], `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`);
  t.strictSame(lines, []);
});

t.test('only what was asked for is told; an error comes along', async (t) => {
  const { received, tell } = await start(t, 200);
  t.equal(await tell(historyEntry({ status: 'rejected' })), true);
  t.equal(received.length, 0);
  await tell(historyEntry({ status: 'failed', error: 'no documents' }));
  t.match(JSON.parse(received[0]?.body ?? ''), { event: 'training.failed', error: 'no documents' });
  t.equal(received[0]?.headers['x-haetae-signature'], undefined);
});

t.test('a server that fails is asked again, three times, then it is only logged', async (t) => {
  const { received, tell, lines, clock, timers } = await start(t, 500, 503, 429, 500);
  const told = tell(historyEntry(), { headers: { authorization: 'secret-value' }, secret: 'key' });
  for (const delay of [1_000, 5_000, 25_000]) {
    await timers(delay);
    await clock.advance(delay);
  }
  t.equal(await told, false);
  t.equal(received.length, 4);
  t.match(lines, [
    /^webhook of nightly at 127\.0\.0\.1:\d+: answered 500; again in 1 s$/u,
    /answered 503; again in 5 s$/u,
    /answered 429; again in 25 s$/u,
    /answered 500; given up$/u,
  ]);
  t.notMatch(lines.join('\n'), /secret-value|token/u);
});

t.test('one that is back is told', async (t) => {
  const { received, tell, clock, timers } = await start(t, 500, 200);
  const told = tell(historyEntry());
  await timers(1_000);
  await clock.advance(1_000);
  t.equal(await told, true);
  t.equal(received.length, 2);
});

t.test('a server that does not answer is left after ten seconds', async (t) => {
  const { received, tell, lines, clock, next, timers } = await start(t, 0, 200);
  const heard = next();
  const told = tell(historyEntry());
  await heard;
  await clock.advance(9_999);
  t.strictSame(lines, []);
  await clock.advance(1);
  await timers(1_000);
  t.match(lines, [/no reply in 10 s; again in 1 s/u]);
  await clock.advance(1_000);
  t.equal(await told, true);
  t.equal(received.length, 2);
});

t.test('a refusal and a redirect are not tried again', async (t) => {
  for (const status of [400, 401, 302, 307]) {
    const { received, tell, lines } = await start(t, status);
    t.equal(await tell(historyEntry()), false);
    t.equal(received.length, 1);
    t.match(lines, [new RegExp(`answered ${status}; given up`, 'u')]);
  }
});

t.test('a schedule that stops does not wait: it tries once more at once, and no more', async (t) => {
  const { received, tell, lines, clock, stop, timers } = await start(t, 500);
  const told = tell(historyEntry());
  await timers(1_000);
  stop.abort();
  t.equal(await told, false);
  t.equal(received.length, 2);
  t.strictSame(clock.waiting(), []);
  t.match(lines.at(-1), /given up/u);
});

t.test('nobody there is a fault like any other', async (t) => {
  const { tell, lines, stop, close } = await start(t, 200);
  await close();
  stop.abort();
  t.equal(await tell(historyEntry()), false);
  t.match(lines, [/^webhook of nightly at 127\.0\.0\.1:\d+: .*ECONNREFUSED.*; given up$/u]);
});
