import t from 'tap';
import {
  selfContained,
  standAlone,
} from '../../../../../training/synthesis/statute-teacher/extract/self-contained.js';

t.test('references are dropped where the text says the same without them', async (t) => {
  const cases: [string, string][] = [
    [
      '금융위원회는 제1항의 규정에 따른 인가에 조건을 붙일 수 있다.',
      '금융위원회는 인가에 조건을 붙일 수 있다.',
    ],
    ['금융회사는 법 제28조제1항 및 제2항에 따라 허가를 받아야 한다.', '금융회사는 허가를 받아야 한다.'],
    ['협회(이하 “협회”라 한다)는 정관을 정한다.', '협회는 정관을 정한다.'],
    ['회사(외국 회사는 제외한다)는 보고한다.', '회사(외국 회사는 제외한다)는 보고한다.'],
    [
      '위원은 「국가공무원법」 제33조제1항제2호 및 제3호에 따른 사유로 해임된다.',
      '위원은 「국가공무원법」 제33조제1항제2호 및 제3호에 따른 사유로 해임된다.',
    ],
  ];
  for (const [text, expected] of cases) t.equal(selfContained(text), expected);
});

t.test('a piece that leans on another provision is given up', async (t) => {
  for (const text of [
    '제1항에도 불구하고 금융회사는 보고하지 아니할 수 있다.',
    '전항의 기간은 연장할 수 있다.',
    '제1항 각 호의 사항을 적어야 한다.',
    '제3조를 위반한 자는 벌금에 처한다.',
    '별표 2에 따른 금액을 낸다.',
    '금융회사는 제2항에 따른 사유로 한도를 넘은 경우 보고하여야 한다.',
    '회사(제3항의 회사는 제외한다)는 보고하여야 한다.',
    '제39조에 따른 협회는 제41조에 따른 협회에 가입할 수 있다.',
  ])
    t.equal(selfContained(text), null, text);
});

t.test('it is told whether a reference was dropped', async (t) => {
  t.equal(standAlone('제1항에 따라 신청을 받은 회사는 답하여야 한다.')?.referred, true);
  t.equal(standAlone('신청을 받은 회사는 답하여야 한다.')?.referred, false);
});
