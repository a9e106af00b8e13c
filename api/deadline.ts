/** A signal that aborts with another one, or when time is up, whichever is first. */
import type { Clock } from '../shared/clock.js';
import { HaetaeError } from '../shared/errors.js';

export interface Deadline {
  readonly signal: AbortSignal;
  /** Forgets timer and listener: to be called when the work is done. */
  end(): void;
}

/** Aborts with the reason of `signal`, and with `ENGINE_TIMEOUT` after `deadlineMs`. Throws if it has aborted. */
export function startDeadline(clock: Clock, deadlineMs: number, signal?: AbortSignal): Deadline {
  signal?.throwIfAborted();
  const cut = new AbortController();
  const onAbort = () => cut.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const cancelTimer = clock.after(deadlineMs, () =>
    cut.abort(new HaetaeError('ENGINE_TIMEOUT', `No answer came within ${deadlineMs} ms.`)),
  );
  return {
    signal: cut.signal,
    end: () => {
      cancelTimer();
      signal?.removeEventListener('abort', onAbort);
    },
  };
}
