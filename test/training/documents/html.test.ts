import iconv from 'iconv-lite';
import t from 'tap';
import { blocksOfHtml, parseHtml } from '../../../training/documents/html.js';

const page = `<!doctype html><html><head><title>접근 통제 안내</title><style>p{}</style></head><body>
<header><a href="/">회사</a><h1>접근 통제</h1></header><nav><a href="/a">메뉴</a></nav>
<main><article><header><p>작성자 홍길동</p></header>
<p>첫 문단은 <b>굵은</b> 글과 <a href="https://example.com">링크</a>를
가진다.</p><h2>절차</h2><ol start="3"><li>신청한다.<ul><li>서식 1</li></ul></li><li><p>승인한다.</p><p>기록한다.</p></li></ol>
<table><tr><th>구분</th><th>기간</th></tr><tr><td>일반</td><td>5년</td></tr></table>
<pre>if (a &lt; b) {
  stop();
}</pre><p>앞줄<br>뒷줄<br><br>새 문단</p><script>alert('나쁜')</script><p hidden>숨김</p></article></main>
<aside>광고</aside><footer>저작권</footer></body></html>`;

t.test('a page gives its headings, paragraphs, lists, tables and code in order', async (t) => {
  const document = await parseHtml(Buffer.from(page), 'a.html');
  t.equal(document.title, '접근 통제 안내');
  t.same(document.blocks, [
    { kind: 'heading', level: 1, text: '접근 통제' },
    { kind: 'paragraph', text: '작성자 홍길동' },
    { kind: 'paragraph', text: '첫 문단은 굵은 글과 링크를 가진다.' },
    { kind: 'heading', level: 2, text: '절차' },
    { kind: 'list-item', text: '3. 신청한다.', depth: 0 },
    { kind: 'list-item', text: '서식 1', depth: 1 },
    { kind: 'list-item', text: '4. 승인한다.', depth: 0 },
    { kind: 'paragraph', text: '기록한다.' },
    {
      kind: 'table',
      rows: [
        ['구분', '기간'],
        ['일반', '5년'],
      ],
    },
    { kind: 'code', text: 'if (a < b) {\n  stop();\n}' },
    { kind: 'paragraph', text: '앞줄\n뒷줄' },
    { kind: 'paragraph', text: '새 문단' },
  ]);
  t.ok(document.lines.includes('일반 | 5년'));
});

t.test('a page in CP949 is read', async (t) => {
  const document = await parseHtml(iconv.encode('<p>금융회사는 보고한다.</p>', 'cp949'), 'a.html');
  t.same(document.blocks, [{ kind: 'paragraph', text: '금융회사는 보고한다.' }]);
});

t.test('navigation is dropped, links in sentences and lists of outside links stay', async (t) => {
  const kinds = (html: string) =>
    blocksOfHtml(html).blocks.map((block) => ('text' in block ? block.text : ''));
  t.same(kinds('<ul><li><a href="#a">가</a></li><li><a href="#b">나</a></li></ul>'), [], 'contents');
  t.same(kinds('<p><a href="https://x.y">뒤로</a>/<a href="#top">위로</a></p>'), [], 'back and top');
  t.same(kinds('<p><a href="https://x.y"><img alt="build status badge" src="b.svg"></a></p>'), [], 'badge');
  t.same(kinds('<p>https://example.com/a?b=c</p>'), [], 'bare address');
  t.same(kinds('<ul><li><a href="https://cwe.mitre.org/20">CWE-20 입력 검증</a></li></ul>'), [
    'CWE-20 입력 검증',
  ]);
  t.same(kinds('<p><img alt="망분리 구성도" src="a.png"> <img alt="image1" src="b.png"></p>'), [
    '망분리 구성도',
  ]);
});

t.test('a page without text of its own is refused', async (t) => {
  await t.rejects(parseHtml(Buffer.from('<nav>메뉴</nav>'), 'n.html'), { code: 'DOCUMENT_EMPTY' });
  await t.rejects(parseHtml(Buffer.from(' \n'), 'n.html'), { code: 'DOCUMENT_EMPTY' });
});

t.test('deep nesting and broken markup do not break the walk', async (t) => {
  const deep = `${'<div>'.repeat(400)}깊다${'</span>'.repeat(10)}`;
  t.same(blocksOfHtml(deep).blocks, [{ kind: 'paragraph', text: '깊다' }]);
});

t.test('a page that nests without end is refused before it is parsed, long lists are not', async (t) => {
  t.throws(() => blocksOfHtml('<ul><li>'.repeat(50_000)), RangeError);
  t.equal(blocksOfHtml(`<ul>${'<li>항목이다'.repeat(5_000)}</ul>`).blocks.length, 5_000);
});
