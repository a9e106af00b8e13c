/**
 * A histogram as inline SVG: bins of equal width side by side, several series next to each other in each bin, marks
 * where a threshold lies. Measured in percent of its width, so that words keep their size on any page.
 */
import { chartAxis, figureText, tickText } from '../run/chart-axis.js';
import { escapeHtml } from '../run/escape-html.js';

export interface HistogramOptions {
  title: string;
  /** Ends of the horizontal axis; the bins of each series divide it. */
  from: number;
  to: number;
  series: readonly { name: string; counts: readonly number[] }[];
  /** What stands below the horizontal axis. */
  xLabel: string;
  /** A line across, e.g. a threshold. */
  mark?: { at: number; name: string };
  headingLevel?: 3 | 4;
}

const height = 170;

/** The chart as an HTML `figure`; '' where nothing was counted. */
export function histogram(options: HistogramOptions): string {
  const { title, from, to, xLabel, mark, headingLevel = 3 } = options;
  const series = options.series.map(({ name, counts }) => ({ name, counts: counts.map(countOf) }));
  const most = Math.max(0, ...series.flatMap(({ counts }) => counts));
  if (most === 0 || !(to > from)) return '';
  const axis = chartAxis(0, most);
  const yAt = (count: number) => ((1 - count / axis.to) * height).toFixed(1);
  const xAt = (value: number) => `${(((value - from) / (to - from)) * 100).toFixed(2)}%`;
  const whole = axis.ticks.filter(Number.isInteger);
  const gutter = whole.map(
    (tick) =>
      `<text x="100%" dx="-8" y="${yAt(tick)}" dy="0.32em" text-anchor="end">${tickText(tick)}</text>`,
  );
  const grid = whole.map(
    (tick) => `<line class="grid" x1="0" x2="100%" y1="${yAt(tick)}" y2="${yAt(tick)}"/>`,
  );
  const bars = series.flatMap(({ name, counts }, i) => {
    const bin = (to - from) / counts.length;
    const width = (bin * 0.86) / series.length;
    return counts.flatMap((count, j) => {
      if (count === 0) return [];
      const start = from + j * bin;
      const about = `${name}, ${figureText(start)} to ${figureText(start + bin)}: ${figureText(count)}`;
      const x = xAt(start + bin * 0.07 + i * width);
      return [
        `<rect class="fill c${i}" x="${x}" width="${xAt(from + width)}" y="${yAt(count)}" height="${(height - Number(yAt(count))).toFixed(1)}">` +
          `<title>${escapeHtml(about)}</title></rect>`,
      ];
    });
  });
  const ticks = chartAxis(from, to).ticks.filter((tick) => tick >= from && tick <= to);
  const labels = ticks.map((tick) => {
    const anchor = tick === from ? 'start' : tick === to ? 'end' : 'middle';
    return `<text x="${xAt(tick)}" y="${height + 17}" text-anchor="${anchor}">${tickText(tick)}</text>`;
  });
  const line =
    mark && mark.at >= from && mark.at <= to
      ? `<line class="mark" x1="${xAt(mark.at)}" x2="${xAt(mark.at)}" y1="0" y2="${height}"/>`
      : '';
  const keys = [
    ...series.map(
      ({ name, counts }, i) =>
        `<span class="key"><i class="c${i}"></i>${escapeHtml(name)} <b>${figureText(total(counts))}</b></span>`,
    ),
    ...(line ? [`<span class="key"><i class="mark"></i>${escapeHtml(mark?.name ?? '')}</span>`] : []),
  ];
  const label = `${title}: ${series.map(({ name, counts }) => `${name}, ${figureText(total(counts))}, ${fullest(counts, from, to)}`).join('; ')}`;
  return (
    `<figure><figcaption><h${headingLevel}>${escapeHtml(title)}</h${headingLevel}>${keys.join('')}</figcaption>` +
    `<div class="plot" role="img" aria-label="${escapeHtml(label)}"><svg class="gutter">${gutter.join('')}</svg>` +
    `<svg class="area">${grid.join('')}${bars.join('')}${line}${labels.join('')}` +
    `<text x="100%" y="${height + 34}" text-anchor="end">${escapeHtml(xLabel)}</text></svg></div></figure>`
  );
}

function countOf(count: number): number {
  return Number.isFinite(count) && count > 0 ? count : 0;
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

function fullest(counts: readonly number[], from: number, to: number): string {
  if (total(counts) === 0) return 'none';
  const most = counts.indexOf(Math.max(...counts));
  const bin = (to - from) / counts.length;
  return `most from ${figureText(from + most * bin)} to ${figureText(from + (most + 1) * bin)}`;
}
