/**
 * What a piece of work tells while it runs, as something to iterate over.
 *
 * The work does not wait for its reader: a language model's slot is too dear to be held by a slow client. What
 * is not read yet is kept, but only `maxBuffered` parts of it; a reader who is further behind loses the stream.
 */
import { HaetaeError } from '../../shared/errors.js';

export interface StreamOptions {
  signal?: AbortSignal | undefined;
  /** Parts kept for a reader who is behind. */
  maxBuffered?: number;
}

/**
 * Starts `work` at the first `next()`, and aborts its signal when the reader leaves the loop, when `signal`
 * aborts (its reason is thrown then), or when the reader is too far behind (`CANCELLED`). What `work` rejects
 * with is thrown after the parts that came before it.
 */
export async function* streamOf<P>(
  work: (onPart: (part: P) => void, signal: AbortSignal) => Promise<unknown>,
  { signal, maxBuffered = 4_096 }: StreamOptions = {},
): AsyncGenerator<P, void, undefined> {
  signal?.throwIfAborted();
  const cut = new AbortController();
  const parts: P[] = [];
  let ended = false;
  let failure: { error: unknown } | undefined;
  let wake = (): void => undefined;

  const abort = (error: unknown) => {
    parts.length = 0;
    failure = { error };
    cut.abort(error);
    wake();
  };
  const onAbort = () => abort(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const onPart = (part: P) => {
    if (failure !== undefined || ended) return;
    if (parts.length >= maxBuffered) {
      abort(new HaetaeError('CANCELLED', `The reader of a stream was ${maxBuffered} parts behind.`));
      return;
    }
    parts.push(part);
    wake();
  };
  work(onPart, cut.signal).then(
    () => {
      ended = true;
      wake();
    },
    (error) => {
      failure ??= { error };
      wake();
    },
  );

  try {
    for (;;) {
      while (parts.length > 0) yield parts.shift() as P;
      if (failure !== undefined) throw failure.error;
      if (ended) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    if (!ended && failure === undefined)
      cut.abort(new HaetaeError('CANCELLED', 'The reader left the stream.'));
    ended = true;
  }
}
