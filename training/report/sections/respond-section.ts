/** Section of `respond-N`: how teacher and student answer the same prompts. */
import Type, { type Static } from 'typebox';
import { escapeHtml } from '../../run/escape-html.js';
import { barChart, percentText } from '../bar-chart.js';
import { byCount, type Cell, charts, countText, dataTable, facts, heading } from '../report-parts.js';
import { Figure, number, stageSection } from '../stage-section.js';

/** By task and split. */
export const PromptCounts = Type.Record(Type.String(), Type.Record(Type.String(), Type.Number()));

const Responses = Type.Object({
  model: Type.String(),
  responses: Type.Number(),
  unanswered: Type.Number(),
  finishReasons: Type.Record(Type.String(), Type.Number()),
  meanTokens: Figure,
  exactMatch: Type.Record(Type.String(), Type.Object({ matches: Type.Number(), responses: Type.Number() })),
});
type Responses = Static<typeof Responses>;

const Example = Type.Object({
  promptId: Type.String(),
  task: Type.String(),
  prompt: Type.String(),
  reference: Type.String(),
  teacher: Type.Union([Type.String(), Type.Null()]),
  student: Type.Union([Type.String(), Type.Null()]),
});
type Example = Static<typeof Example>;

const Drawn = Type.Object({
  prompts: PromptCounts,
  report: Type.Object({
    questions: Type.Number(),
    candidates: Type.Number(),
    leftOut: Type.Record(Type.String(), Type.Number()),
  }),
  teacher: Responses,
  student: Responses,
  examples: Type.Array(Example),
});

const mostExamples = 5;
/** Of a prompt or response that is shown. */
const mostChars = 1500;

export const respondSection = stageSection(Drawn, ({ prompts, report, teacher, student, examples }) => {
  const both = [teacher, student];
  const tasks = [...new Set(both.flatMap(({ exactMatch }) => Object.keys(exactMatch)))];
  const reasons = [...new Set(both.flatMap(({ finishReasons }) => Object.keys(finishReasons)))];
  return [
    facts([
      ['Questions that train and calibrate', countText(report.questions)],
      ['Prompts that could be made of them', countText(report.candidates)],
      ...byCount(report.leftOut)
        .filter(([, count]) => count > 0)
        .map(([reason, count]) => [`Left out: ${reason}`, countText(count)] as const),
    ]),
    responsesTable([
      ['teacher', teacher],
      ['student', student],
    ]),
    charts(
      barChart({
        title: 'Responses that are the reference',
        series: ['teacher', 'student'],
        unit: 'share',
        groups: tasks.map((task) => ({
          name: task,
          bars: both.map(({ exactMatch }) => {
            const found = exactMatch[task];
            if (found === undefined) return null;
            const { matches, responses } = found;
            return { value: matches / responses, note: `${countText(matches)}/${countText(responses)}` };
          }),
        })),
      }),
      barChart({
        title: 'How responses ended',
        series: ['teacher', 'student'],
        unit: 'count',
        groups: reasons.map((reason) => ({
          name: reason,
          bars: both.map(({ finishReasons }) => ({ value: finishReasons[reason] ?? 0 })),
        })),
      }),
      promptChart('Prompts by task and split', prompts),
    ),
    ...(examples.length > 0
      ? [heading('Examples'), ...examples.slice(0, mostExamples).map(exampleMarkup)]
      : []),
  ].join('');
});

/** Tasks as groups, splits side by side. */
export function promptChart(title: string, counts: Static<typeof PromptCounts>): string {
  const splits = [...new Set(Object.values(counts).flatMap((bySplit) => Object.keys(bySplit)))];
  return barChart({
    title,
    series: splits,
    unit: 'count',
    groups: Object.entries(counts).map(([task, bySplit]) => ({
      name: task,
      bars: splits.map((split) => ({ value: bySplit[split] ?? 0 })),
    })),
  });
}

function responsesTable(rows: readonly (readonly [string, Responses])[]): string {
  const count = (text: string): Cell => ({ text, kind: 'number' });
  return dataTable(
    ['', 'Model', 'Responses', 'Unanswered', 'Mean tokens', 'The reference'],
    rows.map(([name, { model, responses, unanswered, meanTokens, exactMatch }]) => {
      const compared = Object.values(exactMatch);
      const matches = compared.reduce((sum, each) => sum + each.matches, 0);
      const asked = compared.reduce((sum, each) => sum + each.responses, 0);
      return [
        name,
        { text: model, kind: 'code' },
        count(countText(responses)),
        count(countText(unanswered)),
        count(meanTokens === null ? 'not measured' : number(meanTokens).toFixed(1)),
        count(asked === 0 ? 'none to compare' : percentText(matches / asked)),
      ];
    }),
  );
}

function exampleMarkup({ promptId, task, prompt, reference, teacher, student }: Example): string {
  const quote = (name: string, text: string | null) =>
    `<div><small>${escapeHtml(name)}</small><blockquote lang="ko">${text === null ? '<small>no response</small>' : escapeHtml(cut(text))}</blockquote></div>`;
  return (
    `<details><summary>${escapeHtml(task)}: ${escapeHtml(promptId)}</summary>` +
    `${quote('prompt', prompt)}<div class="pair">${quote('teacher', teacher)}${quote('student', student)}</div>${quote('reference', reference)}</details>`
  );
}

function cut(text: string): string {
  const letters = [...text];
  return letters.length <= mostChars ? text : `${letters.slice(0, mostChars).join('')}…`;
}
