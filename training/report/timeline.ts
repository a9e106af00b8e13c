/**
 * When each stage ran, and for how long: a small Gantt chart as a table with inline SVG. A stage that was skipped
 * because nothing had changed is a hollow mark; one that never began is an empty line.
 */
import type { StageRecord, StageStatus } from '../../shared/training-run/run-record.js';
import { escapeHtml } from '../run/escape-html.js';
import { durationText } from '../run/training-progress.js';

export interface TimelineOptions {
  stages: readonly Pick<StageRecord, 'id' | 'status' | 'startedAt' | 'seconds'>[];
  /** Beginning and end of the run, ISO 8601. */
  startedAt: string;
  endedAt: string;
  /** Address of a stage's section on the page; undefined where it has none. */
  linkOf?: (id: string) => string | undefined;
}

const statusWords: Record<StageStatus, string> = {
  pending: 'not begun',
  running: 'running',
  unchanged: 'unchanged',
  done: 'done',
  rejected: 'rejected by its gate',
  'left-out': 'left out',
  interrupted: 'interrupted',
  failed: 'failed',
};

/** The chart as an HTML table; '' for no stages. */
export function timeline({ stages, startedAt, endedAt, linkOf = () => undefined }: TimelineOptions): string {
  if (stages.length === 0) return '';
  const origin = Date.parse(startedAt);
  const ends = stages.flatMap((stage) => {
    const at = Date.parse(stage.startedAt ?? '');
    return Number.isFinite(at) ? [(at - origin) / 1000 + (stage.seconds ?? 0)] : [];
  });
  const end = Math.max(0.1, ...[(Date.parse(endedAt) - origin) / 1000, ...ends].filter(Number.isFinite));
  const at = (seconds: number) => `${(Math.min(1, Math.max(0, seconds / end)) * 100).toFixed(2)}%`;
  const ticks = timeTicks(end);
  const grid = ticks
    .map((tick) => `<line class="grid" x1="${at(tick)}" x2="${at(tick)}" y1="0" y2="100%"/>`)
    .join('');
  const rows = stages.map(({ id, status, startedAt: began, seconds }) => {
    const from = (Date.parse(began ?? '') - origin) / 1000;
    const length = seconds ?? (status === 'running' ? end - from : 0);
    const link = linkOf(id);
    const name = link === undefined ? escapeHtml(id) : `<a href="${escapeHtml(link)}">${escapeHtml(id)}</a>`;
    const duration =
      seconds === null || status === 'unchanged' ? '' : ` <small>${durationText(seconds)}</small>`;
    return (
      `<tr class="${status}"><th scope="row"><span>${name}</span></th>` +
      `<td class="bar"><svg aria-hidden="true">${grid}${Number.isFinite(from) ? stageMark(status, from, length, at) : ''}</svg></td>` +
      `<td class="value">${statusWords[status]}${duration}</td></tr>`
    );
  });
  const labels = ticks.map(
    (tick) =>
      `<text x="${at(tick)}" y="1em" text-anchor="${tick === 0 ? 'start' : 'middle'}">${tick === 0 ? '0' : shortDuration(tick)}</text>`,
  );
  return (
    `<table class="bars timeline" aria-label="Stages: when they ran"><tbody>${rows.join('')}</tbody>` +
    `<tfoot aria-hidden="true"><tr><td></td><td class="bar"><svg class="ticks">${labels.join('')}</svg></td><td></td></tr></tfoot></table>`
  );
}

function stageMark(
  status: StageStatus,
  from: number,
  length: number,
  at: (seconds: number) => string,
): string {
  if (status === 'unchanged') return `<circle class="hollow" cx="${at(from)}" cy="9" r="4"/>`;
  const bad = status === 'failed' || status === 'interrupted' || status === 'rejected';
  // A line under the bar keeps one of no width to be seen.
  return (
    `<line class="whisker" x1="${at(from)}" x2="${at(from)}" y1="4" y2="14"/>` +
    `<rect class="fill ${bad ? 'c1' : 'c0'}" x="${at(from)}" width="${at(length)}" y="4" height="10"/>`
  );
}

const stepsOfTime = [
  ...[1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800],
  ...[3600, 7200, 14_400, 21_600, 43_200, 86_400, 172_800, 604_800],
];

/** Three to six times between 0 and the end, none so near to it that their words would be cut. */
function timeTicks(end: number): number[] {
  const step = stepsOfTime.find((it) => end / it <= 5) ?? end / 5;
  return Array.from({ length: Math.floor((end * 0.97) / step) + 1 }, (_, i) => i * step);
}

/** `30 s`, `5 min`, `1.5 h`, `2 d` */
function shortDuration(seconds: number): string {
  const [unit, size] =
    seconds >= 86_400
      ? (['d', 86_400] as const)
      : seconds >= 3600
        ? (['h', 3600] as const)
        : seconds >= 60
          ? (['min', 60] as const)
          : (['s', 1] as const);
  return `${Number((seconds / size).toFixed(1))} ${unit}`;
}
