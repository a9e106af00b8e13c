/** Pairs of a few articles, checked by hand. */
import t from 'tap';
import { articlePairs, countHeadings } from '../../../../training/embedder/pairs/article-pairs.js';
import { citationPairs } from '../../../../training/embedder/pairs/citation-pairs.js';
import {
  bodyOf,
  type PairText,
  stretchesOf,
  withoutCitations,
  withoutNames,
} from '../../../../training/embedder/pairs/pair-text.js';
import { familyOf, isPaired, isReadable } from '../../../../training/embedder/pairs/retrieval-pair.js';
import { articlesOf } from '../../../../training/embedder/pairs/statute-text.js';

const article = (title: string, section: string, heading: string, body: string): PairText => ({
  ...{ title, section, heading, kind: 'article' },
  content: `${section}(${heading})\n${body}`,
});

const duty = article(
  '전자금융거래법(2024-09-15)',
  '제21조',
  '안전성의 확보의무',
  '① 금융회사는 전자금융거래가 안전하게 처리될 수 있도록 선량한 관리자로서의 주의를 다하여야 한다. <개정 2013.5.22>\n' +
    '② 금융회사는 안전성을 위하여 인력, 시설, 전자적 장치에 관하여 정하는 기준을 지켜야 한다.',
);
const terms = article(
  '전자금융거래법(2024-09-15)',
  '제2조',
  '정의',
  '1. “접근매체”란 거래지시를 하거나 거래내용의 진실성을 확보하기 위하여 사용되는 수단 또는 정보를 말한다.',
);
const decree = article(
  '전자금융거래법 시행령(2024-12-27)',
  '제11조',
  '취약점 분석',
  '① 법 제21조제2항에 따른 기준에는 정보기술부문의 인력과 예산에 관한 사항이 포함되어야 한다.\n' +
    '② 제2조, 제3조, 제4조 및 제5조에 따른 사항은 금융위원회가 정하여 고시하는 바에 따라 처리한다.',
);

t.test('a passage is what is searched, without the line that names the article', (t) => {
  t.ok(bodyOf(duty).startsWith('① 금융회사는'));
  t.equal(bodyOf({ ...duty, section: '1.1', heading: '정책', content: '1.1 정책\n세운다.' }), '세운다.');
  t.equal(bodyOf({ ...duty, content: '본문뿐이다.' }), '본문뿐이다.');
  const [first] = stretchesOf(duty);
  t.ok(first!.passage.startsWith('안전성의 확보의무 ① 금융회사는'));
  t.equal(first!.passage, `안전성의 확보의무 ${first!.text}`);
  t.strictSame(stretchesOf({ ...duty, content: '제21조(안전성의 확보의무)' }), []);
  t.end();
});

t.test('citations and names are taken out, headings in brackets stay in stems', (t) => {
  t.equal(
    withoutCitations(
      '① 「은행법」 제2조에 따른 은행(외국은행을 포함한다)은 제3조제1항제2호를 지킨다. <개정 2020.1.1>',
    ),
    '에 따른 은행 은 를 지킨다.',
  );
  t.equal(
    withoutNames(
      '「전자금융거래법」 제21조(안전성의 확보의무)에 대한 설명으로 옳은 것은?',
      '전자금융거래법(2024-09-15)',
    ),
    '안전성의 확보의무 에 대한 설명으로 옳은 것은?',
  );
  t.end();
});

