import t from 'tap';
import type { Chunk } from '../../../shared/retrieval/chunk.js';
import { indexText } from '../../../shared/retrieval/index-text.js';
import { fakeRetrieval } from '../../fixtures/fake-results.js';

const chunk = (fakeRetrieval('본문').passages[0] as { chunk: Chunk }).chunk;

t.test('what stands above a chunk is indexed with it', async (t) => {
  t.equal(indexText(chunk), '전자금융거래법 제21조 안전성의 확보의무\n본문');
});

t.test('what is empty, or what the chunk begins with, is not repeated', async (t) => {
  t.equal(indexText({ ...chunk, section: '', heading: '' }), '전자금융거래법\n본문');
  t.equal(
    indexText({ ...chunk, content: '제21조(안전성의 확보의무) 본문' }),
    '전자금융거래법 안전성의 확보의무\n제21조(안전성의 확보의무) 본문',
  );
});
