/** Each rewrite on sentences of our own; none changes what is said. */
import t from 'tap';
import type { Composition } from '../../../../../training/synthesis/statute-teacher/forms/form.js';
import { randomFor } from '../../../../../training/synthesis/statute-teacher/choosing.js';
import { otherPredicate } from '../../../../../training/synthesis/statute-teacher/restate/predicates.js';
import { restate } from '../../../../../training/synthesis/statute-teacher/restate/restate.js';
import { asNote } from '../../../../../training/synthesis/statute-teacher/restate/sentence-style.js';
import {
  cleft,
  definedOtherwise,
  movedCondition,
  omissions,
} from '../../../../../training/synthesis/statute-teacher/restate/structure.js';
import {
  exchangedOrder,
  wordings,
} from '../../../../../training/synthesis/statute-teacher/restate/wording.js';

const random = randomFor('restate');
const never = (): number => 0;

t.test('sentences as notes', async (t) => {
  for (const [sentence, note] of [
    ['보고하여야 한다.', '보고하여야 함'],
    ['명할 수 있다.', '명할 수 있음'],
    ['조치하지 않는다.', '조치하지 않음'],
    ['승인을 받는다.', '승인을 받음'],
    ['기본 원칙이다.', '기본 원칙임'],
    ['책임을 진다.', '책임을 짐'],
    ['조치가 필요하다.', '조치가 필요함'],
    ['규칙을 만든다.', null],
    ['동의를 얻은 경우', null],
  ] as const)
    t.equal(asNote(sentence), note, sentence);
});

t.test('what must, may and may not be done, otherwise', async (t) => {
  const told = new Map([
    ['금융위원회에 보고하여야 한다.', '금융위원회에 보고할 의무가 있다.'],
    ['승인을 받아야 한다.', '승인을 받을 의무가 있다.'],
    ['접근매체를 양도하여서는 아니 된다.', '접근매체를 양도할 수 없다.'],
    ['제3자에게 제공하지 못한다.', '제3자에게 제공할 수 없다.'],
    ['업무의 정지를 명할 수 있다.', '업무의 정지를 명하는 것이 허용된다.'],
    ['보고하지 아니할 수 있다.', '보고하지 않아도 된다.'],
    ['이 법에서 정한다.', null],
  ]);
  for (const [sentence, other] of told) t.equal(otherPredicate.apply(sentence, never), other, sentence);
});

t.test('a condition changes its place, who acts comes last, a definition is told otherwise', async (t) => {
  const before = '금융회사는 접근매체를 발급하는 경우에는 본인임을 확인하여야 한다.';
  const after = '접근매체를 발급하는 경우에는 금융회사는 본인임을 확인하여야 한다.';
  t.equal(movedCondition.apply(before, random), after);
  t.equal(movedCondition.apply(after, random), before);
  t.equal(
    cleft.apply('금융위원회는 업무의 정지를 명할 수 있다.', random),
    '업무의 정지를 명할 수 있는 주체는 금융위원회이다.',
  );
  t.match(
    definedOtherwise.apply('“접근매체”란 거래지시를 하는 수단을 말한다.', random),
    /접근매체(?:는|란|라)/u,
  );
});

t.test('words in the form of today; two plain words in the other order', async (t) => {
  const all = (text: string): string =>
    wordings.reduce((told, { apply }) => apply(told, random) ?? told, text);
  t.equal(all('이용자에게 알리지 아니하고 처리하여야 한다.'), '이용자에게 알리지 않고 처리해야 한다.');
  t.equal(
    all('보호를 위하여 누구든지 열람하여서는 아니 된다.'),
    '보호를 위해 어느 누구도 열람하여서는 안 된다.',
  );
  t.equal(
    exchangedOrder.apply('임원 또는 직원은 비밀을 지켜야 한다.', random),
    '직원 또는 임원은 비밀을 지켜야 한다.',
  );
  t.equal(
    exchangedOrder.apply('퇴직한 임원 또는 직원은 비밀을 지켜야 한다.', random),
    null,
    'the first alone may be described',
  );
});

t.test('what narrows is not left out', async (t) => {
  const without = (text: string): string =>
    omissions.reduce((told, { apply }) => apply(told, random) ?? told, text);
  t.equal(without('금융회사(은행을 포함한다)는 보고하여야 한다.'), '금융회사는 보고하여야 한다.');
  const narrow = '금융회사(은행은 제외한다)는 보고하여야 한다.';
  t.equal(without(narrow), narrow);
});

t.test('what decides stays, citations keep their names, and true and false fare alike', async (t) => {
  const key = {
    text: '금융회사는 총리령으로 정하는 바에 따라 「은행법」 및 「보험업법」에 따른 사항을 금융위원회에 보고하여야 한다.',
    source: '',
    keep: '총리령',
  };
  const question: Composition = {
    ...{ stem: '', explanation: '', chunkIds: [], difficulty: 3, falsehoods: [] },
    key,
    others: [{ text: key.text, source: '' }],
  };
  const told = Array.from({ length: 60 }, (_, i) => restate(question, true, randomFor('many', i)));
  t.ok(told.every((one) => one.key.text.includes('총리령')));
  t.ok(told.some((one) => !one.others[0]?.text.includes('총리령')));
  t.ok(told.every((one) => one.key.text.includes('은행법') && one.key.text.includes('보험업법')));
  t.ok(new Set(told.map((one) => one.key.text)).size > 15);
  const unchanged = told.filter((one) => one.key.text === key.text).length;
  t.ok(unchanged > 5 && unchanged < 50, String(unchanged));
});
