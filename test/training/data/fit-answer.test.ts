import t from 'tap';
import { fitAnswer, placeAnswer } from '../../../training/data/fit-answer.js';
import { telling, tokenCorpus } from '../../fixtures/token-corpus.js';

/** A prompt of 6 tokens and an answer of 8; the teacher's prompt has 20. */
const answer = telling(3, 8);
const corpus = tokenCorpus('dialogue', [
  {
    documentId: 'a',
    sequences: [
      { tokens: [...telling(0, 6), ...answer], runs: [6, 8] },
      { tokens: [...telling(1, 20), ...answer], runs: [20, 8] },
    ],
  },
]);

t.test('what fits stays whole, on both sides', async (t) => {
  const fitted = fitAnswer(corpus, 0, 0, { length: 20, teacherLength: 30 })!;
  t.match(fitted, { from: 0, to: 13, isTruncated: false, trainedTokens: 8 });
  t.match(fitted.teacher, { sequence: 1, from: 0, to: 27, isTruncated: false });
  const { positions, labels, teacher } = placeAnswer(corpus, fitted, 100);
  t.strictSame(labels, answer);
  t.strictSame(positions, [105, 106, 107, 108, 109, 110, 111, 112]);
  t.strictSame([...teacher.positions], [19, 20, 21, 22, 23, 24, 25, 26]);
  t.strictSame([...teacher.tokens], [...telling(1, 20), ...answer]);
});

t.test('prompts are cut differently, answers to the same tokens', async (t) => {
  for (const [length, teacherLength] of [
    [20, 20],
    [8, 30],
    [8, 10],
    [30, 10],
  ] as const) {
    const fitted = fitAnswer(corpus, 0, 0, { length, teacherLength: Math.max(length, teacherLength) })!;
    const { labels, teacher } = placeAnswer(corpus, fitted, 0);
    t.equal(labels.length, fitted.trainedTokens);
    t.ok(fitted.to - fitted.from <= length);
    t.ok(teacher.tokens.length - 1 <= Math.max(length, teacherLength));
    t.strictSame(
      labels,
      Array.from(teacher.positions, (position) => teacher.tokens[position + 1]),
    );
    t.strictSame(labels, answer.slice(0, labels.length));
  }
  t.equal(fitAnswer(corpus, 0, 0, { length: 20, teacherLength: 20, tooLong: 'drop' }), null);
});

t.test('without a sequence of its own the teacher reads the student’s', async (t) => {
  const alone = tokenCorpus('dialogue', [
    { documentId: 'a', sequences: [{ tokens: telling(0, 9), runs: [2, 3, 1, 3] }] },
  ]);
  const fitted = fitAnswer(alone, 0, 0, { length: 20 })!;
  t.match(fitted, { trainedTokens: 6, teacher: { sequence: 0, from: 0, to: 8 } });
  const { positions, teacher } = placeAnswer(alone, fitted, 0);
  t.strictSame(positions, [1, 2, 3, 5, 6, 7], 'every turn is taught');
  t.strictSame([...teacher.positions], positions);
});
