/** Shares with their intervals, as several stages tell them. */
import Type, { type Static } from 'typebox';
import { type Bar, percentText } from '../bar-chart.js';
import { countText } from '../report-parts.js';
import { Figure, number } from '../stage-section.js';

/** With its interval of 95 %. */
export const Rate = Type.Object({
  correct: Type.Number(),
  questions: Type.Number(),
  rate: Figure,
  low: Figure,
  high: Figure,
});
export type Rate = Static<typeof Rate>;

export const Gate = Type.Object({
  passed: Type.Boolean(),
  sentence: Type.String(),
  comparison: Type.Union([
    Type.Null(),
    Type.Object({
      candidate: Rate,
      incumbent: Rate,
      gain: Figure,
      onlyCandidate: Type.Number(),
      onlyIncumbent: Type.Number(),
      pValue: Figure,
    }),
  ]),
  minGain: Type.Number(),
});
export type Gate = Static<typeof Gate>;

/** Null where it was not measured, or on no question. */
export function rateBar(rate: Rate | null): Bar | null {
  if (rate === null || rate.questions === 0) return null;
  return {
    value: number(rate.rate),
    low: number(rate.low),
    high: number(rate.high),
    note: `${countText(rate.correct)}/${countText(rate.questions)}`,
  };
}

/** Facts of a comparison on the same questions; none where there was nothing to compare with. */
export function comparisonFacts({ comparison, minGain }: Gate): [string, string][] {
  if (comparison === null) return [['Compared with', 'nothing: there is no incumbent']];
  const { gain, onlyCandidate, onlyIncumbent, pValue } = comparison;
  return [
    ['Gain over the incumbent', signed(number(gain))],
    ['Asked for', `more than ${signed(minGain)}`],
    ['Right by the candidate only', countText(onlyCandidate)],
    ['Right by the incumbent only', countText(onlyIncumbent)],
    [
      'p (McNemar, two-sided)',
      Number.isFinite(number(pValue)) ? number(pValue).toPrecision(2) : 'not measured',
    ],
  ];
}

/** Percentage points with their sign. */
function signed(share: number): string {
  if (!Number.isFinite(share)) return 'not measured';
  return `${share > 0 ? '+' : ''}${percentText(share).replace(' %', '')} points`;
}
