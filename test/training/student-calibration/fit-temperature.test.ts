import t from 'tap';
import { softmax } from '../../../shared/answering/choice-model.js';
import { seededRandom } from '../../../shared/random.js';
import {
  calibrationQuality,
  crossValidate,
  fitTemperature,
  type ScoredQuestion,
} from '../../../training/student-calibration/fit-temperature.js';

/** Questions whose keys are drawn from softmax(u / temperature): a model that is right as often as that says. */
function drawn(temperature: number, count = 4000): ScoredQuestion[] {
  const random = seededRandom(11);
  return Array.from({ length: count }, () => {
    const utilities = Array.from({ length: 4 }, () => 6 * random());
    let at = random();
    const probabilities = softmax(utilities, temperature);
    const key = probabilities.findIndex((probability) => {
      at -= probability;
      return at < 0;
    });
    return { utilities, key: Math.max(0, key) };
  });
}

t.test('the temperature that the keys were drawn at is found again', async (t) => {
  for (const temperature of [0.25, 1, 3]) {
    const found = fitTemperature(drawn(temperature));
    t.ok(Math.abs(found / temperature - 1) < 0.1, `${found} for ${temperature}`);
  }
});

t.test('it is the likeliest of all temperatures', async (t) => {
  const questions = drawn(2, 300);
  const loss = (temperature: number): number =>
    calibrationQuality(questions, temperature).negativeLogLikelihood;
  const best = loss(fitTemperature(questions));
  for (let temperature = 0.02; temperature < 50; temperature *= 1.1)
    t.ok(loss(temperature) >= best - 1e-6, `${temperature}`);
});

t.test('calibration makes the confidence honest, and changes no answer', async (t) => {
  const questions = drawn(3);
  const before = calibrationQuality(questions, 1);
  const after = crossValidate(questions);
  t.ok(before.expectedCalibrationError > 0.1, `${before.expectedCalibrationError}`);
  t.ok(after.expectedCalibrationError < 0.03, `${after.expectedCalibrationError}`);
  t.ok(after.negativeLogLikelihood < before.negativeLogLikelihood);
  t.equal(after.accuracy, before.accuracy);
});

t.test('questions that say nothing of a temperature leave it at 1', async (t) => {
  t.equal(fitTemperature([]), 1);
  t.equal(fitTemperature([{ utilities: [2, 2, 2], key: 1 }]), 1);
});

t.test('a model that is never wrong does not become certain beyond all measure', async (t) => {
  const temperature = fitTemperature(Array.from({ length: 30 }, () => ({ utilities: [1, 0], key: 0 })));
  t.ok(temperature >= 0.019 && temperature < 0.1, `${temperature}`);
  const wrong = fitTemperature(Array.from({ length: 30 }, () => ({ utilities: [1, 0], key: 1 })));
  t.ok(wrong > 40 && wrong < 51, `${wrong}`);
});

t.test('a confident mistake costs much, not everything', async (t) => {
  const { negativeLogLikelihood } = calibrationQuality([{ utilities: [1000, -1000], key: 1 }], 0.02);
  t.ok(Number.isFinite(negativeLogLikelihood) && negativeLogLikelihood > 20);
});
