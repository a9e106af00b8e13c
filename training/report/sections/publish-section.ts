/** Section of the stage `publish`: the bundle, and what it was held against. */
import Type from 'typebox';
import { figureText } from '../../run/chart-axis.js';
import { type Cell, dataTable, facts, heading } from '../report-parts.js';
import { stageSection } from '../stage-section.js';

const Drawn = Type.Object({
  bundleId: Type.String(),
  parent: Type.Union([Type.String(), Type.Null()]),
  activated: Type.Boolean(),
  unchanged: Type.Boolean(),
  removed: Type.Array(Type.String()),
  checks: Type.Array(
    Type.Object({
      subject: Type.String(),
      required: Type.String(),
      found: Type.String(),
      verdict: Type.String(),
      remedy: Type.Optional(Type.String()),
    }),
  ),
  metrics: Type.Record(Type.String(), Type.Number()),
});

export const publishSection = stageSection(Drawn, (details) => {
  const { bundleId, parent, activated, unchanged, removed, checks, metrics } = details;
  return [
    facts([
      ['Bundle', unchanged ? `${bundleId}, which was there before` : bundleId],
      ['In the place of', parent ?? 'none'],
      ['What the API serves', activated ? 'this bundle from now on' : 'what it served before'],
      ...(removed.length > 0 ? [['Removed', removed.join(', ')] as const] : []),
    ]),
    ...(checks.length > 0
      ? [
          heading('Held against the rules'),
          dataTable(
            ['', 'Required', 'Found', 'Verdict', 'What to do'],
            checks.map(({ subject, required, found, verdict, remedy }) => [
              subject,
              required,
              found,
              verdictCell(verdict),
              remedy ?? '',
            ]),
          ),
        ]
      : []),
    ...(Object.keys(metrics).length > 0
      ? [
          heading('Figures in the manifest'),
          facts(Object.entries(metrics).map(([name, value]) => [name, figureText(value)] as const)),
        ]
      : []),
  ].join('');
});

/** In colour only what is right or stands in the way. */
export function verdictCell(verdict: string): string | Cell {
  if (verdict === 'ok') return { text: 'ok', kind: 'good' };
  return verdict === 'note' ? 'for you to judge' : { text: verdict, kind: 'bad' };
}
