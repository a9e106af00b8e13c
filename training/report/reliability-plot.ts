/**
 * A reliability plot (DeGroot and Fienberg 1983): accuracy of the answers in each bin of confidence, against their mean
 * confidence. On the diagonal a model is as often right as it says. The area of a dot is the share of the answers that
 * it stands for.
 */
import { escapeHtml } from '../run/escape-html.js';

export interface ReliabilityBin {
  answers: number;
  /** Mean of the bin; null where it is empty. */
  confidence: number | null;
  accuracy: number | null;
}

export interface ReliabilityPlotOptions {
  title: string;
  series: readonly { name: string; bins: readonly ReliabilityBin[]; expectedError: number }[];
  headingLevel?: 3 | 4;
}

const size = 260;
const margin = { left: 40, right: 12, top: 12, bottom: 40 };
const largestRadius = 13;

/** The plot as an HTML `figure`; '' where there are no answers. */
export function reliabilityPlot({ title, series, headingLevel = 3 }: ReliabilityPlotOptions): string {
  const drawn = series
    .map((each, i) => ({ ...each, i, dots: each.bins.flatMap(dotOf) }))
    .filter(({ dots }) => dots.length > 0);
  if (drawn.length === 0) return '';
  const xAt = (share: number) => (margin.left + share * size).toFixed(1);
  const yAt = (share: number) => (margin.top + (1 - share) * size).toFixed(1);
  const axes = [0, 0.25, 0.5, 0.75, 1].flatMap((tick) => {
    const [x, y] = [xAt(tick), yAt(tick)];
    return [
      `<line class="grid" x1="${xAt(0)}" x2="${xAt(1)}" y1="${y}" y2="${y}"/>`,
      `<text x="${margin.left - 8}" y="${y}" dy="0.32em" text-anchor="end">${tick}</text>`,
      `<text x="${x}" y="${margin.top + size + 17}" text-anchor="middle">${tick}</text>`,
    ];
  });
  const names = [
    `<text x="${margin.left + size}" y="${margin.top + size + 34}" text-anchor="end">confidence</text>`,
    `<text x="${margin.left + 6}" y="${margin.top + 12}">accuracy</text>`,
  ];
  const diagonal = `<line class="mark" x1="${xAt(0)}" y1="${yAt(0)}" x2="${xAt(1)}" y2="${yAt(1)}"/>`;
  const marks = drawn.map(({ name, i, dots }) => {
    const answers = dots.reduce((sum, dot) => sum + dot.answers, 0);
    const line = dots.map(({ x, y }) => `${xAt(x)},${yAt(y)}`).join(' ');
    const circles = dots.map((dot) => {
      const radius = Math.max(2.5, largestRadius * Math.sqrt(dot.answers / answers)).toFixed(1);
      const about = `${name}: ${dot.answers} answers, confidence ${dot.x.toFixed(2)}, accuracy ${dot.y.toFixed(2)}`;
      return `<circle class="dot c${i}" cx="${xAt(dot.x)}" cy="${yAt(dot.y)}" r="${radius}"><title>${escapeHtml(about)}</title></circle>`;
    });
    return `${dots.length > 1 ? `<polyline class="line c${i}" points="${line}"/>` : ''}${circles.join('')}`;
  });
  const errorText = (error: number) => (Number.isFinite(error) ? error.toFixed(3) : 'not measured');
  const keys = drawn.map(
    ({ name, i, expectedError }) =>
      `<span class="key"><i class="c${i}"></i>${escapeHtml(name)} <b>${errorText(expectedError)}</b></span>`,
  );
  const label = `${title}: expected calibration error of ${drawn
    .map(({ name, expectedError }) => `${name} ${errorText(expectedError)}`)
    .join(', ')}`;
  const [width, height] = [margin.left + size + margin.right, margin.top + size + margin.bottom];
  return (
    `<figure class="square"><figcaption><h${headingLevel}>${escapeHtml(title)}</h${headingLevel}>${keys.join('')}</figcaption>` +
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(label)}">` +
    `${axes.join('')}${diagonal}${marks.join('')}${names.join('')}</svg></figure>`
  );
}

function dotOf({
  answers,
  confidence,
  accuracy,
}: ReliabilityBin): { answers: number; x: number; y: number }[] {
  if (!(answers > 0) || confidence === null || accuracy === null) return [];
  if (!Number.isFinite(confidence) || !Number.isFinite(accuracy)) return [];
  const within = (share: number) => Math.min(1, Math.max(0, share));
  return [{ answers, x: within(confidence), y: within(accuracy) }];
}
