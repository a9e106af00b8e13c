/** Section of the stage `index`: how well it finds articles again. */
import Type from 'typebox';
import { barChart } from '../bar-chart.js';
import { charts, countText, facts } from '../report-parts.js';
import { Figure, number, stageSection } from '../stage-section.js';

const Drawn = Type.Object({
  bundleId: Type.String(),
  chunks: Type.Number(),
  dimension: Type.Number(),
  vectorIndex: Type.String(),
  recallAt10: Figure,
  retrieval: Type.Record(
    Type.String(),
    Type.Object({
      queries: Type.Number(),
      recallAt5: Figure,
      recallAt10: Figure,
      mrr: Figure,
      ndcgAt10: Figure,
    }),
  ),
});

const measures = [
  ['recallAt5', 'recall@5'],
  ['recallAt10', 'recall@10'],
  ['mrr', 'MRR@10'],
  ['ndcgAt10', 'nDCG@10'],
] as const;

export const indexSection = stageSection(Drawn, (details) => {
  const systems = Object.entries(details.retrieval);
  const recall = number(details.recallAt10);
  return [
    facts([
      ['Bundle', details.bundleId],
      ['Chunks', countText(details.chunks)],
      ['Vectors', `${countText(details.dimension)} dimensions, ${details.vectorIndex}`],
      [
        'Recall@10 of the vector index against exact search',
        Number.isFinite(recall) ? recall.toFixed(3) : 'not measured',
      ],
      ...systems.slice(0, 1).map(([, { queries }]) => ['Queries', countText(queries)] as const),
    ]),
    charts(
      barChart({
        title: 'Retrieval of articles, on queries made from them',
        series: systems.map(([name]) => name),
        unit: 'share',
        groups: measures.map(([field, name]) => ({
          name,
          bars: systems.map(([, scores]) => ({ value: number(scores[field]) })),
        })),
      }),
    ),
  ].join('');
});
