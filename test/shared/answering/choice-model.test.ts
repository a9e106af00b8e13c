import { readFile } from 'node:fs/promises';
import t from 'tap';
import {
  type ChoiceModel,
  parseChoiceModel,
  softmax,
  utilities,
} from '../../../shared/answering/choice-model.js';
import { featureNames } from '../../../shared/answering/evidence-features.js';

const model: ChoiceModel = {
  description: 'for tests',
  features: ['cover', 'length'],
  scale: [2, 1],
  positive: [4, 1],
  negated: [-4, 3],
  temperature: 1,
  fit: { questions: 3 },
};
const near = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((value, i) => Math.abs(value - (b[i] as number)) < 1e-12);

t.test('utilities weigh scaled features, and are centred', async (t) => {
  // 4/2·x + 1·y: 2·1 + 0 = 2, 2·2 + 1 = 5, 0 + 2 = 2; mean 3.
  const rows = [
    [1, 0],
    [2, 1],
    [0, 2],
  ];
  t.ok(near(utilities(model, rows, false), [-1, 2, -1]));
  // −2·x + 3·y: −2, −1, 6; mean 1.
  t.ok(near(utilities(model, rows, true), [-3, -2, 5]));
  t.strictSame(utilities(model, [], false), []);
});

t.test('what is the same for all choices changes nothing', async (t) => {
  const rows = [
    [1, 0],
    [2, 1],
    [0, 2],
  ];
  const shifted = rows.map(([x = 0, y = 0]) => [x + 7, y - 3]);
  t.ok(near(utilities(model, rows, true), utilities(model, shifted, true)));
});

t.test('softmax gives probabilities, for any size of number', async (t) => {
  t.ok(near(softmax([0, Math.log(3)]), [0.25, 0.75]));
  t.ok(near(softmax([0, 2 * Math.log(3)], 2), [0.25, 0.75]), 'temperature 2 halves the differences');
  t.ok(near(softmax([1e6, 1e6 - 2000]), [1, 0]));
  t.ok(near(softmax([-1e308, -1e308]), [0.5, 0.5]));
  t.strictSame(softmax([]), []);
});

t.test('a model is read back, and one that does not fit is refused by name', async (t) => {
  t.strictSame(parseChoiceModel(JSON.stringify(model), 'm.json', model.features), model);
  const table: [text: string, message: RegExp][] = [
    ['{', /m\.json: it does not fit its schema.*haetae train fit-evidence/],
    ['null', /schema/],
    [JSON.stringify({ ...model, scale: [0, 1] }), /schema/],
    [JSON.stringify({ ...model, temperature: 0 }), /schema/],
    [JSON.stringify({ ...model, negated: [1] }), /differ in length/],
    [JSON.stringify({ ...model, features: ['length', 'cover'] }), /length, cover, expected cover, length/],
  ];
  for (const [text, message] of table) {
    t.throws(() => parseChoiceModel(text, 'm.json', model.features), { code: 'MODEL_INVALID', message });
  }
});

t.test('the committed model is one for the features of the program', async (t) => {
  const path = new URL('../../../shared/answering/evidence-model.json', import.meta.url);
  const committed = parseChoiceModel(await readFile(path, 'utf8'), 'evidence-model.json', featureNames);
  t.ok(committed.positive.some((weight) => weight !== 0));
});
