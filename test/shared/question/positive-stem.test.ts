import t from 'tap';
import { isNegated } from '../../../shared/question/negation.js';
import { positiveStem } from '../../../shared/question/positive-stem.js';

const turned: [stem: string, positive: string][] = [
  ['옳지 않은 것은?', '옳은 것은?'],
  ['백업에 대한 설명으로 가장 적절하지 않은 것은?', '백업에 대한 설명으로 가장 적절한 것은?'],
  ['시행령에 규정되지 않은 것은?', '시행령에 규정된 것은?'],
  ['원칙에 해당하지 않는 것은?', '원칙에 해당하는 것은?'],
  ['권리로 정하고 있지 않은 것은?', '권리로 정하고 있는 것은?'],
  ['설명으로 바르지 못한 것은?', '설명으로 바른 것은?'],
  ['개념과 맞지 않는 것은?', '개념과 맞는 것은?'],
  ['동의를 받지 않을 수 없는 경우는?', '동의를 받지 않을 수 있는 경우는?'],
  ['대상이 아닌 것은?', '대상인 것은?'],
  ['틀린 것은?', '옳은 것은?'],
  ['잘못 설명한 것은?', '바르게 설명한 것은?'],
  ['잘못된 것은?', '옳은 것은?'],
  ['부적절한 것은?', '적절한 것은?'],
  ['거리가 가장 먼 것은?', '가장 가까운 것은?'],
  ['관련성이 가장 낮은 것은?', '관련성이 가장 높은 것은?'],
  ['제공할 수 없는 경우는?', '제공할 수 있는 경우는?'],
  ['대책으로 보기 어려운 것은?', '대책으로 볼 수 있는 것은?'],
  ['하지 말아야 할 것은?', '해야 할 것은?'],
  ['제외되는 것은?', '포함되는 것은?'],
  ['원칙에 위배되는 것은?', '원칙에 부합되는 것은?'],
];

for (const [stem, positive] of turned) {
  t.test(`${stem} asks for the opposite of ${positive}`, async (t) => {
    t.equal(positiveStem(stem), positive);
    t.ok(isNegated(stem));
    t.notOk(isNegated(positiveStem(stem)));
  });
}

t.test('a negative that asks for nothing stays', async (t) => {
  for (const stem of [
    '동의를 받지 않은 자에 대한 처벌로 옳은 것은?',
    '인가되지 않은 접근을 막는 장비는?',
    '백업의 목적은?',
    '',
  ])
    t.equal(positiveStem(stem), stem);
  t.equal(
    positiveStem('동의를 받지 않은 자에 대한 처벌로 옳지 않은 것은?'),
    '동의를 받지 않은 자에 대한 처벌로 옳은 것은?',
  );
});
