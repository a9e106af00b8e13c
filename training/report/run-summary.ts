/**
 * What a run says at its end on a terminal: a line for each stage with its status, time and figures, then what came of
 * it, where the report is, and what to do next.
 */
import { readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import type { RunRecord, StageRecord } from '../../shared/training-run/run-record.js';
import { runReportName } from '../../shared/training-run/run-record.js';
import { figureText } from '../run/chart-axis.js';
import { durationText } from '../run/training-progress.js';
import { runOutcome } from './run-outcome.js';
import { command } from './stage-commands.js';
import { readStageSummary } from './stage-section.js';

/** @param workFolder `<output>/work` */
export async function runSummaryLines(record: RunRecord, workFolder: string): Promise<string[]> {
  const out = dirname(resolve(workFolder));
  const shown = record.stages.filter(({ status }) => status !== 'left-out' && status !== 'pending');
  const width = Math.max(0, ...shown.map(({ id }) => id.length));
  const lines: string[] = [];
  for (const stage of shown) {
    const figures = await figuresOf(stage, workFolder);
    const time = stage.seconds === null || stage.status === 'unchanged' ? '' : durationText(stage.seconds);
    lines.push(
      `${stage.id.padEnd(width)}  ${stage.status.padEnd(11)}  ${time.padStart(12)}  ${figures}`.trimEnd(),
    );
  }
  return [
    ...lines,
    ...(lines.length > 0 ? [''] : []),
    plain(runOutcome(record)),
    `report: ${pathText(join(out, 'runs', record.runId, runReportName))}`,
    ...next(record, out, await modelsFolder(record, out)).map((line) => `next: ${line}`),
  ];
}

/** Of the record; of one that is older than its figures, of the stage's summary. */
async function figuresOf({ id, status, figures, error }: StageRecord, workFolder: string): Promise<string> {
  if (error) return plain(`${error.code}: ${error.message}`);
  let found: Readonly<Record<string, string | number | null>> = figures;
  if (Object.keys(figures).length === 0 && (status === 'done' || status === 'unchanged')) {
    const summary = await readStageSummary(join(workFolder, id));
    if (!('problem' in summary)) found = summary.figures;
  }
  const words = Object.entries(found).map(
    ([name, value]) => `${name} ${typeof value === 'number' ? figureText(value) : (value ?? 'not measured')}`,
  );
  return plain(words.join(', '));
}

/** Of the configuration that the run has kept, else the default. */
async function modelsFolder({ runId }: RunRecord, out: string): Promise<string> {
  const text = await readFile(join(out, 'runs', runId, 'config.json'), 'utf8').catch(() => '{}');
  try {
    const { publish } = JSON.parse(text) as { publish?: { models?: unknown } };
    if (typeof publish?.models === 'string') return resolve(publish.models);
  } catch {
    // A configuration that cannot be read names no folder.
  }
  return join(out, 'models');
}

/** The command that a person would want now. */
function next(record: RunRecord, out: string, models: string): string[] {
  const again = command('haetae', 'train', 'run', record.config, '--out', pathText(out));
  switch (record.status) {
    case 'published':
      return [command('haetae', 'serve', '--models-dir', pathText(models))];
    case 'finished':
      return record.stages.some(({ status }) => status === 'left-out') ? [again] : [];
    case 'interrupted':
    case 'failed':
      return [again];
    default:
      return [];
  }
}

/** As seen from the working folder, where that is shorter. */
function pathText(path: string): string {
  const near = relative(process.cwd(), path);
  return near.length < path.length ? near : path;
}

/** Others' words without line breaks and what steers a terminal. */
function plain(text: string): string {
  return text.replace(/[\p{C}\s]+/gu, ' ').trim();
}
