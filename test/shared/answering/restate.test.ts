import t from 'tap';
import type { Support } from '../../../shared/answering/choice-scorer.js';
import { clean, restate } from '../../../shared/answering/restate.js';
import type { Chunk } from '../../../shared/retrieval/chunk.js';
import { fakeRetrieval } from '../../fixtures/fake-results.js';

function support(evidence: string, chunk: Partial<Chunk> = {}): Support {
  const passage = fakeRetrieval('본문').passages[0]!;
  return { passage: { ...passage, chunk: { ...passage.chunk, ...chunk } }, evidence, strength: 1 };
}

t.test('marks, notes and references that are not part of the statement go', async (t) => {
  const table: [text: string, cleaned: string][] = [
    ['제21조(안전성의 확보의무) 금융회사는 점검한다.', '금융회사는 점검한다.'],
    ['① 금융회사는 점검한다. <개정 2020. 2. 4.>', '금융회사는 점검한다.'],
    ['1. 전자서명', '전자서명'],
    ['가. 전자서명', '전자서명'],
    ['- **전자서명**은 `서명`이다.', '전자서명 은 서명 이다.'],
    ['금융회사(이하 “회사”라 한다)는 [본조신설 2020. 1. 1.] 점검한다.', '금융회사는 점검한다.'],
    ['서명(제2조에 따른 것)은 [문서](https://example.org)에 있다.', '서명은 문서에 있다.'],
    ['  여러\n줄 ', '여러 줄'],
    ['', ''],
  ];
  for (const [text, cleaned] of table) t.equal(clean(text), cleaned, text);
});

t.test('the source is named, once for sentences of the same one', async (t) => {
  const other = { title: 'OWASP Top 10', section: 'A01', kind: 'prose' } as const;
  t.equal(
    restate([support('점검한다.'), support('보고한다.'), support('주입을 막는다.', other)], 400),
    '전자금융거래법 제21조에 따르면 점검한다. 또한 보고한다. 「OWASP Top 10」에 따르면 주입을 막는다.',
  );
});

t.test('a phrase becomes a sentence', async (t) => {
  t.match(restate([support('전자서명')], 400), /전자서명이 해당한다\.$/);
  t.match(restate([support('암호 키의 관리')], 400), /관리가 해당한다\.$/);
  t.match(restate([support('점검한다')], 400), /점검한다\.$/);
  t.match(restate([support('점검할 것!')], 400), /점검할 것!$/);
});

t.test('the text keeps to its length: what does not fit is left out, the first is cut', async (t) => {
  const long = '가'.repeat(100);
  const supports = [support('점검한다.'), support(`${long}다.`), support('보고한다.')];
  t.equal(restate(supports, 60), '전자금융거래법 제21조에 따르면 점검한다. 또한 보고한다.');
  t.equal(restate([support(`${long}다.`)], 50).length, 50);
  for (let max = 1; max < 120; max++) {
    const text = restate(supports, max);
    if (text.length > max) t.fail(`${text.length} characters for ${max}`);
    const emoji = restate([support('😀'.repeat(80))], max);
    if (/\p{Surrogate}/u.test(emoji)) t.fail(`half a pair at ${max}`);
  }
  t.equal(restate([], 400), '');
  t.equal(restate([support('① ')], 400), '');
});
