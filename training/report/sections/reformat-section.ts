/** Section of `reformat-N`: the pairs, and what was left out of them. */
import Type from 'typebox';
import { type DropReason, dropReasons } from '../../prompts/join-responses.js';
import { barChart } from '../bar-chart.js';
import { byCount, charts, countText, facts } from '../report-parts.js';
import { stageSection } from '../stage-section.js';
import { PromptCounts, promptChart } from './respond-section.js';

const Sides = Type.Object({ train: Type.Number(), validation: Type.Number() });

const Drawn = Type.Object({
  prompts: Type.Number(),
  pairs: Sides,
  kept: PromptCounts,
  dropped: Type.Record(Type.String(), Type.Number()),
  identical: Type.Number(),
  strays: Type.Number(),
  documents: Sides,
  decontamination: Type.Object({
    threshold: Type.Number(),
    comparisons: Type.Number(),
    highest: Type.Number(),
  }),
});

export const reformatSection = stageSection(Drawn, (details) => {
  const { prompts, pairs, kept, dropped, identical, strays, documents, decontamination } = details;
  const side = (name: keyof typeof pairs) =>
    `${countText(pairs[name])} of ${countText(documents[name])} documents`;
  return [
    facts([
      ['Prompts', countText(prompts)],
      ['Pairs that train', side('train')],
      ['Pairs of other documents, for the validation loss', side('validation')],
      ['Pairs of two equal responses', countText(identical)],
      ['Responses to no prompt', countText(strays)],
      [
        'Likest response to a measured question',
        `${decontamination.highest.toFixed(3)}, below ${decontamination.threshold}, of ${countText(decontamination.comparisons)} comparisons`,
      ],
    ]),
    charts(
      barChart({
        title: 'Left out, by reason',
        series: ['prompts'],
        unit: 'count',
        groups: byCount(dropped)
          .filter(([, count]) => count > 0)
          .map(([reason, value]) => ({
            name: dropReasons[reason as DropReason] ?? reason,
            bars: [{ value }],
          })),
      }),
      promptChart('Pairs by task and split', kept),
    ),
  ].join('');
});
