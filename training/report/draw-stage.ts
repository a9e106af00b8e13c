/** The section of a stage: what it measured, or why there is nothing to show, and the commands that show it again. */
import type { StageRecord } from '../../shared/training-run/run-record.js';
import { figureText } from '../run/chart-axis.js';
import { escapeHtml } from '../run/escape-html.js';
import { commands, facts, notice, paragraph } from './report-parts.js';
import { evaluateSection } from './sections/evaluate-section.js';
import { indexSection } from './sections/index-section.js';
import { prepareSection } from './sections/prepare-section.js';
import { publishSection } from './sections/publish-section.js';
import { quantizeSection } from './sections/quantize-section.js';
import { reformatSection } from './sections/reformat-section.js';
import { respondSection } from './sections/respond-section.js';
import { synthesizeSection } from './sections/synthesize-section.js';
import { trainingSection } from './sections/training-section.js';
import { validateSection } from './sections/validate-section.js';
import { type CommandFacts, stageCommands, stageName } from './stage-commands.js';
import { type DrawSection, type ReadSummary, readStageSummary, type SectionPlace } from './stage-section.js';

/** By name of the stage. One without an entry shows its figures only. */
const sections: Readonly<Record<string, DrawSection>> = {
  prepare: prepareSection,
  embed: trainingSection,
  index: indexSection,
  synthesize: synthesizeSection,
  pretrain: trainingSection,
  'sft-teacher': trainingSection,
  sft: trainingSection,
  respond: respondSection,
  reformat: reformatSection,
  distill: trainingSection,
  validate: validateSection,
  quantize: quantizeSection,
  evaluate: evaluateSection,
  publish: publishSection,
};

export async function drawStage(
  { id, status, error }: StageRecord,
  place: SectionPlace,
  commandFacts: CommandFacts,
): Promise<string> {
  const parts: string[] = [];
  if (error) parts.push(paragraph(`${error.code}: ${error.message}`, 'bad'));
  if (status === 'failed' || status === 'interrupted' || status === 'running') {
    parts.push(notice(`The stage is ${status}: there are no figures of this run.`));
  } else {
    if (status === 'unchanged')
      parts.push(notice('Unchanged: the figures are those of the run that made it.'));
    if (status === 'left-out')
      parts.push(notice('Not asked for in this run: taken as an earlier one has left it.'));
    const summary = await readStageSummary(place.folder);
    if ('problem' in summary) parts.push(notice(`Nothing to show: ${summary.problem}.`));
    else parts.push(await summaryMarkup(stageName(id), summary, place));
    const again = stageCommands(id, 'problem' in summary ? undefined : summary.details, commandFacts);
    parts.push(
      `<details class="again"><summary>Show these figures again</summary>${commands(again)}</details>`,
    );
  }
  return `<section id="${escapeHtml(`stage-${id}`)}"><h2>${escapeHtml(id)}</h2>\n${parts.join('\n')}\n</section>`;
}

async function summaryMarkup(name: string, summary: ReadSummary, place: SectionPlace): Promise<string> {
  const { details, rejected } = summary;
  const drawn = await sections[name]?.(details, place);
  const gate = rejected === undefined ? '' : paragraph(rejected, 'bad');
  if (drawn === undefined) return gate + figureTable(summary);
  // A section draws its gate itself.
  if ('markup' in drawn) return drawn.markup;
  return gate + notice(`Not drawn: ${drawn.problem}. Its figures are:`) + figureTable(summary);
}

function figureTable({ figures }: ReadSummary): string {
  return facts(
    Object.entries(figures).map(
      ([name, value]) =>
        [name, typeof value === 'number' ? figureText(value) : (value ?? 'not measured')] as const,
    ),
  );
}
