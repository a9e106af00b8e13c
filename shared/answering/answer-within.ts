/** Work that is given a time, and stopped when it is up or the caller goes. */
import type { Clock } from '../clock.js';
import { HaetaeError } from '../errors.js';

/**
 * @param budgetMs Infinity: no limit, and `work` gets the caller's signal as it is.
 * @throws HaetaeError ENGINE_TIMEOUT once the time is up, whether or not the work heeds its signal; what `signal`
 * says where the caller goes; what the work throws.
 */
export async function answerWithin<T>(
  budgetMs: number,
  work: (signal: AbortSignal | undefined) => Promise<T>,
  clock: Clock,
  signal?: AbortSignal,
): Promise<T> {
  if (budgetMs === Infinity) return work(signal);
  signal?.throwIfAborted();
  const cut = new AbortController();
  const onAbort = (): void => cut.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const cancelTimer = clock.after(Math.max(0, budgetMs), () =>
    cut.abort(new HaetaeError('ENGINE_TIMEOUT', `no answer within ${Math.round(budgetMs)} ms`)),
  );
  const cutOff = new Promise<never>((_, reject) => {
    cut.signal.addEventListener('abort', () => reject(cut.signal.reason), { once: true });
  });
  try {
    return await Promise.race([work(cut.signal), cutOff]);
  } finally {
    cancelTimer();
    signal?.removeEventListener('abort', onAbort);
  }
}
