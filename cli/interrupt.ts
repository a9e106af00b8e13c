/** Ctrl-C as a signal: the first asks for an end between two pieces of work, the second ends at once. */

/** What other programs exit with after SIGINT. */
export const interruptedExitCode = 130;

/** Runs `work` with a signal that SIGINT or SIGTERM aborts, and sets the exit code where one came. */
export async function withInterrupt<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interrupt = new AbortController();
  const onInterrupt = (): void => {
    process.exitCode = interruptedExitCode;
    if (interrupt.signal.aborted) process.exit();
    interrupt.abort(new Error('interrupted'));
  };
  process.on('SIGINT', onInterrupt).on('SIGTERM', onInterrupt);
  try {
    return await work(interrupt.signal);
  } finally {
    process.off('SIGINT', onInterrupt).off('SIGTERM', onInterrupt);
  }
}
