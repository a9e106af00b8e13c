/** Starts the process of a stage and hears what it has to say; its output goes to a log file and on to stderr. */
import { fork } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { systemClock } from '../../shared/clock.js';
import { childExecArgv } from '../../shared/entry-point.js';
import { HaetaeError } from '../../shared/errors.js';
import type { StageSummary } from './stage-definition.js';
import type { FromStage, StageOrder, ToStage } from './stage-protocol.js';

export interface StartStageOptions {
  /** Absolute path of the stage program. */
  entry: string;
  order: StageOrder;
  /** File that everything it says goes to. */
  log: string;
  /** Asks it to stop. */
  signal: AbortSignal;
  onProgress: (label: string, done: number, total: number) => void;
  /** A line for the person who watches. */
  onLine: (line: string) => void;
}

export type StageEnd = { summary: StageSummary } | 'interrupted';

/** From the message to the signal, for a stage that does not read messages. */
const messageGraceMs = 10_000;

/**
 * Resolves when the process has ended.
 * @throws HaetaeError with the stage's own code, or TRAINING_STAGE_FAILED where the process ended without a word
 */
export async function startStage(options: StartStageOptions): Promise<StageEnd> {
  const { order, signal, onProgress, onLine } = options;
  const log = createWriteStream(options.log, { flags: 'a' });
  await once(log, 'open');
  const child = fork(options.entry, {
    execArgv: childExecArgv(),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const say = (line: string): void => {
    log.write(`${line}\n`);
    onLine(line);
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (bytes: Buffer) => {
      log.write(bytes);
      for (const line of bytes.toString().split('\n')) if (line.trim() !== '') onLine(line.trimEnd());
    });
  }
  let last: Extract<FromStage, { type: 'done' | 'failed' | 'interrupted' }> | undefined;
  child.on('message', (message: FromStage) => {
    if (message.type === 'progress') onProgress(message.label, message.done, message.total);
    else if (message.type === 'log') say(message.line);
    else last = message;
  });
  const send = (message: ToStage): void => {
    if (child.connected) child.send(message, () => undefined);
  };
  let cancelTimer = (): void => undefined;
  const stop = (): void => {
    send({ type: 'stop' });
    cancelTimer = systemClock.after(messageGraceMs, () => void child.kill('SIGTERM'));
  };
  signal.addEventListener('abort', stop, { once: true });
  send({ type: 'run', order });
  if (signal.aborted) stop();
  const how = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('close', (code, killer) =>
      resolve(killer === null ? `ended with exit code ${code}` : `was ended by ${killer}`),
    );
  });
  signal.removeEventListener('abort', stop);
  cancelTimer();
  if (last?.type === 'failed') log.write(`${last.error.stack ?? last.error.message}\n`);
  log.end();
  await once(log, 'close');
  if (last?.type === 'done') return { summary: last.summary };
  if (last?.type === 'interrupted' || signal.aborted) return 'interrupted';
  if (last?.type === 'failed') throw new HaetaeError(last.error.code, last.error.message);
  throw new HaetaeError(
    'TRAINING_STAGE_FAILED',
    `The process of ${order.id} ${how} before it was done. Its log: ${options.log}. Run the same command again to go on.`,
    { stage: order.id },
  );
}
