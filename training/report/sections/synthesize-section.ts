/** Section of the stage `synthesize`: what was kept, what was dropped, and that nothing is measured on. */
import Type, { type Static } from 'typebox';
import { barChart, percentText } from '../bar-chart.js';
import { histogram } from '../histogram.js';
import {
  byCount,
  type Cell,
  charts,
  countText,
  dataTable,
  facts,
  heading,
  notice,
  paragraph,
} from '../report-parts.js';
import { Figure, number, stageSection } from '../stage-section.js';

const Counts = Type.Record(Type.String(), Type.Number());
const Bins = Type.Array(Type.Number());

const Decontamination = Type.Object({
  threshold: Type.Number(),
  files: Type.Array(Type.Object({ path: Type.String(), sha256: Type.String(), questions: Type.Number() })),
  checked: Type.Number(),
  comparisons: Type.Number(),
  dropped: Type.Number(),
  highest: Type.Union([
    Type.Null(),
    Type.Object({ likeness: Type.Number(), file: Type.String(), id: Type.String() }),
  ]),
  histogram: Bins,
});

const Drawn = Type.Object({
  wanted: Type.Number(),
  kept: Type.Number(),
  ranOut: Type.Boolean(),
  requests: Type.Number(),
  regenerated: Type.Number(),
  unable: Type.Number(),
  documents: Counts,
  counts: Type.Object({
    form: Counts,
    domain: Counts,
    split: Counts,
    choices: Counts,
    position: Type.Record(Type.String(), Bins),
    negated: Type.Object({ negated: Type.Number(), plain: Type.Number() }),
    difficulty: Counts,
  }),
  scores: Type.Object({ before: Bins, after: Bins, mean: Figure }),
  dropped: Counts,
  decontamination: Decontamination,
  longestIsKey: Type.Object({ share: Figure, chance: Figure, questions: Type.Number() }),
  teacher: Type.Object({
    name: Type.String(),
    calls: Type.Number(),
    promptTokens: Type.Number(),
    completionTokens: Type.Number(),
    cost: Type.Number(),
  }),
});
type Drawn = Static<typeof Drawn>;

export const synthesizeSection = stageSection(Drawn, (details, { config }) => {
  const { wanted, kept, ranOut, counts, scores, teacher, longestIsKey } = details;
  const { minQuality } = config.synthesize;
  const mean = number(scores.mean);
  return [
    facts([
      ['Questions kept', `${countText(kept)} of ${countText(wanted)} asked for`],
      ...(ranOut ? [['Why fewer', 'the chunks were used up'] as const] : []),
      ['Requests to the teacher', countText(details.requests)],
      ['Written again', countText(details.regenerated)],
      ['Nothing could be asked', countText(details.unable)],
      ['Mean score', Number.isFinite(mean) ? `${mean.toFixed(2)} of 10` : 'not measured'],
      ['Teacher', teacherText(teacher)],
    ]),
    charts(
      histogram({
        title: 'Quality of the questions',
        from: 0,
        to: 10,
        xLabel: 'score',
        series: [
          { name: 'first drafts', counts: scores.before },
          { name: 'kept', counts: scores.after },
        ],
        mark: { at: minQuality, name: `kept from ${minQuality} on` },
      }),
      countChart('Dropped, by reason', details.dropped),
      countChart('By form', counts.form),
      countChart('By domain', counts.domain),
      barChart({
        title: 'By split',
        series: ['questions', 'documents'],
        unit: 'count',
        groups: Object.entries(counts.split).map(([name, questions]) => {
          const documents = details.documents[name];
          return {
            name,
            bars: [{ value: questions }, documents === undefined ? null : { value: documents }],
          };
        }),
      }),
      positionChart(counts.position),
      countChart('By number of choices', counts.choices),
      countChart('By stem, multiple choice', {
        'asks for the false one': counts.negated.negated,
        'asks for the right one': counts.negated.plain,
      }),
      barChart({
        title: 'By difficulty',
        series: ['questions'],
        unit: 'count',
        groups: Object.entries(counts.difficulty).map(([name, value]) => ({ name, bars: [{ value }] })),
      }),
      barChart({
        title: 'How often the longest choice is the right one',
        series: ['share'],
        unit: 'share',
        groups: [
          {
            name: 'found',
            bars: [
              {
                value: number(longestIsKey.share),
                note: `of ${countText(longestIsKey.questions)} questions`,
              },
            ],
          },
          { name: 'by chance', bars: [{ value: number(longestIsKey.chance) }] },
        ],
      }),
    ),
    decontaminationMarkup(details.decontamination, kept),
  ].join('');
});

