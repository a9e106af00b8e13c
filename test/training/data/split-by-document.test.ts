import t from 'tap';
import { splitByDocument } from '../../../training/data/split-by-document.js';
import { requireDisjoint, splitCorpus } from '../../../training/data/token-corpus.js';
import { tokenCorpus } from '../../fixtures/token-corpus.js';

const documents = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => ({ documentId: `법률 ${from + i}`, example: i }));

t.test('sides share no source document, and nothing is lost', async (t) => {
  const all = [...documents(300), ...documents(300), ...documents(100)];
  const { training, validation } = splitByDocument(all, 0.2, 7);
  const ids = new Set(training.map(({ documentId }) => documentId));
  t.notOk(validation.some(({ documentId }) => ids.has(documentId)));
  t.strictSame(new Set([...training, ...validation]), new Set(all));
  t.equal(training.length + validation.length, all.length);
});

t.test('the share of documents is the fraction that was asked for', async (t) => {
  const all = documents(20_000);
  for (const [fraction, seed] of [
    [0.01, 1],
    [0.1, 2],
    [0.5, 3],
  ] as const) {
    const share = splitByDocument(all, fraction, seed).validation.length / all.length;
    // Five standard deviations of a binomial share.
    t.ok(Math.abs(share - fraction) < 5 * Math.sqrt((fraction * (1 - fraction)) / all.length), `${share}`);
  }
});

t.test('documents stay on their side when others are added, and change it with the seed', async (t) => {
  const held = (count: number, fraction: number, seed: number) =>
    splitByDocument(documents(count), fraction, seed).validation.map(({ documentId }) => documentId);
  const few = held(200, 0.1, 5);
  t.strictSame(
    held(2000, 0.1, 5).filter((id) => Number(id.split(' ')[1]) < 200),
    few,
  );
  t.ok(
    few.every((id) => held(200, 0.3, 5).includes(id)),
    'a larger fraction only adds documents',
  );
  t.notSame(held(200, 0.1, 6), few);
});

t.test('an empty side is an error, and so is a fraction that is none', async (t) => {
  t.throws(() => splitByDocument(documents(1), 0.5, 1), {
    code: 'TRAINING_DATA_INVALID',
    message: /of 1 examples a fraction of 0\.5 leaves none for (training|validation)/,
  });
  for (const fraction of [0, 1, -1, Number.NaN]) {
    t.throws(() => splitByDocument(documents(100), fraction, 1), {
      message: /the fraction for validation is/,
    });
  }
});

t.test('a corpus is split by the same rule, without copying tokens', async (t) => {
  const corpus = tokenCorpus(
    'text',
    documents(500).map(({ documentId }, i) => ({ documentId, sequences: [{ tokens: [i, 1] }] })),
  );
  const { training, validation } = splitCorpus(corpus, 0.2, 9);
  const expected = splitByDocument(documents(500), 0.2, 9);
  t.strictSame(
    [...validation.examples].map((example) => validation.documentId(example)),
    expected.validation.map(({ documentId }) => documentId),
  );
  t.equal(training.examples.length + validation.examples.length, 500);
  t.equal(training.arrays, corpus.arrays);
  t.doesNotThrow(() => requireDisjoint(training, validation));
  t.throws(() => requireDisjoint(corpus, validation), {
    code: 'TRAINING_DATA_INVALID',
    message: new RegExp(`${validation.examples.length} source documents are in both`),
  });
  t.not(training.fingerprint, validation.fingerprint);
});
