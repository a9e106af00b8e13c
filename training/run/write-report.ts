/**
 * `report.html`: the curves and facts of a run in one file that opens anywhere: no script, no font, no picture from
 * elsewhere. It is drawn anew at every checkpoint.
 */
import { join } from 'node:path';
import { writeAtomically } from '../../shared/write-atomically.js';
import { escapeHtml } from './escape-html.js';
import { type Curve, lineChart } from './line-chart.js';
import { isValidation, readMetrics, type StepMetrics, type ValidationMetrics } from './metrics-log.js';
import { durationText } from './training-progress.js';

/** Rows of two cells. */
export type FactTable = readonly (readonly [name: string, value: string])[];

export interface ReportFacts {
  program: string;
  totalSteps: number;
  /** E.g. `finished`, `stopped at step 40`. */
  outcome: string;
  config: Readonly<Record<string, unknown>>;
  /** Further tables by their headings: model, data, machine, what was written. */
  tables: Readonly<Record<string, FactTable>>;
}

const ownFields = new Set([
  ...['step', 'epoch', 'tokens', 'loss', 'gradNorm', 'learningRate', 'tokensPerSecond', 'seconds'],
  ...['validationLoss', 'validationTokens'],
]);

/** Writes the report of the run in `folder`, from its metrics, and returns the path. */
export async function writeReport(folder: string, facts: ReportFacts): Promise<string> {
  const metrics = await readMetrics(folder);
  const path = join(folder, 'report.html');
  await writeAtomically(path, reportHtml(metrics, facts));
  return path;
}

export function reportHtml(
  metrics: readonly (StepMetrics | ValidationMetrics)[],
  { program, totalSteps, outcome, config, tables }: ReportFacts,
): string {
  const steps = metrics.filter((line): line is StepMetrics => !isValidation(line));
  const validations = metrics.filter(isValidation);
  const title = `haetae train ${program}`;
  const curve = (
    name: string,
    field: string,
    lines: readonly { step: number; [field: string]: number }[] = steps,
  ) =>
    ({
      name,
      points: lines.flatMap((it) => (field in it ? [[it.step, it[field]!] as const] : [])),
    }) satisfies Curve;
  const extra = [...new Set(steps.flatMap((line) => Object.keys(line)))].filter(
    (name) => !ownFields.has(name),
  );
  const charts = [
    lineChart({
      title: 'Loss',
      curves: [
        curve('training', 'loss'),
        { ...curve('validation', 'validationLoss', validations), dots: validations.length <= 60 },
      ],
    }),
    lineChart({ title: 'Learning rate', curves: [curve('learning rate', 'learningRate')] }),
    lineChart({ title: 'Gradient norm, before clipping', curves: [curve('gradient norm', 'gradNorm')] }),
    lineChart({ title: 'Speed', curves: [curve('tokens/s', 'tokensPerSecond')] }),
    ...extra.map((name) => lineChart({ title: name, curves: [curve(name, name)] })),
  ];
  const last = steps.at(-1);
  const lowest = validations.reduce<ValidationMetrics | undefined>(
    (best, it) => (best && best.validationLoss <= it.validationLoss ? best : it),
    undefined,
  );
  const summary: FactTable = [
    ['Outcome', outcome],
    ['Steps', `${last?.step ?? 0} of ${totalSteps}`],
    ['Tokens', (last?.tokens ?? 0).toLocaleString('en-US')],
    ['Time in training', durationText(metrics.at(-1)?.seconds ?? 0)],
    ...(last ? [['Last training loss', last.loss.toFixed(4)] as const] : []),
    ...(lowest
      ? [['Lowest validation loss', `${lowest.validationLoss.toFixed(4)} at step ${lowest.step}`] as const]
      : []),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(`${title}: ${outcome}`)}</title>
<style>${style}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
${table('', summary)}
<div class="charts">${charts.join('\n')}</div>
<div class="tables">
${Object.entries(tables)
  .map(([heading, rows]) => table(heading, rows))
  .join('\n')}
</div>
<details><summary>Run file, with all defaults</summary><pre>${escapeHtml(JSON.stringify(config, null, 2))}</pre></details>
</body>
</html>
`;
}

function table(heading: string, rows: FactTable): string {
  const cells = rows.map(
    ([name, value]) => `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`,
  );
  const title = heading ? `<h2>${escapeHtml(heading)}</h2>` : '';
  return `<section>${title}<table>${cells.join('')}</table></section>`;
}

const style = `
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
.line { fill: none; stroke-width: 1.75; stroke-linejoin: round; } .band { opacity: 0.18; }
.line.c0 { stroke: var(--c0); } .line.c1 { stroke: var(--c1); }
.band.c0, .dot.c0 { fill: var(--c0); } .band.c1, .dot.c1 { fill: var(--c1); }
table { border-collapse: collapse; width: 100%; max-width: 44rem; margin-top: 0.4rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 0.3rem 1rem 0.3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
th { font-weight: 400; color: var(--muted); white-space: nowrap; }
details { margin-top: 1.75rem; } summary { cursor: pointer; }
pre { overflow-x: auto; font-size: 0.87rem; }
`;
