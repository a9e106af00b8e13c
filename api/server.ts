/**
 * The server's process: reads the configuration, listens, starts the engine, and stops in order.
 *
 * It listens before any engine is warm (`/livez` at once, `/readyz` later). SIGTERM and SIGINT: `/readyz` turns
 * 503, the listener closes, requests in flight get `HAETAE_STOP_GRACE_MS`, then the engine ends; a second
 * signal ends everything at once. SIGHUP, or another id in `models/current`: the engine is swapped for one on
 * that bundle without losing a request.
 */

import { unwatchFile, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../shared/clock.js';
import { entryPoint } from '../shared/entry-point.js';
import { HaetaeError, messageOf } from '../shared/errors.js';
import type { App, Lifecycle } from './app.js';
import { type Config, readConfig, settings } from './config.js';
import { Supervisor, type SupervisorLog } from './engine/supervisor.js';
import { CurrentFollower } from './follow-current.js';

/** How often `models/current` is looked at. */
const watchIntervalMs = 2_000;

/** Command-line values, as text; they win over the environment. */
export type ServerOverrides = Parameters<typeof readConfig>[1];

/**
 * Runs the server in this process until a signal stops it; resolves when it listens. `engineEntry` is a
 * parameter for tests.
 */
export async function startServer(
  overrides: ServerOverrides = {},
  engineEntry = entryPoint(import.meta.url, './engine/engine-main'),
): Promise<void> {
  const config = readConfig(process.env, overrides);
  delete process.env[settings.adminKey.variable]; // no child process needs it
  const lifecycle: Lifecycle = { draining: false };
  let building: Promise<App> | undefined;
  const logAt = (level: keyof SupervisorLog) => (data: object, message: string) =>
    void building?.then((app) => app.log[level](data, message));
  const supervisor = new Supervisor({
    entry: engineEntry,
    load: {
      modelsDir: config.modelsDir,
      threads: config.threads,
      student: {
        kvCacheBytes: config.kvCacheMb * 2 ** 20,
        ...(config.lmSlots === undefined ? {} : { maxSlots: config.lmSlots }),
      },
      ...(config.bundleId === undefined ? {} : { bundleId: config.bundleId }),
    },
    clock: systemClock,
    log: { info: logAt('info'), warn: logAt('warn'), error: logAt('error') },
    limits: {
      hangMs: config.engineHangMs,
      startWaitMs: config.questionDeadlineMs,
      // As many chats again wait for a slot inside the engine, so that none stays empty.
      ...(config.lmSlots === undefined ? {} : { maxChats: 2 * config.lmSlots }),
      drainMs: Math.max(config.questionDeadlineMs, config.chatDeadlineMs),
    },
  });
  supervisor.start(); // loads in its own process while this one gets ready
  // Imported only now, so that the engine's own start does not wait for the web framework's.
  building = import('./app.js').then(({ buildApp }) =>
    buildApp({ config, engine: supervisor, logger: { level: config.logLevel }, lifecycle }),
  );
  const app = await building;
  try {
    await listen(app, config);
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
  const unwatch = followCurrent(app, supervisor, config);
  stopOnSignals(app, async () => {
    lifecycle.draining = true;
    unwatch();
    await close(app, config.stopGraceMs);
    await supervisor.stop();
  });
}

async function listen(app: App, { port, host }: Config): Promise<void> {
  try {
    await app.listen({ port, host });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'EADDRINUSE'
        ? 'the port is in use'
        : code === 'EACCES'
          ? 'it is not permitted'
          : messageOf(error);
    throw new HaetaeError(
      'CONFIG_INVALID',
      `Cannot listen on ${host}, port ${port}: ${why}. Set PORT and HOST to a free port and an own address.`,
      { host, port },
      { cause: error },
    );
  }
}

/** Swaps the engine when another bundle is activated, unless one is pinned. Returns what ends the watching. */
function followCurrent(app: App, supervisor: Supervisor, config: Config): () => void {
  const current = join(config.modelsDir, 'current');
  const follower = new CurrentFollower({
    wanted: async () => config.bundleId ?? (await readFile(current, 'utf8').catch(() => '')).trim(),
    served: () => supervisor.bundleId,
    reload: (signal) => supervisor.reload(config.bundleId, signal),
    log: app.log,
  });
  const onHangup = () => void follower.reload('SIGHUP');
  process.on('SIGHUP', onHangup);
  if (config.bundleId === undefined) {
    watchFile(current, { interval: watchIntervalMs, persistent: false }, () => void follower.look());
  }
  return () => {
    unwatchFile(current);
    process.off('SIGHUP', onHangup);
  };
}

/** Closes the listener and waits for requests in flight, at most `graceMs`; then cuts what is left. */
async function close(app: App, graceMs: number): Promise<void> {
  const closed = app.close();
  const cancel = systemClock.after(graceMs, () => {
    app.log.warn('requests were still in flight when the time to stop was over');
    app.server.closeAllConnections();
  });
  await closed;
  cancel();
}

function stopOnSignals(app: App, stop: () => Promise<void>): void {
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1);
      stopping = true;
      app.log.info({ signal }, 'stopping');
      stop().then(
        () => process.exit(0),
        (error) => {
          app.log.error({ err: error }, 'could not stop in order');
          process.exit(1);
        },
      );
    });
  }
}
