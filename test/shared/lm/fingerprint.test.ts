import t from 'tap';
import { checkFingerprint, fingerprintModel } from '../../../shared/lm/fingerprint.js';
import { seededRandom } from '../../../shared/random.js';
import { fakeLanguageModel } from '../../fixtures/fake-language-model.js';

/** A model whose log-probabilities are spread as a trained one's, each disturbed by `noise`. */
function modelWith(noise: () => number = () => 0, seed = 1) {
  const random = seededRandom(seed);
  return fakeLanguageModel({ logprob: () => -8 + 6 * (random() - 0.5) + noise() });
}

t.test('a model that computes the same has the same fingerprint', async (t) => {
  const one = await fingerprintModel(modelWith());
  t.equal(one.logprobs.length, 16);
  t.equal(one.probe, 1);
  t.strictSame(await fingerprintModel(modelWith()), one);
  await t.resolves(checkFingerprint(modelWith(), one, 'the student'));
});

t.test('the probe is token ids within the vocabulary, all different', async (t) => {
  const model = modelWith();
  await fingerprintModel(model);
  const [{ prompt, continuations }] = model.scored as [(typeof model.scored)[number]];
  const ids = [prompt, ...continuations].flat() as number[];
  t.equal(new Set(ids).size, ids.length);
  t.ok(ids.every((id) => Number.isInteger(id) && id >= 0 && id < model.config.vocabSize));
});

t.test('rounding passes, other weights do not', async (t) => {
  const stored = await fingerprintModel(modelWith());
  const noise = seededRandom(3);
  await t.resolves(
    checkFingerprint(
      modelWith(() => 0.3 * (noise() - 0.5)),
      stored,
      'the student',
    ),
  );
  await t.rejects(
    checkFingerprint(
      modelWith(() => 0, 2),
      stored,
      'the student',
    ),
    {
      code: 'BUNDLE_INVALID',
      message: /the student does not compute what it did .* at most 0\.1/,
    },
  );
  await t.rejects(
    checkFingerprint(
      modelWith(() => 1),
      stored,
      'the student',
    ),
    { code: 'BUNDLE_INVALID' },
  );
});

t.test('a model whose values are all alike is held more tightly', async (t) => {
  const flat = (value: number) => fakeLanguageModel({ logprob: () => value });
  const stored = await fingerprintModel(flat(-6.9));
  await t.resolves(checkFingerprint(flat(-6.9005), stored, 'the student'));
  await t.rejects(checkFingerprint(flat(-6.95), stored, 'the student'), { code: 'BUNDLE_INVALID' });
});

t.test('a fingerprint of another length is none', async (t) => {
  const stored = await fingerprintModel(modelWith());
  const shorter = { ...stored, logprobs: stored.logprobs.slice(1) };
  const longer = { ...stored, logprobs: [...stored.logprobs, -1] };
  for (const other of [shorter, longer]) {
    await t.rejects(checkFingerprint(modelWith(), other, 'the student'), { code: 'BUNDLE_INVALID' });
  }
});

t.test('values that are no numbers are refused, when made and when checked', async (t) => {
  for (const value of [Number.NaN, -Infinity]) {
    const broken = fakeLanguageModel({ logprob: () => value });
    await t.rejects(fingerprintModel(broken), { code: 'MODEL_INVALID' });
    const stored = await fingerprintModel(modelWith());
    await t.rejects(checkFingerprint(broken, stored, 'the student'), { code: 'MODEL_INVALID' });
  }
});
