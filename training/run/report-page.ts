/** The page that reports are written on: one file that opens anywhere, light and dark, on paper and on a phone. */
import { escapeHtml } from './escape-html.js';

/** Rows of two cells. */
export type FactTable = readonly (readonly [name: string, value: string])[];

export interface ReportPage {
  title: string;
  /** Markup. */
  body: string;
  /** Style of this report, after the common one. */
  style?: string;
}

export function reportPage({ title, body, style = '' }: ReportPage): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${commonStyle}${style}</style>
</head>
<body>
${body}
</body>
</html>
`;
}

/** A section; without a heading where that is ''. */
export function factTable(heading: string, rows: FactTable): string {
  const cells = rows.map(
    ([name, value]) => `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`,
  );
  const title = heading ? `<h2>${escapeHtml(heading)}</h2>` : '';
  return `<section>${title}<table>${cells.join('')}</table></section>`;
}

/** Charts shrink with the page, so their words grow where it is narrow. */
const commonStyle = `
:root { color-scheme: light dark; --text: #1b1f24; --muted: #66707c; --line: #dfe3e8; --page: #fff; --c0: #2463c7; --c1: #c2571a; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e7eb; --muted: #98a2ad; --line: #343a42; --page: #15181c; --c0: #6ea3f2; --c1: #f0955a; }
}
body { margin: 2rem auto; max-width: 84rem; padding: 0 1.25rem; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 1rem; }
h2 { font-size: 1rem; margin: 0; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 1.75rem 2rem;
  margin: 1.75rem 0; }
.tables { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1.5rem 2rem; }
figure { margin: 0; }
figcaption { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; align-items: baseline; margin-bottom: 0.4rem; }
.key { color: var(--muted); font-size: 0.87rem; }
.key b { color: var(--text); font-weight: 600; font-variant-numeric: tabular-nums; }
.key i { display: inline-block; width: 0.9rem; height: 3px; margin-right: 0.4rem; vertical-align: middle; }
.key i.c0 { background: var(--c0); } .key i.c1 { background: var(--c1); }
svg { display: block; width: 100%; height: auto; overflow: visible; }
.grid { stroke: var(--line); } .tick { fill: var(--muted); font-size: 12px; }
@media (max-width: 34rem) { .tick { font-size: 20px; } }
.line { fill: none; stroke-width: 1.75; stroke-linejoin: round; } .band { opacity: 0.18; }
.line.c0 { stroke: var(--c0); } .line.c1 { stroke: var(--c1); }
.band.c0, .dot.c0 { fill: var(--c0); } .band.c1, .dot.c1 { fill: var(--c1); }
table { border-collapse: collapse; width: 100%; max-width: 44rem; margin-top: 0.4rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 0.3rem 1rem 0.3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
th { font-weight: 400; color: var(--muted); white-space: nowrap; }
details { margin-top: 1.75rem; } summary { cursor: pointer; }
pre { overflow-x: auto; font-size: 0.87rem; }
@media print { * { print-color-adjust: exact; } figure, tr { break-inside: avoid; } pre { white-space: pre-wrap; } }
`;
