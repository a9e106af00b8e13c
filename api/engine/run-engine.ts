/**
 * The engine process: loads one bundle, then answers messages (see `protocol.ts`) until it is told to stop or
 * its parent is gone. Interrupts and hang-ups, which a terminal sends to the whole group, are the parent's to
 * decide about.
 */
import type { LoadOptions, Runtime } from '../../shared/bundle/runtime.js';
import { HaetaeError } from '../../shared/errors.js';
import { type FromEngine, type Request, type ToEngine, toWire } from './protocol.js';

/** Runs this process as an engine whose bundle is loaded by `load`. Returns at once; the process lives on. */
export function runEngine(load: (options: LoadOptions) => Promise<Runtime>): void {
  const running = new Map<number, AbortController>();
  let runtime: Runtime | undefined;

  const send = (message: FromEngine) => {
    if (process.connected) process.send?.(message);
  };

  const start = async (options: LoadOptions) => {
    try {
      runtime = await load(options);
      process.title = `haetae-engine ${runtime.info.bundleId}`;
      send({ type: 'ready', info: runtime.info });
    } catch (error) {
      process.exitCode = 1;
      if (process.connected) process.send?.({ type: 'failed', error: toWire(error) }, () => process.exit());
    }
  };

  const answer = async (id: number, request: Request) => {
    const controller = new AbortController();
    running.set(id, controller);
    try {
      if (runtime === undefined)
        throw new HaetaeError('ENGINE_UNAVAILABLE', 'The engine has not loaded a bundle yet.');
      const { signal } = controller;
      const value =
        request.op === 'retrieve'
          ? await runtime.retrieve(request.text, request.options, signal)
          : await runtime.answer(request.text, request.options, signal);
      send({ type: 'result', id, value });
    } catch (error) {
      send({ type: 'error', id, error: toWire(error) });
    } finally {
      running.delete(id);
    }
  };

  const stop = async () => {
    for (const controller of running.values()) {
      controller.abort(new HaetaeError('CANCELLED', 'The engine is stopping.'));
    }
    await runtime?.close().catch(() => undefined);
    process.exit();
  };

  process.on('message', (message: ToEngine) => {
    switch (message.type) {
      case 'load':
        void start(message.options);
        break;
      case 'request':
        void answer(message.id, message.request);
        break;
      case 'cancel':
        running.get(message.id)?.abort(new HaetaeError('CANCELLED', 'The request was cancelled.'));
        break;
      case 'ping':
        send({ type: 'pong', seq: message.seq, rssBytes: process.memoryUsage.rss() });
        break;
      case 'stop':
        void stop();
        break;
    }
  });
  process.on('disconnect', () => process.exit());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  process.title = 'haetae-engine loading';
}
