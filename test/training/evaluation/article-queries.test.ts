import t from 'tap';
import type { Chunk } from '../../../shared/retrieval/chunk.js';
import { articleKey, articleQueries } from '../../../training/evaluation/article-queries.js';
import { fakeRetrieval } from '../../fixtures/fake-results.js';

const base = (fakeRetrieval('본문').passages[0] as { chunk: Chunk }).chunk;
const chunk = (more: Partial<Chunk>): Chunk => ({ ...base, ...more });

const meaning =
  '전자적 장치를 통하여 금융상품 및 서비스를 제공하고 이용자가 「은행법」 제2조에 따라 비대면으로 이를 이용하는 거래를 말한다';
const chunks: Chunk[] = [
  chunk({
    section: '제2조',
    heading: '정의',
    content: `제2조(정의) 뜻은 다음과 같다.\n1. “전자금융거래”라 함은 ${meaning}.`,
  }),
  chunk({ title: '다른 법', section: '제3조', heading: '정의', content: `1. “전자거래”란 ${meaning}.` }),
  chunk({
    section: '제21조의2',
    heading: '최고책임자 지정(제2항 제외)',
    content:
      '제21조의2(최고책임자 지정) ① 금융회사는 전자금융업무와 그 기반이 되는 정보기술부문의 보안을 총괄하는 임원을 「은행법」 제15조제1항에 따라 지정하여야 한다. <개정 2020. 2. 4.>',
  }),
  chunk({
    section: '제21조의2',
    heading: '최고책임자 지정',
    content: '② 총자산과 종업원 수를 감안하여 대통령령으로 정하는 회사는 임원으로 지정하여야 한다.',
  }),
  chunk({
    section: '제1조',
    heading: '목적의 규정',
    content:
      '제1조(목적의 규정) 이 법은 거래의 법률관계를 명확히 하여 안전성과 신뢰성을 확보함을 목적으로 한다.',
  }),
  chunk({
    title: '다른 법',
    section: '제1조',
    heading: '목적의 규정',
    content:
      '제1조(목적의 규정) 이 법은 이용자를 보호하고 산업을 발전시켜 국민경제에 이바지함을 목적으로 한다.',
  }),
  chunk({
    title: '감독규정(2019-01-01)',
    section: '제7조',
    heading: '전산실 관리',
    content: '제7조(전산실 관리)',
  }),
  chunk({
    title: '감독규정(2025-02-05)',
    section: '제7조',
    heading: '전산실 관리',
    content: '제7조(전산실 관리)',
  }),
  chunk({ section: '제9조', heading: '지워진 조문', content: '제9조 삭제 <2020. 2. 4.>' }),
  chunk({
    section: '부칙',
    heading: '시행일의 특례',
    kind: 'addendum',
    content: '이 법은 공포한 날부터 시행한다.',
  }),
];
const queries = articleQueries(chunks, { perKind: 50, seed: 1 });
const ofKind = (kind: string) => queries.filter((query) => query.kind === kind);

t.test('dated versions of a title are one article', async (t) => {
  t.equal(articleKey({ title: '감독규정(2019-01-01)', section: '제7조' }), '감독규정\n제7조');
  t.equal(articleKey({ title: '감독규정(2025-02-05)', section: '제7조' }), '감독규정\n제7조');
  t.not(articleKey({ title: '법', section: '제7조의2' }), articleKey({ title: '법', section: '제7조' }));
});

t.test('headings that one article has become queries, its parts and versions together', async (t) => {
  const found = new Map(ofKind('heading').map(({ text, relevant }) => [text, [...relevant]]));
  t.strictSame(
    found,
    new Map([
      ['최고책임자 지정에 대해 설명하시오.', ['전자금융거래법\n제21조의2']],
      ['전산실 관리에 대해 설명하시오.', ['감독규정\n제7조']],
    ]),
  );
});

t.test('a definition asks without its term, and all statutes that hold it are relevant', async (t) => {
  t.strictSame(
    ofKind('definition').map(({ text, relevant }) => [text, [...relevant]]),
    [
      [
        '전자적 장치를 통하여 금융상품 및 서비스를 제공하고 이용자가 에 따라 비대면으로 이를 이용하는 거래를 말한다',
        ['전자금융거래법\n제2조', '다른 법\n제3조'],
      ],
    ],
  );
});

t.test('a sentence loses half of its words, never its meaning as a query', async (t) => {
  const sentences = ofKind('sentence');
  t.ok(sentences.length >= 3);
  for (const { text, relevant } of sentences) {
    t.equal(relevant.size, 1);
    const [key] = relevant;
    const contents = chunks
      .filter((each) => articleKey(each) === key)
      .map(({ content }) => content)
      .join(' ');
    const words = text.split(' ');
    t.ok(words.length >= 3 && words.every((word) => contents.includes(word)), text);
  }
});

t.test('no query names a statute or an article', async (t) => {
  for (const { text } of queries) t.notMatch(text, /제\s?\d+조|「|」|①|<개정/, text);
});

t.test('what is no article, or has been deleted, is asked about nowhere', async (t) => {
  const keys = queries.flatMap(({ relevant }) => [...relevant]);
  t.notOk(
    keys.some((key) => /부칙|제9조/.test(key)),
    keys.join(' '),
  );
});

t.test('the same seed gives the same queries, another seed others; perKind bounds each kind', async (t) => {
  const plain = (seed: number, perKind = 50) =>
    articleQueries(chunks, { perKind, seed }).map(({ kind, text, relevant }) => [kind, text, ...relevant]);
  t.strictSame(plain(1), plain(1));
  t.notSame(plain(1), plain(2));
  t.strictSame(plain(1, 0), []);
  for (const kind of ['heading', 'definition', 'sentence']) {
    t.ok(plain(3, 1).filter(([each]) => each === kind).length <= 1, kind);
  }
  t.strictSame(articleQueries([], { perKind: 5, seed: 1 }), []);
});
