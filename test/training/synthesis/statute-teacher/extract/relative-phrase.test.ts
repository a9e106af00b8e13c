import t from 'tap';
import { relativePhrase } from '../../../../../training/synthesis/statute-teacher/extract/relative-phrase.js';

t.test('the sentence that opens a list names what is listed', async (t) => {
  const cases: [lead: string, mark: string, noun: string, expected: string | null][] = [
    [
      '상호회사의 발기인은 정관을 작성하여 다음 각 호의 사항을 적고 기명날인하여야 한다.',
      '다음 각 호의 ',
      '사항',
      '상호회사의 발기인이 정관을 작성하여 적고 기명날인하여야 하는 사항',
    ],
    [
      '금융위원회는 다음 각 호의 어느 하나에 해당하는 경우에는 인가를 취소할 수 있다.',
      '다음 각 호의 어느 하나에 해당하는 ',
      '경우',
      '금융위원회가 인가를 취소할 수 있는 경우',
    ],
    [
      '번호이동성계획에는 다음 각 호의 내용이 포함되어야 한다.',
      '다음 각 호의 ',
      '내용',
      '번호이동성계획에 포함되어야 하는 내용',
    ],
    ['공사의 설립등기사항은 다음 각 호와 같다.', '다음 각 호', '사항', '공사의 설립등기사항'],
    // The noun belongs to another verb than the last one.
    ['신청인은 다음 각 호의 사항을 적은 신청서를 제출하여야 한다.', '다음 각 호의 ', '사항', null],
    [
      '위원장은 위원이 다음 각 호의 어느 하나에 해당하는 경우에는 해촉할 수 있다.',
      '다음 각 호의 어느 하나에 해당하는 ',
      '경우',
      null,
    ],
    ['누구든지 다음 각 호의 경우를 제외하고는 이용할 수 없다.', '다음 각 호의 ', '경우', null],
  ];
  for (const [lead, mark, noun, expected] of cases) t.equal(relativePhrase(lead, mark, noun), expected, lead);
});

t.test('what must not be done is named too', async (t) => {
  t.equal(
    relativePhrase('집합투자업자는 다음 각 호의 행위를 하여서는 아니 된다.', '다음 각 호의 ', '행위'),
    '집합투자업자가 하여서는 아니 되는 행위',
  );
  t.equal(
    relativePhrase(
      '모집수탁자는 다음 각 호의 어느 하나에 해당하는 자로 한다.',
      '다음 각 호의 어느 하나에 해당하는 ',
      '자',
    ),
    null,
  );
});
