import t from 'tap';
import { isoDate, parseMarkdown } from '../../../training/documents/markdown.js';

const parse = (text: string) => parseMarkdown(Buffer.from(text), 'a.md');

t.test('front matter gives title and date; the body gives blocks', async (t) => {
  const document = await parse(
    '---\ntitle: 추상화 (Abstraction)\n시행일자: 2025. 4. 3.\n---\n\n# 개요\n\n소비자에게서\n세부를 **숨긴다**.\n\n' +
      '* 첫째\n  1. 하나\n\n| 이름 | 값 |\n|---|---|\n| 가 | `1` |\n\n```sh\nls -l\n```\n',
  );
  t.equal(document.title, '추상화 (Abstraction)');
  t.equal(document.effective, '2025-04-03');
  t.same(document.blocks, [
    { kind: 'heading', level: 1, text: '개요' },
    { kind: 'paragraph', text: '소비자에게서 세부를 숨긴다.' },
    { kind: 'list-item', text: '첫째', depth: 0 },
    { kind: 'list-item', text: '1. 하나', depth: 1 },
    {
      kind: 'table',
      rows: [
        ['이름', '값'],
        ['가', '1'],
      ],
    },
    { kind: 'code', text: 'ls -l' },
  ]);
});

t.test('inline HTML is read, what only looks like a tag stays, comments and images go', async (t) => {
  const document = await parse(
    '<!-- 주석 -->\n# 제목![icon](a.png){: style="x"}\n\n<br>\n\nList<String> 과 <u>밑줄</u>\n\n<table><tr><td>가</td><td>나</td></tr></table>\n',
  );
  t.same(document.blocks, [
    { kind: 'heading', level: 1, text: '제목' },
    { kind: 'paragraph', text: 'List<String> 과 밑줄' },
    { kind: 'table', rows: [['가', '나']] },
  ]);
});

t.test('lines keep one source line each, without marks', async (t) => {
  const document = await parse(
    '##### 제1조 (목적)\n\n**①** 이 영은 [법](https://x.y)에 따른다.\n\n  1\\. 첫 호\n    가\\. 첫 목\n',
  );
  t.same(document.lines, ['제1조 (목적)', '① 이 영은 법에 따른다.', '1. 첫 호', '가. 첫 목']);
});

t.test('malformed front matter is a warning, an alias bomb too, rulers are none', async (t) => {
  const bad = await parse('---\n제목: [열린\n---\n\n본문이다.\n');
  t.equal(bad.title, '');
  t.match(bad.warnings[0], /front matter/u);
  t.same(bad.blocks, [{ kind: 'paragraph', text: '본문이다.' }]);
  const rulers = await parse('---\n그냥 글\n---\n\n본문이다.\n');
  t.ok(rulers.lines.includes('그냥 글'));
  t.same(rulers.warnings, []);
  const bomb = [
    'a: &a [x,x]',
    ...'bcdefgh'.split('').map((c, i) => `${c}: &${c} [${`*${'abcdefgh'[i]},`.repeat(9)}]`),
  ];
  t.equal((await parse(`---\n${bomb.join('\n')}\n---\n본문`)).warnings.length, 1);
});

t.test('a document that is only front matter is empty', async (t) => {
  await t.rejects(parse('---\ntitle: 빈 글\n---\n'), { code: 'DOCUMENT_EMPTY', message: /a\.md/u });
});

t.test('dates are read in the forms that statutes use', async (t) => {
  t.equal(isoDate('2025-08-01'), '2025-08-01');
  t.equal(isoDate('2025. 8. 1.'), '2025-08-01');
  t.equal(isoDate('20250801'), '2025-08-01');
  t.equal(isoDate('2025-13-01'), '');
  t.equal(isoDate('미정'), '');
});
