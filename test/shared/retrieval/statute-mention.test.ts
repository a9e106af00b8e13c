import t from 'tap';
import { articlesIn, StatuteDirectory } from '../../../shared/retrieval/statute-mention.js';

const acts = [
  '신용정보의 이용 및 보호에 관한 법률',
  '정보통신망 이용촉진 및 정보보호 등에 관한 법률',
  '자본시장과 금융투자업에 관한 법률',
  '특정 금융거래정보의 보고 및 이용 등에 관한 법률',
  '전기통신금융사기 피해 방지 및 피해금 환급에 관한 특별법',
  '전자문서 및 전자거래 기본법',
  '금융소비자 보호에 관한 법률',
  '전자금융거래법',
  '예금자보호법',
  '개인정보 보호법',
  '금융지주회사법',
  '은행법',
];
const directory = new StatuteDirectory([
  ...acts,
  ...acts.map((title) => `${title} 시행령`),
  '전자금융감독규정(2019-01-01)',
  '전자금융감독규정(2025-02-05)',
  '개인정보의 처리 방법에 관한 고시',
  'OWASP Top 10 2025',
  '대칭키 암호의 사용 방법',
]);

/** `title[articles]` of each mention. */
function mentions(text: string): string[] {
  return directory.mentions(text).map(({ titles, articles }) => `${titles.join('+')}[${articles.join(',')}]`);
}

t.test('every statute is found by its full title, however it is spaced and quoted', async (t) => {
  for (const title of acts.flatMap((act) => [act, `${act} 시행령`])) {
    for (const text of [
      title,
      `「${title}」에 따른`,
      `다음 중 ${title}상`,
      title.replaceAll(' ', ''),
      `"${title}"`,
    ]) {
      t.strictSame(mentions(text), [`${title}[]`], text);
    }
  }
});

t.test('short names mean the statutes that people mean by them', async (t) => {
  const table: [text: string, title: string][] = [
    ['신용정보법', '신용정보의 이용 및 보호에 관한 법률'],
    ['신용정보법 시행령', '신용정보의 이용 및 보호에 관한 법률 시행령'],
    ['신용정보법시행령', '신용정보의 이용 및 보호에 관한 법률 시행령'],
    ['정보통신망법', '정보통신망 이용촉진 및 정보보호 등에 관한 법률'],
    ['자본시장법', '자본시장과 금융투자업에 관한 법률'],
    ['특금법', '특정 금융거래정보의 보고 및 이용 등에 관한 법률'],
    ['특정금융정보법', '특정 금융거래정보의 보고 및 이용 등에 관한 법률'],
    ['통신사기피해환급법', '전기통신금융사기 피해 방지 및 피해금 환급에 관한 특별법'],
    ['금소법', '금융소비자 보호에 관한 법률'],
    ['금융소비자보호법', '금융소비자 보호에 관한 법률'],
    ['전자문서법', '전자문서 및 전자거래 기본법'],
    ['전자문서기본법', '전자문서 및 전자거래 기본법'],
    ['전자금융감독규정', '전자금융감독규정(2019-01-01)+전자금융감독규정(2025-02-05)'],
    ['전자금융 감독규정', '전자금융감독규정(2019-01-01)+전자금융감독규정(2025-02-05)'],
    ['금융회사가 은행법에서 정한', '은행법'],
  ];
  for (const [text, title] of table) t.strictSame(mentions(text), [`${title}[]`], text);
});

t.test('an Act, its decree and its neighbours are not taken for each other', async (t) => {
  t.strictSame(directory.resolve('은행법'), ['은행법']);
  t.strictSame(directory.resolve('은행법시행령'), ['은행법 시행령']);
  t.strictSame(directory.resolve('은행법시행규칙'), []);
  t.strictSame(directory.resolve('은행규정'), []);
  t.strictSame(mentions('「개인정보 보호법」 제15조제1항'), ['개인정보 보호법[제15조]']);
});

t.test('what only sounds like a statute is none', async (t) => {
  const texts = [
    '방법',
    '공격 방법은',
    '위법',
    '불법 행위',
    '민법',
    '형법',
    '기법',
    '수법으로',
    '법률',
    '관련 법률에 따라',
    '같은 법 시행령',
    '시행령',
    '규정',
    '내부 규정에 따라',
    '고시',
    '근로기준법',
    '대칭키 암호의 사용 방법',
    '은행 법인의 업무',
    '은행 법정 한도',
    '전자적 방법으로',
    '전자금융감독 규정하는',
    '보호법',
    '',
  ];
  for (const text of texts) t.strictSame(mentions(text), [], text);
});

t.test('articles belong to the statute before them', async (t) => {
  const table: [text: string, expected: string[]][] = [
    ['전자금융거래법 제21조의2에 따른', ['전자금융거래법[제21조의2]']],
    ['전자금융거래법 시행령 제6조', ['전자금융거래법 시행령[제6조]']],
    ['은행법 제2조 및 제3조', ['은행법[제2조,제3조]']],
    ['은행법제2조', ['은행법[제2조]']],
    ['은행법 제2조와 개인정보 보호법 제15조', ['은행법[제2조]', '개인정보 보호법[제15조]']],
    ['은행법과 민법 제750조', ['은행법[]']],
    ['은행법과 예금자보호법', ['은행법[]', '예금자보호법[]']],
    [`은행법에 ${'관하여 '.repeat(20)} 제3조`, ['은행법[]']],
  ];
  for (const [text, expected] of table) t.strictSame(mentions(text), expected, text);
});

t.test('articles are normalised; amounts and words are none', async (t) => {
  const table: [text: string, articles: string[]][] = [
    ['제21조의2제3항', ['제21조의2']],
    ['제 21 조의2', ['제21조의2']],
    ['21조', ['제21조']],
    ['21조의2와 제21조의2', ['제21조의2']],
    ['제2조의 2가지 요건', ['제2조']],
    ['제2조의 2 제1항', ['제2조의2']],
    ['제1조부터 제3조까지', ['제1조', '제3조']],
    ['5조원', []],
    ['1,000조', []],
    ['3 조직과 2 조건', []],
    ['3조치', []],
    ['제12345조', []],
  ];
  for (const [text, articles] of table) t.strictSame(articlesIn(text), articles, text);
});

t.test('hostile texts take no time to speak of', async (t) => {
  for (const part of [
    '가',
    '가 ',
    '및 ',
    '가및',
    '관한 ',
    '법',
    '법 ',
    '은행 법',
    '법 시행령',
    '제1조',
    '제1',
    '1 ',
    '제 ',
    ' ',
  ]) {
    const text = part.repeat(Math.ceil(20_000 / part.length));
    const started = performance.now();
    directory.mentions(text);
    articlesIn(text);
    t.ok(performance.now() - started < 1000, JSON.stringify(part));
  }
});
