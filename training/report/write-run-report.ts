/**
 * `report.html` of a pipeline's run: what came of it, when each stage ran, what each stage measured, licences,
 * configuration, and the commands that show the figures again. One file without scripts that needs nothing from
 * elsewhere.
 *
 * It is written at the end of a run, whatever that was: it reads the `summary.json` of each stage that has one, and
 * says in a line where one is absent or not as expected. Links lead to the reports of the training runs, which lie
 * beside it in the output folder.
 */
import { join, relative, resolve, sep } from 'node:path';
import { type RunRecord, runReportName, type StageRecord } from '../../shared/training-run/run-record.js';
import { writeAtomically } from '../../shared/write-atomically.js';
import { contestLicenceRules, type LicenceRow } from '../licence/licence-table.js';
import { pipelineLicences } from '../licence/pipeline-licences.js';
import type { PipelineConfig } from '../pipeline/pipeline-config.js';
import { escapeHtml } from '../run/escape-html.js';
import { reportPage } from '../run/report-page.js';
import { durationText } from '../run/training-progress.js';
import { drawStage } from './draw-stage.js';
import { commands, facts } from './report-parts.js';
import { reportStyle } from './report-style.js';
import { outcomeKind, runOutcome } from './run-outcome.js';
import { licenceSection, publishedLicences } from './sections/licence-section.js';
import { type CommandFacts, runCommand } from './stage-commands.js';
import { readStageSummary } from './stage-section.js';
import { timeline } from './timeline.js';

export interface RunReportOptions {
  record: RunRecord;
  config: PipelineConfig;
  /** `<output>/work`, with a folder of each stage. */
  workFolder: string;
}

/** Writes the report into the folder of the run, and returns its path. */
export async function writeRunReport(runFolder: string, options: RunReportOptions): Promise<string> {
  const path = join(runFolder, runReportName);
  await writeAtomically(path, await runReportHtml(runFolder, options));
  return path;
}

export async function runReportHtml(runFolder: string, options: RunReportOptions): Promise<string> {
  const { record, config, workFolder } = options;
  const commandFacts: CommandFacts = { record, config, workFolder: resolve(workFolder) };
  const drawn = shownStages(record.stages);
  const stageMarkup: string[] = [];
  for (const stage of drawn) {
    const folder = join(workFolder, stage.id);
    const place = { id: stage.id, folder, link: linkTo(runFolder, folder), config };
    stageMarkup.push(await drawStage(stage, place, commandFacts));
  }
  const rows = await licencesOf(drawn, config, workFolder);
  const cutOff = config.publish.rules === undefined ? undefined : contestLicenceRules.cutOff;
  const title = `haetae train run: ${record.pipeline}`;
  const outcome = runOutcome(record);
  const drawnIds = new Set(drawn.map(({ id }) => id));
  const last = [['licences', 'Licences'] as const, ['configuration', 'Configuration'] as const];
  const links = [...drawn.map(({ id }) => [`stage-${id}`, id] as const), ...last];
  return reportPage({
    title: `${title}: ${outcome}`,
    style: reportStyle,
    body: `<header>
<h1>${escapeHtml(title)}</h1>
<p class="outcome ${outcomeKind(record)}">${escapeHtml(outcome)}</p>
${facts(runFacts(record))}
<nav aria-label="Sections">${links.map(([id, name]) => `<a href="#${escapeHtml(id)}">${escapeHtml(name)}</a>`).join('')}</nav>
</header>
<main>
<section><h2>Stages</h2>
${timeline({
  stages: record.stages,
  startedAt: record.startedAt,
  endedAt: record.finishedAt ?? record.heartbeatAt,
  linkOf: (id) => (drawnIds.has(id) ? `#stage-${id}` : undefined),
})}
</section>
${stageMarkup.join('\n')}
<section id="licences"><h2>Licences</h2>
${licenceSection(rows, cutOff)}
</section>
<section id="configuration"><h2>Configuration</h2>
<p>The command that made this run:</p>
${commands([runCommand(commandFacts)])}
<details><summary>Configuration, with all defaults</summary><pre>${escapeHtml(JSON.stringify(config, null, 2))}</pre></details>
</section>
</main>`,
  });
}

/** Of the bundle that was published; where there is none, of all that would go into one. */
async function licencesOf(
  drawn: readonly StageRecord[],
  config: PipelineConfig,
  workFolder: string,
): Promise<LicenceRow[]> {
  const publish = drawn.find(
    ({ id, status }) => id === 'publish' && (status === 'done' || status === 'unchanged'),
  );
  const summary = publish === undefined ? undefined : await readStageSummary(join(workFolder, publish.id));
  const published = summary && 'details' in summary ? publishedLicences(summary.details) : undefined;
  return published ?? pipelineLicences(config, join(workFolder, 'prepare', 'chunks.jsonl'));
}

/**
 * Stages of which something is to be said: those that were asked for, and those before them that were taken as they
 * are (`--from`). One that is left out behind them may lie there from another run, and has no say in this one.
 */
function shownStages(stages: readonly StageRecord[]): StageRecord[] {
  const last = stages.findLastIndex(({ status }) => status !== 'left-out' && status !== 'pending');
  return stages.slice(0, last + 1);
}

function runFacts(record: RunRecord): [string, string][] {
  const ended = record.finishedAt ?? record.heartbeatAt;
  const seconds = (Date.parse(ended) - Date.parse(record.startedAt)) / 1000;
  return [
    ['Run', record.runId],
    ['Started', `${timeText(record.startedAt)}, by ${record.trigger}`],
    ['Took', Number.isFinite(seconds) ? durationText(seconds) : 'not known'],
    ['Bundle', record.bundleId ?? 'none'],
    ['Configuration', record.config],
  ];
}

/** `2025-08-01 12:00:00 UTC` */
function timeText(iso: string): string {
  const time = new Date(iso);
  return Number.isNaN(time.getTime())
    ? iso
    : time
        .toISOString()
        .replace('T', ' ')
        .replace(/\.\d+Z$/u, ' UTC');
}

function linkTo(from: string, to: string): string {
  return relative(resolve(from), resolve(to)).split(sep).map(encodeURIComponent).join('/');
}
