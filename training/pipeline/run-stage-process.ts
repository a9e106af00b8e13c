/**
 * Runs this process as that of a stage. It is never ended inside native code: it is asked to stop, by message, by
 * SIGTERM, or by the loss of its pipeline, and ends between two pieces of work. Interrupts, which a terminal sends to
 * the whole group, are the pipeline's to decide about.
 */
import { join } from 'node:path';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import { takeProcessLock } from '../../shared/training-run/process-lock.js';
import type { Progress } from '../../shared/progress.js';
import { pipelinePlace, stagePlace } from './pipeline-place.js';
import type { StageContext, StageDefinition, StageSummary } from './stage-definition.js';
import type { FromStage, StageOrder, ToStage } from './stage-protocol.js';

export function runStageProcess(stages: readonly StageDefinition[]): void {
  const stop = new AbortController();
  const askToStop = (): void => stop.abort(new HaetaeError('CANCELLED', 'The stage was asked to stop.'));
  const send = (message: FromStage): Promise<void> =>
    new Promise((resolve) => {
      if (!process.connected || !process.send) resolve();
      else process.send(message, () => resolve());
    });

  const work = async (order: StageOrder): Promise<void> => {
    process.title = `haetae-stage ${order.config.name} ${order.id}`;
    try {
      const summary = await perform(stages, order, stop.signal, send);
      await send({ type: 'done', summary });
    } catch (error) {
      if (stop.signal.aborted) await send({ type: 'interrupted' });
      else await send({ type: 'failed', error: toWire(error) });
    }
    // Sessions and addons may hold handles; their work is done.
    process.exit();
  };

  process.on('message', (message: ToStage) => {
    if (message.type === 'run') void work(message.order);
    else askToStop();
  });
  process.on('disconnect', askToStop);
  process.on('SIGTERM', askToStop);
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
}

async function perform(
  stages: readonly StageDefinition[],
  { out, config, stage, id, iteration, incumbentId, threads }: StageOrder,
  signal: AbortSignal,
  send: (message: FromStage) => Promise<void>,
): Promise<StageSummary> {
  const definition = stages.find(({ name }) => name === stage);
  if (!definition) throw new HaetaeError('INTERNAL', `There is no stage '${stage}'.`);
  const place = stagePlace(pipelinePlace(out, config), config, { id, definition, iteration }, incumbentId);
  const context: StageContext = {
    ...place,
    ...{ threads, signal, env: process.env },
    progress: (label, total) => sentProgress(label, total, send),
    log: (line) => void send({ type: 'log', line }),
    now: () => new Date(),
  };
  const lock = await takeProcessLock(join(pipelinePlace(out, config).work, `${id}.lock`));
  if (!('release' in lock)) {
    throw new HaetaeError('TRAINING_RUNNING', `Process ${lock.pid} works at ${id} already.`);
  }
  try {
    signal.throwIfAborted();
    return await definition.run(context);
  } finally {
    await lock.release();
  }
}

/** A message at most every so often: a loop of thousands of quick steps should not fill the channel. */
const progressEveryMs = 200;

function sentProgress(label: string, total: number, send: (message: FromStage) => Promise<void>): Progress {
  let done = 0;
  let sentAt = Number.NEGATIVE_INFINITY;
  const report = (): void => {
    sentAt = performance.now();
    void send({ type: 'progress', label, done, total });
  };
  report();
  return {
    tick: () => {
      done += 1;
      if (done === total || performance.now() - sentAt >= progressEveryMs) report();
    },
    stop: report,
  };
}

function toWire(error: unknown): Extract<FromStage, { type: 'failed' }>['error'] {
  return {
    code: error instanceof HaetaeError ? error.code : 'INTERNAL',
    message: messageOf(error),
    stack: error instanceof Error ? error.stack : undefined,
  };
}
