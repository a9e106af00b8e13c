/** Section of the stage `publish`: the bundle. Its licences have a section of their own. */
import Type from 'typebox';
import { figureText } from '../../run/chart-axis.js';
import { facts, heading } from '../report-parts.js';
import { stageSection } from '../stage-section.js';

const Drawn = Type.Object({
  bundleId: Type.String(),
  parent: Type.Union([Type.String(), Type.Null()]),
  activated: Type.Boolean(),
  unchanged: Type.Boolean(),
  removed: Type.Array(Type.String()),
  metrics: Type.Record(Type.String(), Type.Number()),
});

export const publishSection = stageSection(Drawn, (details) => {
  const { bundleId, parent, activated, unchanged, removed, metrics } = details;
  return [
    facts([
      ['Bundle', unchanged ? `${bundleId}, which was there before` : bundleId],
      ['In the place of', parent ?? 'none'],
      ['What the API serves', activated ? 'this bundle from now on' : 'what it served before'],
      ...(removed.length > 0 ? [['Removed', removed.join(', ')] as const] : []),
    ]),
    ...(Object.keys(metrics).length > 0
      ? [
          heading('Figures in the manifest'),
          facts(Object.entries(metrics).map(([name, value]) => [name, figureText(value)] as const)),
        ]
      : []),
  ].join('');
});
