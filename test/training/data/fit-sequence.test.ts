import t from 'tap';
import { type FitOptions, fitSequence } from '../../../training/data/fit-sequence.js';
import { telling, tokenCorpus } from '../../fixtures/token-corpus.js';

/** A prompt and a response of these lengths, cut for rows of `length`: what is left of both, or null. */
function kept(prompt: number, response: number, options: FitOptions) {
  const tokens = telling(0, prompt + response);
  const corpus = tokenCorpus('dialogue', [
    { documentId: 'd', sequences: [{ tokens, runs: [prompt, response] }] },
  ]);
  const fitted = fitSequence(corpus, 0, options);
  return fitted && [prompt - fitted.from, fitted.to + 1 - prompt, fitted.isTruncated];
}

t.test('what fits stays whole: n tokens take n − 1 positions', async (t) => {
  t.strictSame(kept(5, 4, { length: 8 }), [5, 4, false]);
  t.strictSame(kept(5, 4, { length: 8, tooLong: 'drop' }), [5, 4, false]);
});

t.test('a prompt too long loses its beginning, down to half a row; then the response its end', async (t) => {
  t.strictSame(kept(6, 4, { length: 8 }), [5, 4, true]);
  t.strictSame(kept(50, 4, { length: 8 }), [5, 4, true]);
  t.strictSame(kept(50, 9, { length: 8 }), [4, 5, true]);
  t.strictSame(kept(2, 20, { length: 8 }), [2, 7, true]);
});

t.test('a prompt may have a limit of its own', async (t) => {
  t.strictSame(kept(6, 2, { length: 8, maxPromptTokens: 3 }), [3, 2, true]);
  t.strictSame(kept(6, 2, { length: 8, maxPromptTokens: 6 }), [6, 2, false]);
});

t.test('too long ones are dropped where that is asked for', async (t) => {
  t.equal(kept(6, 4, { length: 8, tooLong: 'drop' }), null);
  t.equal(kept(6, 2, { length: 8, tooLong: 'drop', maxPromptTokens: 5 }), null);
});

t.test('a single token teaches nothing', async (t) => {
  t.equal(kept(0, 1, { length: 8 }), null);
});

t.test('of a conversation the last answer is kept, what is before is its prompt', async (t) => {
  const corpus = tokenCorpus('dialogue', [
    { documentId: 'd', sequences: [{ tokens: telling(0, 20), runs: [3, 5, 8, 4] }] },
  ]);
  t.equal(corpus.promptLength(0), 16);
  t.strictSame(fitSequence(corpus, 0, { length: 11 }), { from: 8, to: 19, isTruncated: true });
});
