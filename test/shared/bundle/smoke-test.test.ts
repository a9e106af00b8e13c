import t from 'tap';
import type { AnswerResult } from '../../../shared/answering/answer.js';
import { smokeTest } from '../../../shared/bundle/smoke-test.js';
import type { Chunk } from '../../../shared/retrieval/chunk.js';
import { fakeAnswer, fakeInfo, fakeRetrieval, fakeStudent } from '../../fixtures/fake-results.js';
import { smallCorpus } from '../../fixtures/small-corpus.js';

const chunks = smallCorpus();

interface Behaviour {
  /** What a query finds; default: the chunk whose words it has. */
  find?: (query: string) => Chunk | undefined;
  answer?: (question: string) => Partial<AnswerResult>;
  hasStudent?: boolean;
}

function bundle({ find, answer, hasStudent = false }: Behaviour) {
  const own = (query: string) => chunks.find(({ content }) => query.includes(content.slice(0, 20)));
  const fit = (question: string) => ({ answer: question.includes('\n') ? '2' : '글' });
  return {
    info: fakeInfo('bundle-1', hasStudent ? fakeStudent : null),
    retrieve: async (query: string) => {
      const retrieval = fakeRetrieval(query);
      const chunk = (find ?? own)(query);
      const [passage] = retrieval.passages;
      return { ...retrieval, passages: chunk && passage ? [{ ...passage, chunk }] : [] };
    },
    answer: async (question: string) => ({ ...fakeAnswer(question), ...(answer ?? fit)(question) }),
  };
}

t.test('a bundle that finds its chunks and answers passes', async () => {
  await smokeTest(bundle({}), chunks);
  await smokeTest(bundle({}), chunks.slice(0, 1));
});

t.test('an index of other chunks does not pass; a chunk that is crowded out may be', async (t) => {
  await t.rejects(smokeTest(bundle({ find: () => chunks[1] }), chunks), {
    code: 'BUNDLE_REFUSED',
    message:
      /'bundle-1' loads, but does not work: of 5 chunks, [45] are not found by their own words, e\.g\. /,
  });
  let asked = 0;
  const mostly = (query: string) =>
    ++asked <= 2 ? undefined : chunks.find(({ content }) => query.includes(content.slice(0, 20)));
  await smokeTest(bundle({ find: mostly }), chunks);
});

for (const [what, answer, message] of [
  ['no number', () => ({ answer: '?' }), /a choice of 1 to 4 was expected, '\?' came/],
  ['a choice that is none', () => ({ answer: '5' }), /'5' came/],
  [
    'the fallback',
    () => ({ answer: '1', usedFallback: true, errorMessage: 'no scores' }),
    /left to the fallback \(no scores\)/,
  ],
  ['no text', (question: string) => ({ answer: question.includes('\n') ? '1' : ' ' }), /got no answer/],
] as const) {
  t.test(`a bundle that answers with ${what} does not pass`, async (t) => {
    await t.rejects(smokeTest(bundle({ answer }), chunks), { code: 'BUNDLE_REFUSED', message });
  });
}

t.test('a student may leave a question that is too long for it to the evidence', async () => {
  const answer = () => ({ answer: '1', usedFallback: true });
  await smokeTest(bundle({ answer, hasStudent: true }), chunks);
});
