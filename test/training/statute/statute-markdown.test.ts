import t from 'tap';
import {
  isStatuteMarkdown,
  parseStatuteMarkdown,
  plainLine,
} from '../../../training/statute/statute-markdown.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const statute = [
  '---',
  '제목: 시험법 시행령',
  '법령구분: 대통령령',
  '시행일자: 2025-04-23',
  '---',
  '',
  '# 시험법 시행령',
  '',
  '##### 제2조 (범위)',
  '',
  '**①** 다음 각 호의 것을 말한다.',
  '',
  '  1\\. 전자채권<img id="1"></img>',
  '    가\\. 「은행법」에 따른 은행',
  '',
].join('\n');

t.test('marks go, words and numbers stay as printed, and dates come from the front matter', async (t) => {
  const document = await parseStatuteMarkdown(bytes(statute), 'law-md/시험법.md');
  t.match(document, { title: '시험법 시행령', effective: '2025-04-23' });
  t.same(document.lines, [
    '시험법 시행령',
    '제2조 (범위)',
    '① 다음 각 호의 것을 말한다.',
    '1. 전자채권',
    '가. 「은행법」에 따른 은행',
  ]);
  t.match(document.blocks[1], { kind: 'heading', level: 5 });
});

t.test('only a front matter of a statute makes a statute', async (t) => {
  t.ok(isStatuteMarkdown(bytes(statute)));
  t.ok(isStatuteMarkdown(bytes(`\ufeff${statute}`)));
  t.notOk(isStatuteMarkdown(bytes('---\ntitle: Zero trust\n---\n법령구분: 없음')));
  t.notOk(isStatuteMarkdown(bytes('# 시험법\n시행일자: 2025-04-23')));
});

t.test('an angle bracket of a date note is no tag', async (t) => {
  t.equal(plainLine('⑤ 삭제 <2015.7.31>'), '⑤ 삭제 <2015.7.31>');
});

t.test('an empty file and a broken front matter are named', async (t) => {
  await t.rejects(parseStatuteMarkdown(bytes(' \n'), 'a.md'), { code: 'DOCUMENT_EMPTY', message: /^a\.md/ });
  await t.rejects(parseStatuteMarkdown(bytes('---\n제목: [가\n---\n# 가'), 'b.md'), {
    code: 'DOCUMENT_DAMAGED',
    message: /^b\.md/,
  });
});
