import t from 'tap';
import { Value } from 'typebox/value';
import { Chunk } from '../../../shared/retrieval/chunk.js';
import type { Block, ParsedDocument, SourceEntry } from '../../../training/documents/document.js';
import { auditStatute } from '../../../training/statute/audit.js';
import { cutStatute, isStatute, statuteLimits } from '../../../training/statute/cut-statute.js';

const source: SourceEntry = {
  path: 'law-pdf/시험법.pdf',
  title: '시험법',
  publisher: '국가법령정보센터',
  licence: 'public-domain',
  effective: '',
  url: 'https://example.org',
  domain: 'law',
};

function printed(...lines: string[]): ParsedDocument {
  const blocks: Block[] = lines.map((text) => ({ kind: 'paragraph', text }));
  return { title: '', effective: '', blocks, lines, warnings: [] };
}

const long = Array.from(
  { length: 40 },
  (_, i) => `${i + 1}. ${'개인신용정보를 처리하는 업무로서 '.repeat(3)}대통령령으로 정하는 것`,
);
const document = printed(
  '시험법',
  '[시행 2024. 9. 15.] [법률 제1호, 2023. 9. 14., 일부개정]',
  '제1조(목적) 이 법은 전자금융거래의 법률관계를 명확히 하여 안전성과 신뢰성을 확보함을 목적으로 한다.',
  '제2조(정의) ① 이 법에서 사용하는 용어의 정의는 다음과 같다.',
  ...long,
  '② 짧은 항이다.',
  '제3조 삭제 <2020. 1. 1.>',
  '부칙 <제1호, 2023. 9. 14.>',
  '제1조(시행일) 이 법은 공포한 날부터 시행한다.',
);
const chunks = cutStatute(document, source);

t.test('an article is one chunk with its heading on the first line', async (t) => {
  t.match(chunks[0], {
    chunkId: '시험법(2024-09-15)#제1조',
    section: '제1조',
    heading: '목적',
    kind: 'article',
    effective: '2024-09-15',
    source: 'law-pdf/시험법.pdf',
    licence: 'public-domain',
  });
  t.match(chunks[0]?.content, /^제1조\(목적\)\n이 법은/);
});

t.test('a long article is cut within the limit, and every part repeats the heading', async (t) => {
  const parts = chunks.filter((chunk) => chunk.section === '제2조');
  t.ok(parts.length > 2);
  for (const [i, part] of parts.entries()) {
    t.equal(part.chunkId, `시험법(2024-09-15)#제2조${i === 0 ? '' : `@${i + 1}`}`);
    t.match(part.content, /^제2조\(정의\)\n/);
    t.ok(part.tokenCount <= statuteLimits.maxTokens);
  }
  t.equal(
    parts.map((part) => part.content.split('\n').slice(1).join('\n')).join('\n'),
    ['① 이 법에서 사용하는 용어의 정의는 다음과 같다.', ...long, '② 짧은 항이다.'].join('\n'),
  );
});

t.test('deleted articles and addenda are kept, marked, and score low', async (t) => {
  const deleted = chunks.find((chunk) => chunk.section === '제3조');
  t.match(deleted, { content: '제3조\n삭제 <2020. 1. 1.>', kind: 'article' });
  const addendum = chunks.find((chunk) => chunk.kind === 'addendum');
  t.match(addendum, { section: '부칙 <제1호, 2023. 9. 14.> 제1조', heading: '시행일' });
  t.ok(deleted!.qualityScore < addendum!.qualityScore);
  t.ok(addendum!.qualityScore < chunks[0]!.qualityScore);
});

t.test('chunks fit their schema, and identifiers do not repeat', async (t) => {
  for (const chunk of chunks) t.ok(Value.Check(Chunk, chunk), chunk.chunkId);
  t.equal(new Set(chunks.map((chunk) => chunk.chunkId)).size, chunks.length);
});

t.test(
  'a date in the title is not repeated in the identifier, and a date in the file name is used',
  async (t) => {
    const undated = printed('제1조(목적) 가', '제2조(정의) 나', '제3조(범위) 다');
    const dated = { ...source, title: '감독규정(2019-01-01)', path: 'law-pdf/감독규정(2019-01-01).pdf' };
    t.match(cutStatute(undated, dated)[0], {
      chunkId: '감독규정(2019-01-01)#제1조',
      effective: '2019-01-01',
    });
  },
);

t.test('the audit sees a lost character', async (t) => {
  t.equal(auditStatute(document, source).lost, 0);
  t.equal(auditStatute({ ...document, lines: [...document.lines, '사라진 줄'] }, source).lost, 4);
});

t.test('a statute is told from other documents', async (t) => {
  t.ok(isStatute(document));
  t.notOk(
    isStatute(printed('보안 안내', '「전자금융거래법」 제3조제1항에 따라', '제3조(정의) 및 제4조를 본다.')),
  );
  t.notOk(isStatute(printed('제5조(정의) 발췌', '제6조(범위) 발췌', '제7조(기타) 발췌')));
});
