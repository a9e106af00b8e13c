/**
 * One run of a pipeline: `haetae train run …` as a process of its own, whose output goes to a log file. It leads a
 * process group, so that Ctrl-C in a terminal reaches the schedule alone, and the run is asked to stop once, by it.
 */
import { fork } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../../shared/clock.js';
import { type ProcessIdentity, processIdentity } from '../../shared/training-run/process-identity.js';
import type { TrainProgram } from '../../shared/training-run/train-program.js';

export interface AttemptOptions {
  program: TrainProgram;
  arguments: readonly string[];
  log: string;
  clock: Clock;
  /** Asks the run to stop. */
  signal: AbortSignal;
  /** From being asked to stop to being killed. */
  stopGraceMs: number;
  timeoutMs: number | null;
  /** Hears which process it is, before anything else happens. */
  onStart: (identity: ProcessIdentity) => Promise<void>;
}

export interface AttemptEnd {
  /** Null where a signal ended it. */
  exitCode: number | null;
  /** E.g. `ended with exit code 1`, `was ended by SIGKILL`. */
  how: string;
  timedOut: boolean;
}

/** Resolves when the process is gone. */
export async function runAttempt(options: AttemptOptions): Promise<AttemptEnd> {
  const { clock, signal, stopGraceMs, timeoutMs } = options;
  await mkdir(dirname(options.log), { recursive: true });
  const log = await open(options.log, 'a');
  const child = fork(options.program.path, options.arguments, {
    execArgv: [...options.program.execArgv],
    detached: true,
    stdio: ['ignore', log.fd, log.fd, 'ipc'],
  });
  const ended = new Promise<Omit<AttemptEnd, 'timedOut'>>((resolve) => {
    child.once('error', (error) =>
      resolve({ exitCode: null, how: `could not be started: ${error.message}` }),
    );
    child.once('exit', (code, killer) =>
      resolve({
        exitCode: code,
        how: killer === null ? `ended with exit code ${code}` : `was ended by ${killer}`,
      }),
    );
  });
  const timers: (() => void)[] = [];
  let timedOut = false;
  const stop = (): void => {
    child.kill('SIGTERM');
    timers.push(clock.after(stopGraceMs, () => void child.kill('SIGKILL')));
  };
  try {
    if (child.pid !== undefined) await options.onStart(await processIdentity(child.pid));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    if (timeoutMs !== null) {
      const expire = (): void => {
        timedOut = true;
        if (!signal.aborted) stop();
      };
      timers.push(clock.after(timeoutMs, expire));
    }
    return { ...(await ended), timedOut };
  } catch (error) {
    child.kill('SIGKILL'); // it is written down nowhere
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    for (const cancel of timers) cancel();
    await log.close();
  }
}
