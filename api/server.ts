/**
 * The server's process: reads the configuration, listens, starts the engine, and stops in order.
 *
 * It listens before any engine is warm (`/livez` at once, `/readyz` later). SIGTERM and SIGINT: `/readyz` turns
 * 503, the listener closes, requests in flight get `HAETAE_STOP_GRACE_MS`, then the engine ends; a second
 * signal ends everything at once. SIGHUP, or another id in `models/current`: the engine is swapped for one on
 * that bundle without losing a request.
 */

import { readCurrent } from '../shared/bundle/current-file.js';
import { systemClock } from '../shared/clock.js';
import { entryPoint } from '../shared/entry-point.js';
import { HaetaeError, messageOf } from '../shared/errors.js';
import type { App, Lifecycle } from './app.js';
import { type Config, readConfig, settings } from './config.js';
import type { BundleSwitch } from './engine/bundle-switch.js';
import { Refusals } from './engine/refusals.js';
import { StartChoice } from './engine/start-choice.js';
import { Supervisor, type SupervisorLog } from './engine/supervisor.js';
import { followCurrent } from './follow-current.js';

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
  const log: SupervisorLog = { info: logAt('info'), warn: logAt('warn'), error: logAt('error') };
  const { modelsDir, bundleId: pinnedId } = config;
  const refusals = new Refusals({ modelsDir });
  const supervisor = new Supervisor({
    entry: engineEntry,
    load: {
      modelsDir,
      threads: config.threads,
      student: {
        kvCacheBytes: config.kvCacheMb * 2 ** 20,
        ...(config.lmSlots === undefined ? {} : { maxSlots: config.lmSlots }),
      },
    },
    starts: new StartChoice({
      wanted: async () => pinnedId ?? (await readCurrent(modelsDir)),
      earlier: async () => (pinnedId === undefined ? (await bundleStore()).earlierBundles(modelsDir) : []),
      refusals,
      log,
    }),
    clock: systemClock,
    log,
    limits: {
      startTimeoutMs: config.engineStartMs,
      hangMs: config.engineHangMs,
      startWaitMs: config.questionDeadlineMs,
      // As many chats again wait for a slot inside the engine, so that none stays empty.
      ...(config.lmSlots === undefined ? {} : { maxChats: 2 * config.lmSlots }),
      drainMs: Math.max(config.questionDeadlineMs, config.chatDeadlineMs),
    },
  });
  supervisor.start(); // loads in its own process while this one gets ready
  // Imported only now, so that the engine's own start does not wait for the web framework's.
  const { BundleSwitch } = await import('./engine/bundle-switch.js');
  const bundles = new BundleSwitch({
    modelsDir,
    pinnedId,
    engines: supervisor,
    refusals,
    clock: systemClock,
    log,
  });
  building = import('./app.js').then(({ buildApp }) =>
    buildApp({ config, engine: supervisor, bundles, logger: { level: config.logLevel }, lifecycle }),
  );
  const app = await building;
  try {
    await listen(app, config);
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
  const unwatch = follow(bundles, config);
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

/** Loaded when it is needed: its schemas would hold up the start of the engine. */
const bundleStore = () => import('../shared/bundle/bundle-store.js');

/** Changes the bundle when `current` or a signal says so. Returns what ends that. */
function follow(bundles: BundleSwitch, { modelsDir, bundleId }: Config): () => void {
  const onHangup = () => void bundles.reload('SIGHUP');
  process.on('SIGHUP', onHangup);
  const unwatch =
    bundleId === undefined ? followCurrent({ modelsDir, look: () => bundles.look() }) : () => undefined;
  return () => {
    unwatch();
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
