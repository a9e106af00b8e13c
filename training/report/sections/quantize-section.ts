/** Section of the stage `quantize`: what was saved, and what it cost. */
import Type from 'typebox';
import { figureText } from '../../run/chart-axis.js';
import { barChart, percentText } from '../bar-chart.js';
import { charts, countText, facts, paragraph } from '../report-parts.js';
import { Figure, number, stageSection } from '../stage-section.js';

const Drawn = Type.Object({
  chosen: Type.Number(),
  bits: Type.Number(),
  block: Type.Number(),
  headBits: Type.Number(),
  method: Type.String(),
  bytes: Type.Object({ float32: Type.Number(), checkpoint: Type.Number(), quantized: Type.Number() }),
  bitsPerWeight: Figure,
  perplexity: Type.Object({ reference: Figure, quantized: Figure, ratio: Figure, maxRatio: Type.Number() }),
  choices: Type.Union([
    Type.Null(),
    Type.Object({
      questions: Type.Number(),
      agreement: Figure,
      minAgreement: Type.Number(),
      accuracy: Type.Object({ reference: Figure, quantized: Figure }),
    }),
  ]),
  gate: Type.Object({ passed: Type.Boolean(), sentence: Type.String() }),
});

export const quantizeSection = stageSection(Drawn, (details) => {
  const { bits, block, headBits, method, bytes, perplexity, choices, gate } = details;
  const measured = (figure: Figure) => (figure === null ? 'not measured' : figureText(number(figure)));
  return [
    paragraph(gate.sentence, gate.passed ? 'good' : 'bad'),
    facts([
      ['Student', `of iteration ${details.chosen}`],
      ['Weights', `${bits} bits in blocks of ${block}, head ${headBits} bits, ${method}`],
      ['Bits a weight, all told', measured(details.bitsPerWeight)],
      ['Perplexity, float', measured(perplexity.reference)],
      ['Perplexity, quantised', measured(perplexity.quantized)],
      ['Ratio of the perplexities', `${measured(perplexity.ratio)}, allowed at most ${perplexity.maxRatio}`],
      [
        'Same choice as the float model',
        choices === null
          ? 'not measured: there were no questions'
          : `${percentText(number(choices.agreement))} of ${countText(choices.questions)} questions, asked for ${percentText(choices.minAgreement)}`,
      ],
      ...(choices === null
        ? []
        : [
            [
              'Accuracy, float and quantised',
              `${percentText(number(choices.accuracy.reference))}, ${percentText(number(choices.accuracy.quantized))}`,
            ] as const,
          ]),
    ]),
    charts(
      barChart({
        title: 'Size, MB',
        series: ['size'],
        unit: 'count',
        groups: (['float32', 'checkpoint', 'quantized'] as const).map((name) => ({
          name: name === 'quantized' ? 'quantised' : name,
          bars: [{ value: bytes[name] / 1e6 }],
        })),
      }),
    ),
  ].join('');
});
