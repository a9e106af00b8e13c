/** What `haetae schedule` prints of jobs and of their history. */
import { nextTimes } from '../training/schedule/cron.js';
import type { HistoryEntry } from '../training/schedule/history.js';
import type { ScheduledJob } from '../training/schedule/scheduled-job.js';
import { durationText } from '../training/run/training-progress.js';

export interface JobTimes {
  job: string;
  pipeline: string;
  /** In words. */
  when: string;
  /** ISO 8601; none for what counts from the start of the schedule. */
  next: string[];
}

/** The jobs with their next three times. */
export function jobTimes(jobs: readonly ScheduledJob[], now: Date): JobTimes[] {
  return jobs.map(({ name, pipeline, when, cron, timeZone }) => ({
    ...{ job: name, pipeline, when },
    next: cron === null ? [] : nextTimes(cron, timeZone, now, 3).map((time) => time.toISOString()),
  }));
}

export function jobLines(jobs: readonly JobTimes[]): string[] {
  return jobs.flatMap(({ job, pipeline, when, next }) => [
    `${job}  ${when}  ${pipeline}`,
    ...next.map((time) => `  ${time}`),
  ]);
}

/** A line each, newest last, with the log where somebody will want it. */
export function historyLines(entries: readonly HistoryEntry[]): string[] {
  const rows = entries.map(({ dueAt, job, status, trigger, durationMs, attempts, ...entry }) => ({
    cells: [
      dueAt.replace(/\.\d+Z$/u, 'Z'),
      job,
      status,
      trigger,
      durationMs === null ? '' : durationText(durationMs / 1000),
      attempts > 1 ? `${attempts} attempts` : '',
    ],
    rest: [
      entry.error ?? entry.outcome ?? '',
      ...(['failed', 'interrupted'].includes(status) && entry.log !== null ? [`(${entry.log})`] : []),
    ],
  }));
  const widths = [0, 1, 2, 3, 4, 5].map((column) =>
    Math.max(0, ...rows.map(({ cells }) => cells[column]!.length)),
  );
  return rows.map(({ cells, rest }) =>
    [...cells.map((cell, column) => cell.padEnd(widths[column]!)), ...rest]
      .filter((cell) => cell !== '')
      .join('  ')
      .trimEnd(),
  );
}