function teacherText({ name, calls, promptTokens, completionTokens, cost }: Drawn['teacher']): string {
  if (calls === 0) return name;
  if (promptTokens + completionTokens === 0) return `${name}, ${countText(calls)} calls`;
  const tokens = `${countText(promptTokens)} prompt and ${countText(completionTokens)} completion tokens`;
  return `${name}, ${countText(calls)} calls, ${tokens}${cost > 0 ? `, cost ${cost.toFixed(2)}` : ''}`;
}

function countChart(title: string, counts: Readonly<Record<string, number>>): string {
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return barChart({
    title,
    series: ['questions'],
    unit: 'count',
    groups: byCount(counts).map(([name, value]) => ({
      name,
      bars: [{ value, note: percentText(value / Math.max(1, all)) }],
    })),
  });
}

/** Positions from 1, of questions with the same number of choices side by side. */
function positionChart(position: Drawn['counts']['position']): string {
  const numbers = Object.keys(position).sort((a, b) => Number(a) - Number(b));
  const longest = Math.max(0, ...Object.values(position).map(({ length }) => length));
  return barChart({
    title: 'Where the right choice stands',
    series: numbers.map((choices) => `of ${choices}`),
    unit: 'count',
    groups: Array.from({ length: longest }, (_, i) => ({
      name: `choice ${i + 1}`,
      bars: numbers.map((choices) => {
        const value = position[choices]?.[i];
        return value === undefined ? null : { value };
      }),
    })),
  });
}

/** Cut, not rounded: what is below the threshold must not look as if it were not. */
function likenessText(likeness: number): string {
  return String(Math.floor(likeness * 10_000) / 10_000);
}

function decontaminationMarkup(proof: Drawn['decontamination'], kept: number): string {
  const { threshold, files, checked, comparisons, dropped, highest } = proof;
  const title = heading('Nothing that is measured on is among the training data');
  if (files.length === 0)
    return title + paragraph('No file of measured questions was named, so nothing was compared.', 'bad');
  const isBelow = highest === null || highest.likeness < threshold;
  const sentence =
    highest === null
      ? `None of the ${countText(kept)} questions kept shares a 4-gram with a question of these files.`
      : `The likest of the ${countText(kept)} questions kept has a likeness of ${likenessText(highest.likeness)}, ` +
        `${isBelow ? 'below' : 'NOT below'} the threshold of ${threshold}: to ${highest.id} of ${highest.file}.`;
  return [
    title,
    paragraph(sentence, isBelow ? 'good' : 'bad'),
    dataTable(
      ['File', 'Questions', 'sha256'],
      files.map(({ path, questions, sha256 }): (string | Cell)[] => [
        path,
        { text: countText(questions), kind: 'number' },
        { text: sha256, kind: 'code' },
      ]),
    ),
    facts([
      ['Questions compared', countText(checked)],
      ['Pairs of texts compared', countText(comparisons)],
      ['Dropped as too like', countText(dropped)],
    ]),
    charts(
      histogram({
        title: 'Highest likeness of each question kept',
        from: 0,
        to: 1,
        xLabel: 'Jaccard likeness of 4-grams',
        series: [{ name: 'questions', counts: proof.histogram }],
        mark: { at: threshold, name: `dropped from ${threshold} on` },
      }),
    ),
    notice('Likeness is that of characters or of words, whichever is higher.'),
  ].join('');
}
