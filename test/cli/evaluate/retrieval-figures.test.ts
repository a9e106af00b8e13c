import t from 'tap';
import { retrievalFigures } from '../../../cli/evaluate/retrieval-figures.js';
import { smallChunk } from '../../fixtures/small-search.js';
import { made } from './answered.js';

const article = (chunkId: string, section: string, title = '전자금융거래법(2024-09-15)') =>
  smallChunk(chunkId, '글', { title, section, kind: 'article' });
const chunks = [
  article('a2@1', '제2조'),
  article('a2@2', '제2조'),
  article('old2', '제2조', '전자금융거래법(2013-01-01)'),
  article('a3', '제3조'),
  article('a4', '제4조'),
  article('a5', '제5조'),
];
const about = (section: string) => ({ title: '전자금융거래법', section });

t.test('articles are counted once, whichever part or version is found', async (t) => {
  const answered = [
    made({
      ...{ choiceCount: 4, expected: '1', answer: '1', article: about('제3조') },
      ...{ passages: ['a2@1', 'a2@2', 'old2', 'a3'], citations: ['a3'] },
    }),
    made({
      ...{ expected: '말', answer: '말', article: about('제2조') },
      ...{ passages: ['old2'], citations: [] },
    }),
    made({ expected: '말', answer: '말', article: about('제99조'), passages: ['a5'] }),
    made({ expected: '말', answer: '말', passages: ['a5'] }),
    made({ choiceCount: 4, expected: '1', answer: '1', article: about('제3조'), deal: 1 }),
  ];
  const { labelled, named } = retrievalFigures(answered, chunks)!;
  t.strictSame(labelled, {
    ...{ questions: 3, recallAt1: 1 / 3, recallAt3: 2 / 3, recallAt5: 2 / 3, read: 2 / 3, cited: 1 / 3 },
  });
  t.equal(named, null);
});

t.test('a stem that names articles asks for them, where the bundle holds them', async (t) => {
  const choices = '\n1 전자금융거래법 제5조\n2 나';
  const answered = [
    made({
      text: `전자금융거래법 제4조에 대한 설명으로 옳은 것은?${choices}`,
      ...{ choiceCount: 2, expected: '1', answer: '1', passages: ['a5', 'a4'], citations: ['a4'] },
    }),
    made({
      text: '전자금융거래법 제3조와 제4조를 설명하시오.',
      expected: '말',
      answer: '말',
      passages: ['a3'],
    }),
    made({ text: '전자금융거래법 제77조를 설명하시오.', expected: '말', answer: '말', passages: ['a3'] }),
    made({ text: '전자금융거래법을 설명하시오.', expected: '말', answer: '말', passages: ['a3'] }),
  ];
  const { labelled, named } = retrievalFigures(answered, chunks)!;
  t.equal(labelled, null);
  t.strictSame(named, {
    questions: 2,
    recallAt1: 0.25,
    recallAt3: 0.75,
    recallAt5: 0.75,
    read: 0.75,
    cited: 0.5,
  });
});

t.test('where no question says what it is about, nothing is measured', async (t) => {
  t.equal(retrievalFigures([made({ expected: '말', answer: '말' })], chunks), null);
});
