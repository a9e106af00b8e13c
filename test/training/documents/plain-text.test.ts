import iconv from 'iconv-lite';
import t from 'tap';
import { parsePlainText } from '../../../training/documents/plain-text.js';

const text = `제1장 총칙

이 지침은 금융회사의 정보처리시스템을 안전하게 운영하기 위하여 필요한 사항을
정한다. 다만, 다른 법령에 특별한 규정이 있으면 그에 따른다.

- 첫째 항목은 접근 통제이다.
① 둘째 항목은 암호화이다.

짧은 줄
다음 줄

보고 절차
---------
즉시 보고한다.
`;

t.test('wrapped lines are joined; short ones are not; marks and underlines are seen', async (t) => {
  const { blocks } = await parsePlainText(Buffer.from(text), 'a.txt');
  t.same(blocks, [
    { kind: 'heading', level: 2, text: '제1장 총칙' },
    {
      kind: 'paragraph',
      text:
        '이 지침은 금융회사의 정보처리시스템을 안전하게 운영하기 위하여 필요한 사항을 정한다. ' +
        '다만, 다른 법령에 특별한 규정이 있으면 그에 따른다.',
    },
    { kind: 'list-item', text: '첫째 항목은 접근 통제이다.', depth: 0 },
    { kind: 'list-item', text: '① 둘째 항목은 암호화이다.', depth: 0 },
    { kind: 'paragraph', text: '짧은 줄\n다음 줄' },
    { kind: 'heading', level: 2, text: '보고 절차' },
    { kind: 'paragraph', text: '즉시 보고한다.' },
  ]);
});

t.test('CP949 and UTF-8 give the same blocks', async (t) => {
  const utf8 = await parsePlainText(Buffer.from(text), 'a.txt');
  t.same(await parsePlainText(iconv.encode(text, 'cp949'), 'a.txt'), utf8);
});

t.test('a text without blank lines has one paragraph a line', async (t) => {
  const { blocks } = await parsePlainText(Buffer.from('첫 줄이다.\r\n둘째 줄이다.'), 'a.txt');
  t.same(
    blocks.map((block) => 'text' in block && block.text),
    ['첫 줄이다.', '둘째 줄이다.'],
  );
});

t.test('empty and binary files are refused by name', async (t) => {
  await t.rejects(parsePlainText(Buffer.from('\n \n'), 'e.txt'), {
    code: 'DOCUMENT_EMPTY',
    message: /e\.txt/u,
  });
  await t.rejects(parsePlainText(Buffer.from([1, 0, 2, 0]), 'b.txt'), { code: 'DOCUMENT_UNREADABLE' });
});
