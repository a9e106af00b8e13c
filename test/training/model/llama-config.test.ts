import t from 'tap';
import { parseDecoderConfig } from '../../../shared/lm/decoder-config.js';
import { decoderConfigJson } from '../../../training/model/config-json.js';
import { llamaConfig } from '../../../training/model/llama-config.js';

const sizes = { vocabSize: 1000, hiddenSize: 96, nLayer: 3, nHead: 4 };

t.test('sizes that are left out have the defaults of the family', async (t) => {
  const config = llamaConfig(sizes);
  t.match(config, { nKvHead: 4, headDim: 24, intermediateSize: 256, maxPositions: 2048, ropeTheta: 10_000 });
  t.match(config, { tiedHead: true, rmsNormEps: 1e-5, bosTokenId: null, eosTokenIds: [] });
  t.same(
    parseDecoderConfig(decoderConfigJson(config, 'float32'), null, 'it'),
    config,
    'its config.json says the same',
  );
});

t.test('sizes that do not go together are refused by name', async (t) => {
  const refused: [Partial<Parameters<typeof llamaConfig>[0]>, RegExp][] = [
    [{ vocabSize: 0 }, /vocabSize is 0; expected a positive integer/],
    [{ hiddenSize: 98 }, /headDim is 24\.5; expected a positive integer/],
    [{ hiddenSize: Number.NaN }, /hiddenSize is NaN/],
    [{ nLayer: 1.5 }, /nLayer is 1\.5/],
    [{ nKvHead: 3 }, /nKvHead is 3; expected a divisor of the 4 heads/],
    [{ headDim: 7 }, /headDim is 7; expected an even number/],
    [{ rmsNormEps: 0 }, /rmsNormEps is 0; expected a positive number/],
    [{ ropeTheta: Number.POSITIVE_INFINITY }, /ropeTheta is Infinity/],
    [{ eosTokenIds: [3, 1000] }, /token id is 1000; expected one of the 1000/],
    [{ bosTokenId: -1 }, /token id is -1/],
  ];
  for (const [given, message] of refused) {
    t.throws(() => llamaConfig({ ...sizes, ...given }), { code: 'CONFIG_INVALID', message });
  }
});
