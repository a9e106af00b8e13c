import t from 'tap';
import { choiceFigures } from '../../../cli/evaluate/choice-figures.js';
import { made } from './answered.js';

const near = (value: number, expected: number): boolean => Math.abs(value - expected) < 1e-12;
const four = '무엇인가?\n1 가\n2 나나\n3 다다다\n4 라';
const five = `${four}\n5 마마마마`;

/** Four questions of two domains, three of them right. */
const answered = [
  made({
    ...{ text: four, choiceCount: 4, domain: '법률', expected: '3', answer: '3', confidence: 0.9 },
    probabilities: [0.05, 0.03, 0.9, 0.02],
  }),
  made({
    ...{
      text: five,
      choiceCount: 5,
      domain: '법률',
      negated: true,
      expected: '1',
      answer: '2',
      confidence: 0.6,
    },
    probabilities: [0.2, 0.6, 0.1, 0.05, 0.05],
  }),
  made({ text: five, choiceCount: 5, domain: '일반', expected: '5', answer: '5', confidence: 0.65 }),
  made({
    ...{ text: four, choiceCount: 4, domain: '일반', expected: '2', answer: '2', confidence: 0.35 },
    probabilities: [0.3, 0.35, 0.2, 0.15],
  }),
  made({ expected: '말', answer: '말' }),
  made({ text: four, choiceCount: 4, expected: '1', answer: '1', deal: 1 }),
  made({ text: four, choiceCount: 4, expected: '1', answer: '2', deal: 1 }),
  made({ text: four, choiceCount: 4, expected: '1', answer: '1', deal: 2 }),
  made({ text: four, choiceCount: 4, expected: '1', answer: '1', deal: 2 }),
];

t.test('every figure of choices by hand', async (t) => {
  const figures = choiceFigures(answered)!;
  // Wilson at p = 3/4, n = 4, z² = 3.8415: (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n)
  t.match(figures, { questions: 4, correct: 3, accuracy: 0.75 });
  t.ok(Math.abs(figures.accuracyLow - 0.3006418) < 1e-6, `${figures.accuracyLow}`);
  t.ok(Math.abs(figures.accuracyHigh - 0.9544127) < 1e-6, `${figures.accuracyHigh}`);
  t.strictSame(Object.keys(figures.byDomain), ['법률', '일반']);
  t.match(figures.byDomain, { 법률: { questions: 2, correct: 1 }, 일반: { questions: 2, correct: 2 } });
  t.match(figures.byType, {
    negatedStem: { questions: 1, accuracy: 0 },
    positiveStem: { questions: 3, accuracy: 1 },
    fourChoices: { questions: 2, accuracy: 1 },
    fiveChoices: { questions: 2, accuracy: 0.5 },
  });
  // Bins 0.3, 0.6, 0.9: gaps |1 − 0.35|, |0.5 − 0.625|, |1 − 0.9| of 1, 2 and 1 answers.
  t.ok(near(figures.ece, (0.65 + 2 * 0.125 + 0.1) / 4));
  t.match(
    figures.reliability.map(({ from, answers, accuracy }) => [from, answers, accuracy]),
    [
      [0.3, 1, 1],
      [0.6, 2, 0.5],
      [0.9, 1, 1],
    ],
  );
  t.ok(near(figures.meanConfidence, 2.5 / 4));
  t.equal(figures.confidentHalfAccuracy, 1, '0.9 and 0.65');
  t.ok(near(figures.brier, (0.1 ** 2 + 0.6 ** 2 + 0.35 ** 2 + 0.65 ** 2) / 4));
  // The answer without probabilities takes no part.
  t.ok(near(figures.logLikelihood!, (Math.log(0.9) + Math.log(0.2) + Math.log(0.35)) / 3));
  t.match(figures.shuffled, { questions: 4, correct: 3, deals: [0.5, 1] });
  t.ok(near(figures.trivial.chance, (0.25 + 0.2 + 0.2 + 0.25) / 4));
  t.equal(figures.trivial.longestChoice, 0.5, 'the third of four, the fifth of five');
});

t.test('without such a question there are no figures', async (t) => {
  t.equal(choiceFigures([made({ expected: '말', answer: '말' })]), null);
  const alone = choiceFigures([
    made({ text: '?\n1 가\n2 나\n3 다', choiceCount: 3, expected: '1', answer: '1' }),
  ])!;
  t.match(alone, { logLikelihood: null, shuffled: null });
  t.ok('threeChoices' in alone.byType);
});
