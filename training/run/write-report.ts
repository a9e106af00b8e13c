/**
 * `report.html`: the curves and facts of a run in one file that opens anywhere: no script, no font, no picture from
 * elsewhere. It is drawn anew at every checkpoint.
 */
import { join } from 'node:path';
import { writeAtomically } from '../../shared/write-atomically.js';
import { escapeHtml } from './escape-html.js';
import { type Curve, lineChart } from './line-chart.js';
import { isValidation, readMetrics, type StepMetrics, type ValidationMetrics } from './metrics-log.js';
import { type FactTable, factTable, reportPage } from './report-page.js';
import { durationText } from './training-progress.js';

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
  return reportPage({
    title: `${title}: ${outcome}`,
    body: `<h1>${escapeHtml(title)}</h1>
${factTable('', summary)}
<div class="charts">${charts.join('\n')}</div>
<div class="tables">
${Object.entries(tables)
  .map(([heading, rows]) => factTable(heading, rows))
  .join('\n')}
</div>
<details><summary>Run file, with all defaults</summary><pre>${escapeHtml(JSON.stringify(config, null, 2))}</pre></details>`,
  });
}
