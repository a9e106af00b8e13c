/**
 * One run at a time: what comes due while another is at work waits, once for each job, or is left out, as the job
 * wants it.
 */
import type { HistoryEntry } from './history.js';
import type { ScheduledJob } from './scheduled-job.js';

export interface Due {
  job: ScheduledJob;
  trigger: HistoryEntry['trigger'];
  at: Date;
}

export interface RunQueueActions {
  start(due: Due): void;
  /** It was left out, because a run of `working` is at work. */
  skip(due: Due, working: Due): void;
}

export class RunQueue {
  readonly #actions: RunQueueActions;
  #working: Due | null = null;
  #waiting: Due[] = [];
  #closed = false;

  constructor(actions: RunQueueActions) {
    this.#actions = actions;
  }

  get working(): Due | null {
    return this.#working;
  }

  due(due: Due): void {
    if (this.#closed) return;
    if (this.#working === null) {
      this.#working = due;
      this.#actions.start(due);
    } else if (due.job.overlap === 'skip' || this.#waiting.some(({ job }) => job.name === due.job.name)) {
      this.#actions.skip(due, this.#working);
    } else {
      this.#waiting.push(due);
    }
  }

  /** The run at work is over. */
  ended(): void {
    this.#working = null;
    const next = this.#waiting.shift();
    if (next) this.due(next);
  }

  /** Nothing more is started; returns what was waiting. */
  close(): Due[] {
    this.#closed = true;
    return this.#waiting.splice(0);
  }
}
