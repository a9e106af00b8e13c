import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { startServer } from '../../api/server.js';

const program = fileURLToPath(new URL('../fixtures/serve-fake.ts', import.meta.url));
const fakeEngine = fileURLToPath(new URL('../fixtures/fake-engine.ts', import.meta.url));

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

t.test('a server from start to stop', async (t) => {
  const modelsDir = await mkdtemp(join(tmpdir(), 'haetae-models-'));
  const child = spawn(process.execPath, ['--import=tsx', program], {
    env: { ...process.env, PORT: '0', HAETAE_MODELS_DIR: modelsDir, LOG_LEVEL: 'info' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const log: string[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => log.push(line));
  const logged = async (pattern: RegExp) => {
    for (;;) {
      const line = log.find((one) => pattern.test(one));
      if (line !== undefined) return line;
      await sleep(5);
    }
  };
  const [, port] = /127\.0\.0\.1:(\d+)/u.exec(await logged(/Server listening/u)) ?? [];
  const url = (path: string) => `http://127.0.0.1:${port}${path}`;
  const answer = (question: string) =>
    fetch(url('/answer'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ question }),
    });

  const engineState = async () => {
    const { engine } = (await (await fetch(url('/version'))).json()) as { engine: { inFlight: number } };
    return engine;
  };

  t.equal((await fetch(url('/livez'))).status, 200);
  t.match(await (await answer('waits for the engine')).json(), { answer: 'echo: waits for the engine' });
  t.equal((await fetch(url('/readyz'))).status, 200);

  const enginePid = Number(JSON.parse(await logged(/engine ready/u)).enginePid);
  await writeFile(join(modelsDir, 'current'), 'fake-9\n');
  await logged(/engine swapped/u);
  t.pass('another id in models/current swaps the engine');
  while (isAlive(enginePid)) await sleep(5);
  t.pass('the old engine ends');

  const inFlight = answer('sleep 700');
  while ((await engineState()).inFlight === 0) await sleep(5);
  child.kill('SIGTERM');
  await logged(/stopping/u);
  t.match(await (await inFlight).json(), { answer: 'echo: sleep 700' }, 'what was in flight is answered');
  const [code] = await once(child, 'exit');
  t.equal(code, 0);
});

t.test('a port that is taken is named, and no engine stays behind', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const address = taken.address();
  const port = String(typeof address === 'object' ? address?.port : '');
  await t.rejects(startServer({ port, logLevel: 'silent' }, fakeEngine), {
    code: 'CONFIG_INVALID',
    message: new RegExp(`port ${port}: the port is in use`),
  });
});
