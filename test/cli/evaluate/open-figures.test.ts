import t from 'tap';
import { openFigures } from '../../../cli/evaluate/open-figures.js';
import { smallChunk, wordTokenizer } from '../../fixtures/small-search.js';
import { made } from './answered.js';

const near = (value: number, expected: number): boolean => Math.abs(value - expected) < 1e-6;
const passage = '방화벽은 허용하지 않은 접속을 차단하는 장치이다.';
const chunks = [smallChunk('fire', passage), smallChunk('other', '암호')];

/** (1, 0) for a text that begins with 방, (0, 1) for one with 접, half way for others. */
const embedder = {
  dimension: 2,
  embed: async (texts: readonly string[]) =>
    Float32Array.from(
      texts.flatMap((text) =>
        text.startsWith('방') ? [1, 0] : text.startsWith('접') ? [0, 1] : [Math.SQRT1_2, Math.SQRT1_2],
      ),
    ),
};
const parts = { chunks, embedder, createTokenizer: async () => wordTokenizer };

t.test('answers are scored beside the question and the passage cut to their length', async (t) => {
  const answered = [
    // Reference 접속 차단; cosine 1; keywords: one of two; content words: one of two (차단한다 is another).
    made({
      ...{ text: '방화벽은 왜 있는가?', expected: '접속을 차단', answer: '접속을 차단한다' },
      ...{ keywords: ['접속', '장치'], passages: ['fire', 'other'] },
    }),
    // Nothing was read, nothing written.
    made({ text: '접속이란?', expected: '접속 기록', answer: '', keywords: ['기록'] }),
    made({ choiceCount: 4, expected: '1', answer: '1' }),
  ];
  const figures = (await openFigures(answered, parts))!;
  t.match(figures, { questions: 2, keywordSource: 'column', keywordQuestions: 2 });
  t.ok(near(figures.keywordRecall, (0.5 + 0) / 2));
  t.ok(near(figures.referenceRecall, (0.5 + 0) / 2));
  t.ok(near(figures.cosine, (1 + 0) / 2));
  // The questions: no keyword of the first's, none of the second's; 접속이란 is one word, and none of the reference's.
  t.ok(near(figures.trivial.question.keywordRecall, 0));
  t.ok(near(figures.trivial.question.cosine, (0 + 1) / 2));
  // Eight characters of the passage: 방화벽은 허용하; and nothing.
  t.ok(near(figures.trivial.passage.keywordRecall, 0));
  t.ok(near(figures.trivial.passage.cosine, 0));
  t.strictSame(figures.faults, { empty: 0.5, copied: 0, refused: 0 });
});

t.test('the passage is the best one that was read, and as long as the answer', async (t) => {
  const figures = (await openFigures(
    [
      made({
        ...{
          expected: '접속을 차단하는',
          answer: '가'.repeat(passage.indexOf('장치')),
          keywords: ['접속', '장치'],
        },
        passages: ['gone', 'fire'],
      }),
    ],
    parts,
  ))!;
  t.equal(figures.trivial.passage.keywordRecall, 0.5, '장치 is cut off');
  t.equal(figures.trivial.passage.referenceRecall, 1);
});

t.test('without the column the words of the references are the keywords, and it is said', async (t) => {
  const figures = (await openFigures(
    [made({ expected: '접속을 차단', answer: passage, passages: ['fire'] })],
    parts,
  ))!;
  t.match(figures, {
    keywordSource: 'reference',
    keywordQuestions: 1,
    keywordRecall: 0.5,
    referenceRecall: 0.5,
  });
  t.equal(figures.faults.copied, 1);
  const mixed = [
    made({ expected: '접속', answer: '접속', keywords: ['없는말'] }),
    made({ expected: '접속', answer: '접속' }),
  ];
  t.match(await openFigures(mixed, parts), {
    ...{ keywordSource: 'column', keywordQuestions: 1, keywordRecall: 0, referenceRecall: 1 },
  });
  t.equal(await openFigures([], parts), null);
});
