/** Time as an argument: deadlines, back-off and heartbeats read this, so that tests can turn the hands. */
export interface Clock {
  /** Milliseconds on a monotonic scale; only differences mean anything. */
  now(): number;
  /** Calls `callback` once after `delayMs` (≥ 0); the returned function cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

/** Longest delay that `setTimeout` takes; a longer one would fire at once. */
const longestTimeoutMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(0, delayMs), longestTimeoutMs));
    return () => clearTimeout(timer);
  },
};
