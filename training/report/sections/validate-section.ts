/** Section of the stage `validate`: the students side by side, and what the gate decided. */
import Type from 'typebox';
import { barChart } from '../bar-chart.js';
import { charts, facts, paragraph } from '../report-parts.js';
import { stageSection } from '../stage-section.js';
import { comparisonFacts, Gate, Rate, rateBar } from './rates.js';

const Drawn = Type.Object({
  mode: Type.String(),
  chosen: Type.Number(),
  students: Type.Array(
    Type.Object({
      name: Type.String(),
      precision: Type.String(),
      calibration: Type.Union([Rate, Type.Null()]),
      validation: Type.Union([Rate, Type.Null()]),
    }),
  ),
  gate: Gate,
});

export const validateSection = stageSection(Drawn, ({ mode, chosen, students, gate }) =>
  [
    paragraph(gate.sentence, gate.passed ? 'good' : 'bad'),
    facts([['How it answers', mode], ['Goes on', `iteration ${chosen}`], ...comparisonFacts(gate)]),
    charts(
      barChart({
        title: 'Accuracy of the students, with intervals of 95 %',
        series: ['calibration questions', 'validation questions'],
        unit: 'share',
        groups: students.map(({ name, precision, calibration, validation }) => ({
          name: `${name} (${precision})`,
          bars: [rateBar(calibration), rateBar(validation)],
        })),
      }),
    ),
  ].join(''),
);
