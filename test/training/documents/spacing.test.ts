import t from 'tap';
import { SpacingModel, spaceLogit } from '../../../training/documents/spacing.js';

t.test('common words of statutes stay whole and common pairs stay apart', async (t) => {
  for (const [left, right] of [
    ['다음 각 호의 어느 하', '나에 해당하는'],
    ['대통령령으로 정하는 바에 따', '라 금융위원회에'],
    ['전자금융거래의 안전', '성을 확보하기'],
  ] as const)
    t.ok(spaceLogit(left, right) < 0, `${left}${right}`);
  for (const [left, right] of [
    ['다음 각 호의 어느', '하나에 해당하는'],
    ['대통령령으로 정하는', '바에 따라'],
    ['필요한 사항은', '대통령령으로 정한다.'],
  ] as const)
    t.ok(spaceLogit(left, right) > 0, `${left} ${right}`);
});

t.test('marks that close cling to the left, marks that open cling to the right', async (t) => {
  const model = new SpacingModel();
  t.equal(model.probability('(이하 “전자화폐발행자', '”라 한다)는'), 0);
  t.equal(model.probability('이 조에서 "시행계획', '"이라 한다)을'), 0);
  t.equal(model.probability('이 경우 「', '형법」에 따른'), 0);
});

t.test('between Latin words there was a space, after a hyphen there was none to restore', async (t) => {
  const model = new SpacingModel();
  t.equal(model.probability('Transport layer', 'security'), 1);
  t.equal(model.probability('<개정 2013.', '12. 3.>'), 1);
  t.not(model.probability('end-to-', 'end'), 1);
});

t.test('a word that the document writes whole speaks against a space in it', async (t) => {
  const model = new SpacingModel();
  const before = model.probability('그 디지털음성송', '신사업자가');
  for (let i = 0; i < 20; i++) model.learn('그리고 디지털음성송신사업자가 그');
  t.ok(model.probability('그 디지털음성송', '신사업자가') < before);
});
