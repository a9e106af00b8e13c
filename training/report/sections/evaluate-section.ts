/** Section of the stage `evaluate`: the whole bundle beside evidence alone and beside the one that is served. */
import Type, { type Static } from 'typebox';
import { barChart, percentText } from '../bar-chart.js';
import { reliabilityPlot } from '../reliability-plot.js';
import { type Cell, charts, countText, dataTable, facts, heading, paragraph } from '../report-parts.js';
import { Figure, number, stageSection } from '../stage-section.js';
import { comparisonFacts, Gate, Rate, rateBar } from './rates.js';

const GroupRate = Type.Intersect([Rate, Type.Object({ name: Type.String() })]);

const BundleScores = Type.Object({
  bundleId: Type.String(),
  mode: Type.String(),
  accuracy: Rate,
  shuffled: Type.Union([Rate, Type.Null()]),
  domains: Type.Array(GroupRate),
  polarity: Type.Array(GroupRate),
  forms: Type.Array(GroupRate),
  fallbacks: Type.Number(),
  calibration: Type.Object({
    bins: Type.Array(Type.Object({ answers: Type.Number(), confidence: Figure, accuracy: Figure })),
    expectedError: Figure,
  }),
  open: Type.Union([
    Type.Null(),
    Type.Object({ questions: Type.Number(), keywordRecall: Figure, cosine: Figure }),
  ]),
  latency: Type.Object({ p50: Figure, p99: Figure, mean: Figure }),
});
type BundleScores = Static<typeof BundleScores>;

const QuestionSet = Type.Object({
  name: Type.String(),
  questions: Type.Number(),
  candidate: BundleScores,
  baseline: BundleScores,
  incumbent: Type.Union([BundleScores, Type.Null()]),
});
type QuestionSet = Static<typeof QuestionSet>;

const Drawn = Type.Object({
  mode: Type.String(),
  modes: Type.Array(Type.Intersect([GroupRate, Type.Object({ temperature: Figure })])),
  sets: Type.Array(QuestionSet),
  retrieval: Type.Array(
    Type.Object({
      name: Type.String(),
      queries: Type.Number(),
      recallAt1: Figure,
      recallAt3: Figure,
      recallAt5: Figure,
    }),
  ),
  gate: Gate,
  probes: Type.Number(),
});

export const evaluateSection = stageSection(Drawn, ({ mode, modes, sets, retrieval, gate, probes }) =>
  [
    paragraph(gate.sentence, gate.passed ? 'good' : 'bad'),
    facts([
      ['How choices are answered', mode],
      ...comparisonFacts(gate),
      ['Questions the bundle carries as probes', countText(probes)],
    ]),
    charts(
      barChart({
        title: 'Modes, on the calibration questions',
        series: ['accuracy'],
        unit: 'share',
        groups: modes.map((each) => ({ name: each.name, bars: [rateBar(each)] })),
      }),
      barChart({
        title: 'Retrieval of the passages',
        series: ['recall@1', 'recall@3', 'recall@5'],
        unit: 'share',
        groups: retrieval.map(({ name, queries, recallAt1, recallAt3, recallAt5 }) => ({
          name: `${name} (${countText(queries)})`,
          bars: [recallAt1, recallAt3, recallAt5].map((recall) => ({ value: number(recall) })),
        })),
      }),
    ),
    ...sets.map(setMarkup),
  ].join(''),
);

/** Candidate first: it has the first colour in every chart. */
function bundlesOf({ candidate, baseline, incumbent }: QuestionSet): [name: string, scores: BundleScores][] {
  return [
    ['candidate', candidate],
    ['evidence alone', baseline],
    ...(incumbent === null ? [] : [['incumbent', incumbent] as [string, BundleScores]]),
  ];
}

function setMarkup(set: QuestionSet, place: number): string {
  const bundles = bundlesOf(set);
  const series = bundles.map(([name]) => name);
  const grouped = (title: string, field: 'domains' | 'polarity' | 'forms') =>
    barChart({
      title,
      headingLevel: 4,
      series,
      unit: 'share',
      groups: groupNames(bundles, field).map((name) => ({
        name,
        bars: bundles.map(([, scores]) => rateBar(scores[field].find((each) => each.name === name) ?? null)),
      })),
    });
  const about = place === 0 ? '' : ', for the report only';
  return [
    heading(`${set.name}: ${countText(set.questions)} questions${about}`),
    charts(
      barChart({
        title: 'Accuracy, with intervals of 95 %',
        headingLevel: 4,
        series,
        unit: 'share',
        groups: [
          { name: 'as written', bars: bundles.map(([, { accuracy }]) => rateBar(accuracy)) },
          ...(bundles.some(([, { shuffled }]) => shuffled !== null)
            ? [{ name: 'choices dealt anew', bars: bundles.map(([, { shuffled }]) => rateBar(shuffled)) }]
            : []),
        ],
      }),
      reliabilityPlot({
        title: 'Confidence and accuracy; expected calibration error',
        headingLevel: 4,
        series: bundles.map(([name, { calibration }]) => ({
          name,
          bins: calibration.bins,
          expectedError: number(calibration.expectedError),
        })),
      }),
      grouped('By domain', 'domains'),
      grouped('By stem', 'polarity'),
      grouped('By form', 'forms'),
    ),
    bundleTable(bundles),
  ].join('');
}

/** Of all bundles, in the order of the first that has them. */
function groupNames(
  bundles: readonly (readonly [string, BundleScores])[],
  field: 'domains' | 'polarity' | 'forms',
): string[] {
  return [...new Set(bundles.flatMap(([, scores]) => scores[field].map(({ name }) => name)))];
}

function bundleTable(bundles: readonly (readonly [string, BundleScores])[]): string {
  const milliseconds = (figure: Figure): Cell => ({
    text: figure === null ? 'not measured' : `${number(figure).toFixed(number(figure) < 10 ? 1 : 0)} ms`,
    kind: 'number',
  });
  const open = (text: string): Cell => ({ text, kind: 'number' });
  return dataTable(
    ['', 'Bundle', 'Mode', 'p50', 'p99', 'Fallbacks', 'Open: cosine', 'Open: keywords'],
    bundles.map(([name, scores]) => [
      name,
      { text: scores.bundleId, kind: 'code' },
      scores.mode,
      milliseconds(scores.latency.p50),
      milliseconds(scores.latency.p99),
      { text: countText(scores.fallbacks), kind: 'number' },
      open(scores.open === null ? 'none asked' : figureOf(scores.open.cosine)),
      open(scores.open?.keywordRecall == null ? '' : percentText(scores.open.keywordRecall)),
    ]),
  );
}

function figureOf(figure: Figure): string {
  return figure === null ? 'not measured' : figure.toFixed(3);
}
