import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { Supervisor, type SupervisorLimits } from '../../../api/engine/supervisor.js';
import { systemClock } from '../../../shared/clock.js';

const entry = fileURLToPath(new URL('../../fixtures/fake-engine.ts', import.meta.url));

function supervise(limits: Partial<SupervisorLimits> = {}, bundleId?: string) {
  const logged: { level: string; message: string; data: Record<string, unknown> }[] = [];
  const note = (level: string) => (data: object, message: string) =>
    logged.push({ level, message, data: data as Record<string, unknown> });
  const supervisor = new Supervisor({
    entry,
    load: { modelsDir: 'models', threads: 1, ...(bundleId === undefined ? {} : { bundleId }) },
    clock: systemClock,
    log: { info: note('info'), warn: note('warn'), error: note('error') },
    limits: { backoffMs: 10, startWaitMs: 60_000, ...limits },
  });
  return { supervisor, logged };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

t.test('one engine through a life', async (t) => {
  const { supervisor } = supervise({ heartbeatMs: 50, hangMs: 3_000, maxInFlight: 2, maxQueued: 3 });
  t.teardown(() => supervisor.stop());
  t.equal(supervisor.health().state, 'starting');
  supervisor.start();

  await t.test('a request waits for the engine that is starting', async (t) => {
    t.match(await supervisor.answer('안녕'), { answer: 'echo: 안녕', bundleId: 'fake-1' });
    t.match(await supervisor.retrieve('질의'), { passages: [{ chunk: { content: '질의' } }] });
    t.match(supervisor.health(), { state: 'ready', info: { bundleId: 'fake-1' }, crashes: 0 });
    t.equal(supervisor.bundleId, 'fake-1');
  });

  await t.test('an error of the runtime is the error of that request only', async (t) => {
    const [failed, fine] = await Promise.allSettled([supervisor.answer('fail'), supervisor.answer('ok')]);
    t.match(failed, { status: 'rejected', reason: { code: 'INTERNAL', message: /told to fail/ } });
    t.match(fine, { status: 'fulfilled' });
    t.equal(supervisor.health().crashes, 0);
  });

  await t.test('an abort is answered at once, in the engine or in the queue', async (t) => {
    const stop = new AbortController();
    const all = [1, 2, 3].map(() => supervisor.answer('sleep 60000', undefined, stop.signal));
    t.match(supervisor.health(), { inFlight: 2, queued: 1 });
    stop.abort(new Error('enough'));
    for (const one of all) await t.rejects(one, { message: 'enough' });
    t.match(supervisor.health(), { inFlight: 0, queued: 0 });
    await t.rejects(supervisor.answer('x', undefined, stop.signal), { message: 'enough' });
  });

  await t.test('a full queue refuses', async (t) => {
    const stop = new AbortController();
    const all = [1, 2, 3, 4, 5].map(() => supervisor.answer('sleep 60000', undefined, stop.signal));
    await t.rejects(supervisor.answer('one too many'), { code: 'ENGINE_BUSY' });
    stop.abort();
    await Promise.allSettled(all);
  });

  await t.test(
    'the question that brings engines down is rejected; those beside it are answered',
    async (t) => {
      const before = supervisor.health().pid;
      const results = await Promise.allSettled([
        supervisor.answer('sleep 200'),
        supervisor.answer('crash'),
        supervisor.answer('queued'),
      ]);
      t.match(results[0], { status: 'fulfilled', value: { answer: 'echo: sleep 200' } });
      t.match(results[1], { status: 'rejected', reason: { code: 'ENGINE_CRASHED', message: /SIGKILL/ } });
      t.match(results[2], { status: 'fulfilled', value: { answer: 'echo: queued' } });
      t.equal(supervisor.health().crashes, 2);
      t.not(supervisor.health().pid, before);
    },
  );

  await t.test('an engine killed from outside is replaced, and nobody notices', async (t) => {
    const { pid, crashes } = supervisor.health();
    const answer = supervisor.answer('sleep 100');
    process.kill(pid ?? 0, 'SIGKILL');
    t.match(await answer, { answer: 'echo: sleep 100' });
    t.equal(supervisor.health().crashes, crashes + 1);
  });

  await t.test('an engine that hangs is killed and replaced', async (t) => {
    await t.rejects(supervisor.answer('hang'), { code: 'ENGINE_CRASHED', message: /no sign of life/ });
    t.match(await supervisor.answer('after'), { answer: 'echo: after' });
  });

  await t.test(
    'reload answers what is in flight from the old bundle, what comes after from the new',
    async (t) => {
      const old = supervisor.health().pid ?? 0;
      const before = supervisor.answer('sleep 2000');
      await supervisor.reload('fake-2');
      t.match(await before, { bundleId: 'fake-1' });
      t.match(await supervisor.answer('now'), { bundleId: 'fake-2' });
      t.notOk(isAlive(old));
    },
  );

  await t.test('a reload that fails changes nothing', async (t) => {
    const { pid, crashes } = supervisor.health();
    await t.rejects(supervisor.reload('missing'), { code: 'BUNDLE_NOT_FOUND' });
    await t.rejects(supervisor.reload('broken'), { code: 'ENGINE_CRASHED' });
    t.match(await supervisor.answer('still'), { bundleId: 'fake-2' });
    t.match(supervisor.health(), { pid, crashes, state: 'ready' });
  });

  await t.test('stop ends the process and refuses what comes', async (t) => {
    const pid = supervisor.health().pid ?? 0;
    await supervisor.stop();
    t.notOk(isAlive(pid));
    t.equal(supervisor.health().state, 'stopped');
    await t.rejects(supervisor.answer('late'), { code: 'ENGINE_UNAVAILABLE' });
  });
});

t.test('starts that fail are repeated ever more slowly, and requests are told instead of kept', async (t) => {
  const { supervisor, logged } = supervise(
    { failuresUntilDown: 3, backoffMs: 10, maxBackoffMs: 25 },
    'missing',
  );
  t.teardown(() => supervisor.stop());
  supervisor.start();
  await t.rejects(supervisor.answer('x'), { code: 'ENGINE_UNAVAILABLE', message: /no bundle named missing/ });
  t.equal(supervisor.health().state, 'down');
  t.match(supervisor.health().lastFailure, /no bundle named missing/);
  await t.rejects(supervisor.retrieve('x'), { code: 'ENGINE_UNAVAILABLE' });
  t.strictSame(
    logged.map(({ data }) => data.restartInMs),
    [10, 20, 25],
  );
});

t.test('a request does not wait longer for an engine than it may', async (t) => {
  const { supervisor } = supervise({ startWaitMs: 1 });
  t.teardown(() => supervisor.stop());
  supervisor.start();
  await t.rejects(supervisor.answer('x'), { code: 'ENGINE_UNAVAILABLE' });
});

t.test('an engine ends with its parent', async (t) => {
  const { fork } = await import('node:child_process');
  const child = fork(entry, { serialization: 'advanced' });
  child.send({ type: 'load', options: { modelsDir: 'models', threads: 1 } });
  await once(child, 'message');
  child.disconnect();
  const [code] = await once(child, 'exit');
  t.equal(code, 0);
});
