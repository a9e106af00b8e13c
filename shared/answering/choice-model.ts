/**
 * A conditional logit over the choices of a question (McFadden 1974):
 *
 *   P(choice i) = softmax_i( w · (x_i − mean x) / scale / temperature )
 *
 * with one weight vector for stems that want the true choice and one for negated stems. Fitted by
 * `haetae train fit-evidence` on the authored validation questions, never on the questions it is measured on.
 */
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { HaetaeError } from '../errors.js';

export const ChoiceModel = Type.Object({
  description: Type.String(),
  features: Type.Array(Type.String(), { minItems: 1 }),
  scale: Type.Array(Type.Number({ exclusiveMinimum: 0 })),
  positive: Type.Array(Type.Number()),
  negated: Type.Array(Type.Number()),
  temperature: Type.Number({ exclusiveMinimum: 0 }),
  fit: Type.Record(Type.String(), Type.Number()),
});
export type ChoiceModel = Static<typeof ChoiceModel>;

const validator = Compile(ChoiceModel);

/** @throws HaetaeError MODEL_INVALID where the fields do not fit, or the features are not those expected. */
export function parseChoiceModel(text: string, where: string, expected: readonly string[]): ChoiceModel {
  const value = parseJson(text);
  const problem = !validator.Check(value)
    ? 'it does not fit its schema'
    : [value.scale, value.positive, value.negated].some((list) => list.length !== value.features.length)
      ? 'its lists differ in length'
      : value.features.join() !== expected.join()
        ? `its features are ${value.features.join(', ')}, expected ${expected.join(', ')}`
        : '';
  if (problem) {
    throw new HaetaeError(
      'MODEL_INVALID',
      `${where}: ${problem}. Set up again with: npm run setup (or fit anew with: haetae train fit-evidence)`,
    );
  }
  return value as ChoiceModel;
}

/** undefined where the text is not JSON, which no schema takes. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Utilities of the choices, one row of features each [choices · features]; centred, so they sum to about 0. */
export function utilities(
  model: ChoiceModel,
  rows: readonly (readonly number[])[],
  negated: boolean,
): number[] {
  const weights = negated ? model.negated : model.positive;
  const totals = rows.map((row) =>
    row.reduce(
      (sum, value, index) => sum + ((weights[index] as number) * value) / (model.scale[index] as number),
      0,
    ),
  );
  const mean = totals.reduce((sum, value) => sum + value, 0) / Math.max(1, totals.length);
  return totals.map((value) => value - mean);
}

/** Stable softmax at a temperature. */
export function softmax(values: readonly number[], temperature = 1): number[] {
  const highest = Math.max(...values);
  const powers = values.map((value) => Math.exp((value - highest) / temperature));
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers.map((value) => value / sum);
}
