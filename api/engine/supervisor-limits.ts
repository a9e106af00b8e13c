/** What bounds the engine and the wait for it; times in milliseconds. */
export interface SupervisorLimits {
  /** Look-ups inside the engine at once, and as many questions. */
  maxInFlight: number;
  /** Chats inside the engine at once: those that its language model works on, and as many that wait for it. */
  maxChats: number;
  /** Requests that wait, in each lane. */
  maxQueued: number;
  /** From fork to ready. */
  startTimeoutMs: number;
  /** A request waits for a starting engine. */
  startWaitMs: number;
  /** Between pings. */
  heartbeatMs: number;
  /** Without a sign of life, until an engine is killed. */
  hangMs: number;
  /** Before the first restart; doubled by each failure. */
  backoffMs: number;
  maxBackoffMs: number;
  /** After which an engine counts as sound. */
  stableMs: number;
  /** Failed starts in a row after which requests are told instead of kept. */
  failuresUntilDown: number;
  /** For what an engine that is replaced still works on, streams included. */
  drainMs: number;
}

export const defaultSupervisorLimits: SupervisorLimits = {
  maxInFlight: 4,
  maxChats: 16,
  maxQueued: 256,
  startTimeoutMs: 120_000,
  startWaitMs: 30_000,
  heartbeatMs: 2_000,
  hangMs: 10_000,
  backoffMs: 100,
  maxBackoffMs: 15_000,
  stableMs: 30_000,
  failuresUntilDown: 3,
  drainMs: 30_000,
};