t.test('an article gives heading, words and cloze; a definition gives its term and its meaning', (t) => {
  const headings = countHeadings([duty, terms, decree]);
  const pairs = articlePairs(duty, { seed: 1, sentences: 4, cloze: true, headings });
  const bodies = stretchesOf(duty);
  const heading = pairs.find(({ kind }) => kind === 'heading')!;
  t.equal(heading.query, '안전성의 확보의무');
  t.ok(
    bodies.some(({ text }) => text === heading.positive),
    'the passage does not repeat the query',
  );
  for (const { query, positive } of pairs.filter(({ kind }) => kind === 'words')) {
    t.ok(query.split(' ').length >= 3);
    t.ok(
      query.split(' ').every((word) => positive.includes(word)),
      query,
    );
  }
  const cloze = pairs.filter(({ kind }) => kind === 'cloze');
  t.ok(cloze.length > 0);
  for (const { query, positive } of cloze) t.notOk(positive.includes(query), query);
  const without = articlePairs(duty, { seed: 1, sentences: 4, cloze: false, headings });
  t.notOk(without.some(({ kind }) => kind === 'cloze'));
  t.ok(
    pairs.every(({ source, article: of }) => source === '전자금융거래법' && of === '전자금융거래법\n제21조'),
  );

  const meaning = '거래지시를 하거나 거래내용의 진실성을 확보하기 위하여 사용되는 수단 또는 정보를 말한다';
  t.match(
    articlePairs(terms, { seed: 1, sentences: 0, cloze: true, headings }).filter(
      ({ kind }) => kind !== 'heading',
    ),
    [
      { kind: 'term', query: '접근매체', positive: meaning },
      { kind: 'definition', query: meaning, positive: `정의 "접근매체"란 ${meaning}` },
    ],
  );
  t.end();
});

t.test('a heading that many articles share goes with its title', (t) => {
  const headings = new Map([['안전성의 확보의무', 9]]);
  const pairs = articlePairs(duty, { seed: 1, sentences: 0, cloze: true, headings });
  t.equal(pairs[0]!.query, '전자금융거래법 안전성의 확보의무');
  t.end();
});

t.test('pairs depend on the seed and the text alone', (t) => {
  const headings = countHeadings([duty, decree]);
  const of = (seed: number) => articlePairs(duty, { seed, sentences: 4, cloze: true, headings });
  t.strictSame(of(1), of(1));
  t.notSame(of(1), of(2));
  t.end();
});

t.test('a decree’s sentence goes with the article of the Act that it cites', (t) => {
  const pairs = citationPairs([duty, terms, decree]);
  t.match(pairs, [
    {
      kind: 'citation',
      query: '에 따른 기준에는 정보기술부문의 인력과 예산에 관한 사항이 포함되어야 한다.',
      source: '전자금융거래법',
      article: '전자금융거래법\n제21조',
    },
  ]);
  t.equal(pairs.length, 1, 'a sentence with four citations rests on none');
  t.ok(pairs[0]!.positive.startsWith('안전성의 확보의무'));
  t.end();
});

t.test('a statute, its decree and its versions are one family; addenda make no pairs', (t) => {
  t.strictSame(
    [duty, decree, { title: '전자금융거래법 시행규칙' }].map(({ title }) => familyOf(title)),
    ['전자금융거래법', '전자금융거래법', '전자금융거래법'],
  );
  t.equal(isPaired({ kind: 'addendum', content: '이 법은' }), false);
  t.equal(isPaired({ kind: 'article', content: '제4조 삭제 <2016.2.3>' }), false);
  t.equal(isPaired(duty), true);
  t.equal(isReadable({ query: '?!', positive: '본문이다' }), false);
  t.end();
});

t.test('statutes in plain text are cut at articles that have a heading', (t) => {
  const text = [
    '어떤 법',
    '제1장 총칙',
    '제1조(목적)',
    '이 법은 목적을 정한다.',
    '제2조',
    '삭제 <2016.2.3>',
    '제3조의2(의무)',
    '**①** 하여야 한다.',
    '**②** 알려야 한다.',
  ].join('\n');
  t.strictSame(articlesOf(text), [
    article('어떤 법', '제1조', '목적', '이 법은 목적을 정한다.'),
    article('어떤 법', '제3조의2', '의무', '① 하여야 한다.\n② 알려야 한다.'),
  ]);
  t.end();
});
