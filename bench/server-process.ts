/** The compiled server as a process of its own, as a user starts it: found by its port, ended by SIGTERM. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../shared/errors.js';
import { packagePath } from './workload.js';

export interface ServerProcess {
  pid: number;
  port: number;
  /** When it was spawned, on the clock of `performance.now()`. */
  startedAt: number;
  /** Waits until a path answers 200; milliseconds since the start. */
  waitFor(path: string): Promise<number>;
  stop(): Promise<void>;
}

export interface ServerOptions {
  environment: Readonly<Record<string, string | undefined>>;
  /** Options of Node.js. */
  nodeOptions?: readonly string[];
}

/** Often enough for the figure, seldom enough not to slow down what it waits for. */
const pollMs = 20;
const giveUpMs = 30_000;

export async function startServerProcess({
  environment,
  nodeOptions = [],
}: ServerOptions): Promise<ServerProcess> {
  const port = await freePort();
  const startedAt = performance.now();
  const child = spawn(
    process.execPath,
    [
      ...nodeOptions,
      packagePath('dist/cli/haetae.js'),
      'serve',
      '--port',
      String(port),
      '--host',
      '127.0.0.1',
    ],
    { env: { ...environment, LOG_LEVEL: 'warn' }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const { pid } = child;
  let lastLine = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      lastLine = text.trim().split('\n').at(-1)?.slice(0, 500) ?? '';
    });
  }
  if (pid === undefined) throw new Error('the server could not be started');
  return {
    pid,
    port,
    startedAt,
    waitFor: async (path) => {
      try {
        return await waitFor(child, port, path, startedAt);
      } catch (error) {
        throw new Error(`${messageOf(error)}; the last thing it logged: ${lastLine || 'nothing'}`);
      }
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function waitFor(child: ChildProcess, port: number, path: string, startedAt: number): Promise<number> {
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the server ended with status ${child.exitCode ?? child.signalCode}`);
    const status = await statusOf(port, path);
    const elapsed = performance.now() - startedAt;
    if (status === 200) return elapsed;
    if (elapsed > giveUpMs) throw new Error(`${path} was not answered with 200 within ${giveUpMs} ms`);
    await sleep(pollMs);
  }
}

/** The HTTP status, or 0 where nothing listens yet. */
function statusOf(port: number, path: string): Promise<number> {
  return new Promise((resolve) => {
    request({ port, path, host: '127.0.0.1', agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .once('error', () => resolve(0))
      .end();
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}
