/** Section of the stage `prepare`: what became of the documents. */
import Type from 'typebox';
import { barChart } from '../bar-chart.js';
import { byCount, charts, countText, dataTable, facts, firstOf, heading } from '../report-parts.js';
import { stageSection } from '../stage-section.js';

const Drawn = Type.Object({
  totals: Type.Object({
    documents: Type.Number(),
    skipped: Type.Number(),
    chunks: Type.Number(),
    tokens: Type.Number(),
    byKind: Type.Record(Type.String(), Type.Number()),
  }),
  skipped: Type.Array(Type.Object({ path: Type.String(), code: Type.String(), message: Type.String() })),
  withoutContent: Type.Array(Type.String()),
  missingFiles: Type.Array(Type.String()),
  duplicates: Type.Number(),
});

const mostSkipped = 20;

export const prepareSection = stageSection(Drawn, (details) => {
  const { totals, skipped, withoutContent, missingFiles, duplicates } = details;
  const { shown, rest } = firstOf(skipped, mostSkipped);
  return [
    facts([
      ['Documents', countText(totals.documents)],
      ['Skipped', countText(totals.skipped)],
      ['Without content', countText(withoutContent.length)],
      ['In sources.csv, but not there', countText(missingFiles.length)],
      ['Chunks', countText(totals.chunks)],
      ['Duplicates left out', countText(duplicates)],
      ['Tokens', countText(totals.tokens)],
    ]),
    charts(
      barChart({
        title: 'Chunks by kind',
        series: ['chunks'],
        unit: 'count',
        groups: byCount(totals.byKind).map(([name, value]) => ({ name, bars: [{ value }] })),
      }),
    ),
    shown.length > 0 ? heading('Skipped documents') : '',
    dataTable(
      ['Document', 'Reason', 'In words'],
      shown.map(({ path, code, message }) => [path, { text: code, kind: 'code' as const }, message]),
    ),
    rest,
  ].join('');
});
