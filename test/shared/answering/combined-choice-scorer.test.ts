import t from 'tap';
import type { ChoiceModel } from '../../../shared/answering/choice-model.js';
import type { AnsweringContext } from '../../../shared/answering/choice-scorer.js';
import {
  CombinedChoiceScorer,
  combinedFeatureNames,
  combinedRows,
} from '../../../shared/answering/combined-choice-scorer.js';
import { type FeatureVector, featureNames } from '../../../shared/answering/evidence-features.js';
import type { Utilities } from '../../../shared/answering/student-choice-scorer.js';
import { classify } from '../../../shared/question/classify.js';

const usage = { promptTokens: 7, cachedTokens: 0, completionTokens: 3 };
const neutral = Object.fromEntries(featureNames.map((name) => [name, 0])) as FeatureVector;

function modelOf(weights: Partial<Record<(typeof combinedFeatureNames)[number], number>>): ChoiceModel {
  const positive = combinedFeatureNames.map((name) => weights[name] ?? 0);
  return {
    ...{ description: '', features: [...combinedFeatureNames], temperature: 2, fit: {} },
    ...{ scale: positive.map(() => 1), positive, negated: positive.map((weight) => -weight) },
  };
}

const contextOf = (stem: string): AnsweringContext => ({
  classification: classify(`${stem}\n1. 가\n2. 나\n3. 다`),
  passages: [],
});

function scorerOf(features: FeatureVector[], said: Utilities, model: ChoiceModel): CombinedChoiceScorer {
  return new CombinedChoiceScorer({
    evidence: { evidence: async () => ({ features, support: [0.1, 0.2, 0.3], cite: () => [] }) },
    student: { utilities: async () => said },
    model,
  });
}

const said = (verdicts: number[]): Utilities => ({
  ...{ values: verdicts, truth: null, usage },
  statements: verdicts.map((verdict) => ({ verdict, logprob: -1 })),
});

t.test('evidence and student add up, by the weights of the stem', async (t) => {
  const features = [neutral, { ...neutral, unitCover: 1 }, neutral];
  const scorer = scorerOf(features, said([2, 0, -2]), modelOf({ unitCover: 3, verdict: 1 }));
  const { choices, usage: spent } = await scorer.score(contextOf('옳은 것은?'));
  // Utilities 2, 3, −2 at temperature 2.
  const powers = [2, 3, -2].map((value) => Math.exp(value / 2));
  const total = powers.reduce((sum, value) => sum + value, 0);
  for (const [i, { probability }] of choices.entries())
    t.ok(Math.abs(probability - powers[i]! / total) < 1e-12);
  t.strictSame(spent, usage);
  const negated = await scorer.score(contextOf('옳지 않은 것은?'));
  t.equal(
    negated.choices
      .map(({ probability }) => probability)
      .indexOf(Math.max(...negated.choices.map(({ probability }) => probability))),
    2,
  );
});

t.test('a verdict counts no more than it can mean; without statements the student says nothing', (t) => {
  const rows = combinedRows([neutral, neutral], {
    statements: [
      { verdict: 100, logprob: -0.5 },
      { verdict: -100, logprob: -3 },
    ],
  });
  t.strictSame(
    rows.map((row) => row.slice(-2)),
    [
      [8, -0.5],
      [-8, -3],
    ],
  );
  t.equal(rows[0]!.length, combinedFeatureNames.length);
  t.strictSame(combinedRows([neutral], { statements: null })[0]!.slice(-2), [0, 0]);
  t.end();
});
