import t from 'tap';
import { joinLines, markerOf } from '../../../training/documents/join-lines.js';
import type { VisualLine } from '../../../training/documents/visual-line.js';

const size = 10;
const margin = 300;
const widthOf = (text: string) =>
  [...text].reduce((sum, char) => sum + (/[\u1100-\uffff\u2018-\u201d]/.test(char) ? size : size / 2), 0);

/** Lines as printed: [left edge, text]; `gap` above in points. */
function print(rows: readonly (readonly [x: number, text: string, gap?: number])[]): VisualLine[] {
  let y = 800;
  return rows.map(([x, text, gap = 16]) => {
    y -= gap;
    const naturalWidth = widthOf(text);
    const right = x + naturalWidth > margin - 25 ? margin : x + naturalWidth;
    return { page: 1, x, y, right, naturalWidth, size, text, cells: [{ x, right, text }] };
  });
}
const joined = (rows: Parameters<typeof print>[0]) => joinLines(print(rows)).map((line) => line.text);

t.test('markers open paragraphs, references and dates do not', async (t) => {
  const cases: [string, string | undefined][] = [
    ['제3조(정의) 이 법에서', 'article'],
    ['제8조 삭제 <2020. 2. 4.>', 'article'],
    ['제3조제1항에 따라', undefined],
    ['② 금융위원회는', 'circled'],
    ['㉓ 부터', 'circled'],
    ['1의2. 신용정보', 'number'],
    ['12. 전자금융', 'number'],
    ['1.5배 이하', undefined],
    ['가. 개인', 'letter'],
    ['다만, 그러하지', undefined],
    ['1) 가목의', 'paren-number'],
    ['[본조신설 2013. 5. 28.]', 'note'],
    ['제2장 전자금융거래', 'title'],
    ['부칙 <제19734호>', 'title'],
  ];
  for (const [text, kind] of cases) t.equal(markerOf(text)?.kind, kind, text);
});

t.test('a full line goes on in the next one, inside a word without a space', async (t) => {
  t.same(
    joined([
      [50, '금융회사는 전자금융거래의 안전성을 확보하기 위하여 인력과 시'],
      [50, '설을 갖추어야 한다.'],
      [50, '다음 문단이다.'],
    ]),
    ['금융회사는 전자금융거래의 안전성을 확보하기 위하여 인력과 시설을 갖추어야 한다.', '다음 문단이다.'],
  );
});

t.test('a full line that ends between two words gets its space back', async (t) => {
  t.same(
    joined([
      [50, '금융회사는 전자금융거래의 안전성을 확보하기 위하여 인력을'],
      [50, '갖추고 대통령령으로 정하는 바에 따라 보고하여야 한다.'],
    ]).at(0),
    '금융회사는 전자금융거래의 안전성을 확보하기 위하여 인력을 갖추고 대통령령으로 정하는 바에 따라 보고하여야 한다.',
  );
});

t.test('a wrapped "다. 다만" is no list item, for no 나. came before it', async (t) => {
  t.same(
    joined([
      [50, '1. 전자금융업자는 이용자에게 거래내용을 서면으로 제공한'],
      [60, '다. 다만, 그러하지 아니하다.'],
    ]).length,
    1,
  );
});

t.test('items that count on are kept apart even after a full line', async (t) => {
  const lines = joined([
    [50, '가. 개인의 신용을 판단할 수 있는 정보로서 총리령이 정함것'],
    [50, '나. 기업의 신용을 판단할 수 있는 정보로서 총리령이 정함것'],
    [50, '다. 그 밖의 정보'],
  ]);
  t.equal(lines.length, 3);
});

t.test('a date that wraps after its year is not an item', async (t) => {
  const lines = joined([
    [50, '1. 전자금융업무를 처리하는 정보처리시스템을 말한다.<개정 2013.'],
    [50, '12. 3.>'],
    [50, '2. 정보'],
  ]);
  t.same(lines, ['1. 전자금융업무를 처리하는 정보처리시스템을 말한다.<개정 2013. 12. 3.>', '2. 정보']);
});

t.test('a wide gap ends a paragraph even after a full line', async (t) => {
  const lines = joined([
    [50, '금융회사는 전자금융거래의 안전성을 확보하기 위하여 인력과 시'],
    [50, '제목이 될 줄', 40],
    [50, '짧은 줄'],
    [50, '짧은 줄'],
  ]);
  t.equal(lines[1], '제목이 될 줄');
});

t.test('joining neither loses nor doubles a character', async (t) => {
  let seed = 7;
  const random = (n: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % n;
  };
  const alphabet = '가나다라마바사전자금융회사는 이용자 에게. 1)①<>"「」,AB12';
  for (let round = 0; round < 100; round++) {
    const rows = Array.from({ length: 12 }, () => {
      const text = Array.from({ length: 3 + random(30) }, () => alphabet[random(alphabet.length)])
        .join('')
        .trim();
      return [50 + 10 * random(3), text === '' ? '가' : text] as const;
    });
    const solid = (texts: readonly string[]) => texts.join('').replace(/\s/g, '');
    t.equal(solid(joined(rows)), solid(rows.map(([, text]) => text)), `round ${round}`);
  }
});
