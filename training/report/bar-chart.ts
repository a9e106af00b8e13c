/**
 * Horizontal bars with whiskers, as a table: a name, a bar as inline SVG, the figure in words. The figures are text,
 * so that nothing is cut off on a phone, and a screen reader has all of them.
 *
 * Bars are measured in percent of their cell: they follow the width of the page while strokes and words do not.
 */
import { chartAxis, figureText, tickText } from '../run/chart-axis.js';
import { escapeHtml } from '../run/escape-html.js';

export interface Bar {
  value: number;
  /** Ends of the whisker. */
  low?: number;
  high?: number;
  /** What stands behind the figure, e.g. `86 of 130`. */
  note?: string;
}

export interface BarChartOptions {
  title: string;
  /** What the bars of a group are of, in the order of the groups' bars; one name for groups of one bar. */
  series: readonly string[];
  groups: readonly { name: string; bars: readonly (Bar | null)[] }[];
  /** Shares from 0 to 1 are written in percent, on an axis to 100 %; other figures on one that holds the largest. */
  unit: 'share' | 'count';
  /** Of the title on its page; default 3. */
  headingLevel?: 3 | 4;
}

/** The chart as an HTML `figure`; '' where there is nothing to draw. */
export function barChart({ title, series, groups, unit, headingLevel = 3 }: BarChartOptions): string {
  const values = groups.flatMap(({ bars }) => bars.flatMap((bar) => (isDrawn(bar) ? [bar.value] : [])));
  if (values.length === 0) return '';
  const axis = unit === 'share' ? { to: 1, ticks: shareTicks } : chartAxis(0, Math.max(...values, 0));
  const at = (value: number) => `${(Math.min(1, Math.max(0, value / axis.to)) * 100).toFixed(2)}%`;
  const grid = axis.ticks
    .map((tick) => `<line class="grid" x1="${at(tick)}" x2="${at(tick)}" y1="0" y2="100%"/>`)
    .join('');
  const text = (value: number) => (unit === 'share' ? percentText(value) : figureText(value));
  const rows = groups.map(({ name, bars }) => {
    const drawn = series.flatMap((of, i) => {
      const bar = bars[i];
      return bar ? [{ of, i, bar }] : [];
    });
    return drawn.map(({ of, i, bar }, place) => {
      const head =
        place === 0
          ? `<th scope="rowgroup" rowspan="${drawn.length}"><span>${escapeHtml(name)}</span></th>`
          : '';
      const about = series.length > 1 ? `<span class="hidden">${escapeHtml(of)}: </span>` : '';
      const figure = isDrawn(bar) ? text(bar.value) : 'not measured';
      const note = noteText(bar, text);
      return (
        `<tr>${head}<td class="bar"><svg aria-hidden="true">${grid}${isDrawn(bar) ? barMarks(bar, i, at) : ''}</svg></td>` +
        `<td class="value${unit === 'count' ? ' count' : ''}">${about}<b>${figure}</b>${note ? ` <small>${escapeHtml(note)}</small>` : ''}</td></tr>`
      );
    });
  });
  const bodies = rows.filter(({ length }) => length > 0).map((group) => `<tbody>${group.join('')}</tbody>`);
  const last = axis.ticks.length - 1;
  const labels = axis.ticks.flatMap((tick, i) => {
    // Where bars are short, more words would run into each other.
    if (axis.ticks.length > 3 && i % 2 === 1) return [];
    const anchor = i === 0 ? 'start' : i === last ? 'end' : 'middle';
    const words = unit === 'share' ? `${tick * 100} %` : tickText(tick);
    return [`<text x="${at(tick)}" y="1em" text-anchor="${anchor}">${words}</text>`];
  });
  const keys =
    series.length > 1
      ? series.map((name, i) => `<span class="key"><i class="c${i}"></i>${escapeHtml(name)}</span>`).join('')
      : '';
  return (
    `<figure><figcaption><h${headingLevel}>${escapeHtml(title)}</h${headingLevel}>${keys}</figcaption>` +
    `<table class="bars" aria-label="${escapeHtml(title)}">${bodies.join('')}` +
    `<tfoot aria-hidden="true"><tr><td></td><td class="bar"><svg class="ticks">${labels.join('')}</svg></td><td></td></tr></tfoot></table></figure>`
  );
}

/** `66.2 %` */
export function percentText(share: number): string {
  return Number.isFinite(share) ? `${(share * 100).toFixed(1)} %` : 'not measured';
}

const shareTicks = [0, 0.25, 0.5, 0.75, 1];

function isDrawn(bar: Bar | null): bar is Bar {
  return bar !== null && Number.isFinite(bar.value);
}

function barMarks(bar: Bar, i: number, at: (value: number) => string): string {
  const mark = `<rect class="fill c${i}" x="0" y="4" width="${at(bar.value)}" height="10"/>`;
  const interval = intervalOf(bar);
  if (interval === undefined) return mark;
  const [low, high] = interval;
  const line = (x1: number, x2: number, y1: number, y2: number) =>
    `<line class="whisker" x1="${at(x1)}" x2="${at(x2)}" y1="${y1}" y2="${y2}"/>`;
  return mark + line(low, high, 9, 9) + line(low, low, 5, 13) + line(high, high, 5, 13);
}

function noteText(bar: Bar, text: (value: number) => string): string {
  const interval = (intervalOf(bar) ?? []).map(text).join('–').replaceAll(' %', '');
  return [interval, bar.note ?? ''].filter((it) => it !== '').join(' · ');
}

function intervalOf({ low = Number.NaN, high = Number.NaN }: Bar): [number, number] | undefined {
  return Number.isFinite(low) && Number.isFinite(high) ? [low, high] : undefined;
}
