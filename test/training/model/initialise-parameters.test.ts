import t from 'tap';
import { type DecoderParameter, decoderParameters } from '../../../training/model/decoder-parameters.js';
import { initialiseParameters } from '../../../training/model/initialise-parameters.js';
import { llamaConfig } from '../../../training/model/llama-config.js';
import { partValues } from '../../../training/model/parameter-values.js';
import { tinyConfig } from '../../fixtures/plain-decoder.js';
import { emptyValues } from './train-decoder.js';

const deviation = (values: Float32Array) =>
  Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);

t.test(
  'weights are normal, those into the residual stream narrower; norms are ones, biases zeros',
  async (t) => {
    const config = { ...llamaConfig({ vocabSize: 400, hiddenSize: 64, nLayer: 8, nHead: 4 }), qkvBias: true };
    const parameters = decoderParameters(config);
    const values = emptyValues(parameters);
    for (const own of values.values()) own.fill(9);
    initialiseParameters(parameters, values, 1);
    for (const { name, decay } of parameters) {
      const own = values.get(name)!;
      const isResidual = /\.(o|down)_proj\.weight$/.test(name);
      if (/norm\.weight$/.test(name)) t.ok(!decay && own.every((x) => x === 1), `${name} is ones`);
      else if (name.endsWith('.bias')) t.ok(!decay && own.every((x) => x === 0), `${name} is zeros`);
      else {
        const expected = isResidual ? 0.02 / Math.sqrt(16) : 0.02;
        // Six standard errors of a deviation: 6 / √(2n).
        const off = Math.abs(deviation(own) / expected - 1);
        t.ok(decay && off < 6 / Math.sqrt(2 * own.length), `${name}: deviation off by ${off}`);
      }
    }
  },
);

t.test('a tensor begins the same whatever the order, and however it is fused', async (t) => {
  const parameters = decoderParameters(tinyConfig);
  const values = emptyValues(parameters);
  initialiseParameters(parameters, values, 4);
  const apart = parameters.flatMap((parameter): DecoderParameter[] =>
    parameter.parts.map((part) => ({
      ...parameter,
      name: part.name,
      shape: [part.rows, ...parameter.shape.slice(1)],
      parts: [part],
    })),
  );
  const own = emptyValues(apart);
  initialiseParameters(apart.toReversed(), own, 4);
  for (const parameter of parameters) {
    for (const { name, values: part } of partValues(parameter, values))
      t.same([...part], [...own.get(name)!], name);
  }
  const other = emptyValues(parameters);
  initialiseParameters(parameters, other, 5);
  const embedding = 'model.embed_tokens.weight';
  t.notSame([...other.get(embedding)!.slice(0, 4)], [...values.get(embedding)!.slice(0, 4)], 'another seed');
});

t.test('adapters begin uniform within their bound', async (t) => {
  const parameter: DecoderParameter = {
    ...{ name: 'a', shape: [40, 100], decay: true, parts: [{ name: 'x', rows: 40 }] },
    init: { kind: 'uniform', bound: 0.1 },
  };
  const values = emptyValues([parameter]);
  initialiseParameters([parameter], values, 1);
  const own = values.get('a')!;
  t.ok(own.every((x) => Math.abs(x) <= 0.1));
  t.ok(Math.abs(deviation(own) - 0.1 / Math.sqrt(3)) < 0.003);
});

t.test('memory of another size is a mistake of the program', async (t) => {
  const parameters = decoderParameters(tinyConfig);
  t.throws(
    () => initialiseParameters(parameters, new Map(), 1),
    /model\.embed_tokens\.weight of shape \[300, 16\] takes 4800 numbers, got none/,
  );
  const short = new Map([['model.embed_tokens.weight', new Float32Array(3)]]);
  t.throws(() => initialiseParameters(parameters, short, 1), /got 3 numbers/);
});
