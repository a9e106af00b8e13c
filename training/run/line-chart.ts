/**
 * A line chart as inline SVG: axes with round numbers, thin lines, a legend where there are several. Long curves are
 * drawn as means of neighbouring points, with the band between the smallest and largest of them behind.
 */
import { chartAxis, figureText, tickText } from './chart-axis.js';
import { escapeHtml } from './escape-html.js';

export interface Curve {
  name: string;
  /** Steps, ascending, and a value for each; points that are not finite are left out. */
  points: readonly (readonly [x: number, y: number])[];
  /** A curve of few points gets dots. */
  dots?: boolean;
}

export interface LineChartOptions {
  title: string;
  curves: readonly Curve[];
  /** What stands below the horizontal axis. */
  xLabel?: string;
  /** Of the title on its page; default 2. */
  headingLevel?: 2 | 3;
}

const width = 640;
const height = 260;
const margin = { left: 64, right: 16, top: 12, bottom: 40 };
const plot = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };
const mostPoints = 400;

/** The chart as an HTML `figure`; '' where there is nothing to draw. */
export function lineChart({ title, curves, xLabel = 'step', headingLevel = 2 }: LineChartOptions): string {
  const drawn = curves
    .map((curve) => ({ ...curve, buckets: bucketed(curve.points.filter(([, y]) => Number.isFinite(y))) }))
    .filter(({ buckets }) => buckets.length > 0);
  if (drawn.length === 0) return '';
  const all = drawn.flatMap(({ buckets }) => buckets);
  const [xFrom, xTo] = [Math.min(...all.map(({ x }) => x)), Math.max(...all.map(({ x }) => x))];
  const y = chartAxis(Math.min(...all.map(({ low }) => low)), Math.max(...all.map(({ high }) => high)));
  const xAt = (x: number) => margin.left + (xTo === xFrom ? 0.5 : (x - xFrom) / (xTo - xFrom)) * plot.width;
  const yAt = (value: number) => margin.top + (1 - (value - y.from) / (y.to - y.from)) * plot.height;
  const point = (x: number, value: number) => `${xAt(x).toFixed(1)},${yAt(value).toFixed(1)}`;
  const parts: string[] = [];
  for (const tick of y.ticks) {
    const at = yAt(tick).toFixed(1);
    parts.push(`<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${at}" y2="${at}"/>`);
    parts.push(
      `<text class="tick" x="${margin.left - 8}" y="${at}" dy="0.32em" text-anchor="end">${tickText(tick)}</text>`,
    );
  }
  const bottom = height - margin.bottom;
  for (const tick of chartAxis(xFrom, xTo).ticks.filter(
    (it) => it >= xFrom && it <= xTo && Number.isInteger(it),
  )) {
    parts.push(
      `<text class="tick" x="${xAt(tick).toFixed(1)}" y="${bottom + 18}" text-anchor="middle">${tickText(tick)}</text>`,
    );
  }
  parts.push(
    `<text class="tick" x="${width - margin.right}" y="${height - 4}" text-anchor="end">${escapeHtml(xLabel)}</text>`,
  );
  for (const [i, { name, buckets, dots }] of drawn.entries()) {
    const line = buckets.map(({ x, mean }) => point(x, mean)).join(' ');
    if (buckets.some(({ low, high }) => high > low)) {
      const band = [
        ...buckets.map(({ x, high }) => point(x, high)),
        ...buckets.toReversed().map(({ x, low }) => point(x, low)),
      ].join(' ');
      parts.push(`<polygon class="band c${i}" points="${band}"/>`);
    }
    if (buckets.length > 1) parts.push(`<polyline class="line c${i}" points="${line}"/>`);
    if (dots || buckets.length === 1) {
      for (const { x, mean } of buckets) {
        const about = `${escapeHtml(name)} at ${escapeHtml(xLabel)} ${x}: ${mean.toPrecision(5)}`;
        const [cx, cy] = point(x, mean).split(',');
        parts.push(`<circle class="dot c${i}" cx="${cx}" cy="${cy}" r="3"><title>${about}</title></circle>`);
      }
    }
  }
  const last = drawn.map(
    ({ name, points }, i) =>
      `<span class="key"><i class="c${i}"></i>${escapeHtml(name)} <b>${escapeHtml(lastText(points))}</b></span>`,
  );
  const label = `${title}: ${drawn.map(({ name, points }) => `${name} ${lastText(points)}`).join(', ')} at the end`;
  return (
    `<figure><figcaption><h${headingLevel}>${escapeHtml(title)}</h${headingLevel}>${last.join('')}</figcaption>` +
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(label)}">${parts.join('')}</svg></figure>`
  );
}

interface Bucket {
  x: number;
  mean: number;
  low: number;
  high: number;
}

/** Runs of neighbouring points, at most `mostPoints` of them; x is that of the last, so that the end stays the end. */
function bucketed(points: Curve['points']): Bucket[] {
  const size = Math.max(1, Math.ceil(points.length / mostPoints));
  const buckets: Bucket[] = [];
  for (let from = 0; from < points.length; from += size) {
    const run = points.slice(from, from + size);
    const values = run.map(([, y]) => y);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    buckets.push({ x: run.at(-1)![0], mean, low: Math.min(...values), high: Math.max(...values) });
  }
  return buckets;
}

function lastText(points: Curve['points']): string {
  return figureText(points.at(-1)?.[1] ?? Number.NaN);
}
