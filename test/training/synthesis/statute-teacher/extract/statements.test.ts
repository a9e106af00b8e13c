import t from 'tap';
import { exceptionsOf } from '../../../../../training/synthesis/statute-teacher/extract/exceptions.js';
import { statementsOf } from '../../../../../training/synthesis/statute-teacher/extract/statements.js';
import { Library } from '../../../../../training/synthesis/statute-teacher/library.js';
import { articleChunk } from '../real-chunks.js';

function articleOf(text: string) {
  const chunk = articleChunk('제5조', '보고', text);
  const article = new Library([chunk]).articleOf(chunk);
  if (!article) throw new Error('the library lacks its chunk');
  return article;
}
const told = (text: string) => statementsOf(articleOf(text)).map((statement) => statement.text);

t.test('sentences that stand alone are told, amendment notes and references dropped', async (t) => {
  t.same(
    told(
      '① 금융회사는 매년 자체 점검 결과를 금융위원회에 보고하여야 한다.<개정 2020. 2. 4.>\n② 제1항에 따라 보고를 받은 금융위원회는 그 결과를 인터넷 홈페이지에 공개할 수 있다.\n③ 제1항에도 불구하고 소규모 회사는 보고하지 아니할 수 있다.\n④ 보고의 방법은 대통령령으로 정한다.\n[전문개정 2008. 6. 13.]',
    ),
    [
      '금융회사는 매년 자체 점검 결과를 금융위원회에 보고하여야 한다.',
      '보고를 받은 금융위원회는 그 결과를 인터넷 홈페이지에 공개할 수 있다.',
    ],
  );
});

t.test('a rule with exceptions is told as a rule', async (t) => {
  const text =
    '금융회사는 이용자의 비밀번호를 암호화하여 보관하여야 한다. 다만, 시험용 자료를 이용하는 경우에는 그러하지 아니하다.';
  t.same(told(text), ['금융회사는 원칙적으로 이용자의 비밀번호를 암호화하여 보관하여야 한다.']);
  const [exception] = exceptionsOf(articleOf(text));
  t.equal(
    exception?.applied,
    '금융회사는 시험용 자료를 이용하는 경우에는 이용자의 비밀번호를 암호화하여 보관하지 아니할 수 있다.',
  );
  t.equal(
    exception?.ignored,
    '금융회사는 시험용 자료를 이용하는 경우에도 이용자의 비밀번호를 암호화하여 보관하여야 한다.',
  );
});

t.test('what a list says is told of each member it can be told of', async (t) => {
  t.same(
    told(
      '금융위원회는 다음 각 호의 어느 하나에 해당하는 경우에는 전자금융업의 등록을 취소할 수 있다.\n1. 거짓으로 등록한 경우\n2. 제6조를 위반한 경우\n3. 업무를 1년 이상 계속하여 중단한 경우\n4. 그 밖에 대통령령으로 정하는 경우',
    ),
    [
      '금융위원회는 거짓으로 등록한 경우에는 전자금융업의 등록을 취소할 수 있다.',
      '금융위원회는 업무를 1년 이상 계속하여 중단한 경우에는 전자금융업의 등록을 취소할 수 있다.',
    ],
  );
  t.same(
    told(
      '금융회사는 다음 각 호의 사항을 준수하여야 한다.\n1. 백업자료를 안전한 지역에 1년 이상 보관할 것\n2. 계정을 공동으로 사용하지 말 것',
    ),
    [
      '금융회사는 백업자료를 안전한 지역에 1년 이상 보관하여야 한다.',
      '금융회사는 계정을 공동으로 사용하여서는 아니 된다.',
    ],
  );
});

t.test('what holds of all members together is told of none', async (t) => {
  t.same(
    told(
      '금융회사가 할 수 있는 업무는 다음 각 호의 업무로 제한한다.\n1. 대출채권의 관리 및 추심 업무\n2. 대출의 중개 업무',
    ),
    [],
  );
});
