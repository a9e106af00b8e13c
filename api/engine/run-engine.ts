/**
 * The engine process: loads one bundle, then answers messages (see `protocol.ts`) until it is told to stop or
 * its parent is gone. Interrupts and hang-ups, which a terminal sends to the whole group, are the parent's to
 * decide about.
 */
import type { LoadOptions, Runtime } from '../../shared/bundle/runtime.js';
import { HaetaeError } from '../../shared/errors.js';
import { PartSender } from './part-sender.js';
import { type FromEngine, type Part, type Request, type ToEngine, toWire, type Value } from './protocol.js';

/** Runs this process as an engine whose bundle is loaded by `load`. Returns at once; the process lives on. */
export function runEngine(load: (options: LoadOptions) => Promise<Runtime>): void {
  const running = new Map<number, AbortController>();
  let runtime: Runtime | undefined;

  const send = (message: FromEngine, sent: () => void = () => undefined) => {
    if (process.connected) process.send?.(message, sent);
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

  const reply = async (id: number, request: Request) => {
    const controller = new AbortController();
    const parts = new PartSender<Part>((some, sent) => send({ type: 'parts', id, parts: some }, sent));
    running.set(id, controller);
    try {
      if (runtime === undefined)
        throw new HaetaeError('ENGINE_UNAVAILABLE', 'The engine has not loaded a bundle yet.');
      const value = await perform(runtime, request, controller.signal, (part) => parts.push(part));
      parts.flush();
      send({ type: 'result', id, value });
    } catch (error) {
      parts.flush();
      send({ type: 'error', id, error: toWire(error) });
    } finally {
      running.delete(id);
    }
  };

  const stop = async () => {
    for (const controller of running.values()) {
      controller.abort(new HaetaeError('ENGINE_UNAVAILABLE', 'The engine is stopping.'));
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
        void reply(message.id, message.request);
        break;
      case 'cancel':
        running.get(message.id)?.abort(new HaetaeError('CANCELLED', 'The request was cancelled.'));
        break;
      case 'ping':
        send({
          type: 'pong',
          seq: message.seq,
          rssBytes: process.memoryUsage.rss(),
          languageModel: runtime?.stats() ?? null,
        });
        break;
      case 'stop':
        void stop();
        break;
    }
  });
  process.on('disconnect', () => process.exit());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  process.title = 'haetae-engine loading';
  send({ type: 'begun' });
}

/** Does what `request` asks for; `emit` hears of it part by part where the operation streams. */
async function perform(
  runtime: Runtime,
  request: Request,
  signal: AbortSignal,
  emit: (part: Part) => void,
): Promise<Value> {
  const { op, input } = request;
  switch (op) {
    case 'retrieve':
      return runtime.retrieve(input.query, input.options, signal);
    case 'answer':
      return runtime.answer(input.question, input.options, signal, input.events ? emit : undefined);
    case 'rerank':
      return runtime.rerank(input, signal);
    case 'embed':
      return runtime.embed(input.texts);
    case 'chat':
      for await (const event of runtime.chat(input, signal)) emit(event);
      return null;
  }
}
