/** A job as it is run: times in milliseconds, paths absolute, secrets in place. It can be sent to a worker thread. */
import type { Cron } from './cron.js';
import type { WebhookEvent } from './schedule-config.js';

export interface ScheduledWebhook {
  url: string;
  headers: Readonly<Record<string, string>>;
  /** Key of the signature; null: none is sent. */
  secret: string | null;
  on: readonly WebhookEvent[];
}

export interface ScheduledJob {
  name: string;
  pipeline: string;
  out: string;
  /** In words: when it comes due. */
  when: string;
  cron: Cron | null;
  timeZone: string;
  intervalMs: number | null;
  runOnStart: boolean;
  overlap: 'queue' | 'skip';
  retry: { attempts: number; delayMs: number; factor: number };
  timeoutMs: number | null;
  webhook: ScheduledWebhook | null;
}

export interface Schedule {
  jobs: readonly ScheduledJob[];
  /** Folder of history, logs and locks. */
  history: string;
  stopGraceMs: number;
}
