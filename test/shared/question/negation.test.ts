import t from 'tap';
import { isNegated } from '../../../shared/question/negation.js';

const negated = String.raw`
다음 중 옳지 않은 것은?
다음 설명 중 옳지 못한 것은?
다음 중 틀린 것은?
다음 중 틀린 설명을 한 사람은?
다음 중 잘못된 것은?
용어의 설명이 잘못 짝지어진 것은?
다음 중 잘못 설명한 것은?
정보보호의 3요소가 아닌 것은?
개인정보가 아닌 정보는 무엇인가?
전자금융업자에 해당하지 않는 것은 무엇인가?
전자금융업자에 해당하지 않는 자는 누구인가?
접근매체에 해당되지 않는 것은 어느 것인가?
고지 사항에 포함되지 않는 것은?
민감정보에 속하지 않는 것은?
위험 대응 방법으로 적절하지 않은 것은?
대칭키 암호에 대한 설명으로 가장 적절하지 않은 것은?
적절하지 않은 것을 모두 고른 것은?
다음 <보기> 중 옳지 않은 것만을 있는 대로 고른 것은?
옳지 않은 것끼리 묶인 것은?
옳지 않은 것을 올바르게 나열한 것은?
옳지 않은 것 두 가지를 고르시오.
적절하지 않은 개인정보 파기에 대한 설명은?
알맞지 않은 보안 대책은 무엇입니까?
맞지않는것은?
내부통제의 목적과 가장 거리가 먼 것은?
내부통제의 목적과 거리가 가장 먼 것은?
스니핑과 관련이 없는 것은?
스니핑과 관계없는 것은?
스니핑과 가장 관련성이 낮은 것은?
백업 정책으로 부적절한 것은?
개인정보를 제3자에게 제공할 수 없는 경우는?
동의를 받지 않고 수집할 수 있는 경우가 아닌 것은?
관리적 보호조치로 볼 수 없는 것은?
기술적 보호조치로 보기 어려운 것은?
비밀번호를 관리할 때 하지 말아야 할 것은?
전산실에서 해서는 안 되는 행동은?
다음 중 성격이 다른 하나는?
아래 내용과 다른 것은?
전자금융거래의 범위에서 제외되는 것은?
최소 권한의 원칙에 위배되는 것은?
이용자의 동의가 필요하지 않은 것은?
금융회사가 지켜야 할 사항이 아닌 것을 고르면?
다음 중 옳지 않은 것은? (단, 다른 법률에 특별한 규정이 있는 경우는 제외한다)
금융회사는 정기적으로 점검하여야 한다. 이에 대한 설명으로 옳지 않은 것은?
다음 중 옳지 않은 것은
다음 중 옳지 않은 것은?\nㄱ. 개인정보를 파기하는 것은 의무이다.\nㄴ. 기록을 남기는 것은 선택이다.
다음은 전자서명에 관한 설명이다.\n서명자를 확인하고 서명하였음을 나타내는 데 이용된다.\n이에 해당하지 않는 것은?
`;

const positive = `
다음 중 옳은 것은?
다음 중 옳은 것만을 모두 고른 것은?
동의를 받지 않은 자에 대한 처벌로 옳은 것은?
의무를 이행하지 않을 경우 취할 수 있는 조치는?
신고하지 않은 자에게 부과되는 과태료는 얼마인가?
신고하지 않은 자는 어떤 처벌을 받는가?
인가되지 않은 접근을 차단하는 장비는?
인가되지 않은 사용자가 시스템에 접근하는 것을 막는 것은?
신뢰할 수 없는 네트워크와 내부망을 분리하는 구간은 무엇인가?
암호화되지 않은 구간에서 발생할 수 있는 위협은?
관리자가 아닌 사용자에게 부여하여야 하는 권한은?
잘못된 설정을 이용하는 공격은?
잘못 입력된 값을 걸러내는 기술은?
틀린 비밀번호를 반복해서 입력하는 공격은?
부당한 이익을 얻을 목적의 행위를 규제하는 법률은?
정당한 사유 없이 거부하지 못하는 사항으로 옳은 것은?
동의를 받지 아니하고 개인정보를 이용할 수 있는 경우는?
예외에 해당하는 것은?
동의 의무의 예외인 것은?
법에서 금지하는 행위는?
해서는 안 되는 행위로 규정된 것으로 옳은 것은?
옳지 않은 것은 모두 몇 개인가?
다음 중 개인정보가 아닌 것은 몇 개인가?
처리기간은 몇 개월을 초과하지 못하는가?
정보보호의 3요소는 무엇인가?
최고책임자를 지정하지 않았을 때 부과되는 것은?
서버가 상태를 저장하지 않는 특성을 뜻하는 용어는?
파기하지 않고 보존하여야 하는 경우에 해당하는 것은?
이용자가 동의하지 않더라도 서비스를 거부할 수 없는 조건으로 알맞은 것은?
다음 중 옳지 않은 설명을 바로잡은 것으로 적절한 것은?
법에서 정하지 않은 사항을 정할 수 있는 기관은?
이용자의 고의가 없는 경우 책임을 지는 자는?
재해 복구 목표 시간은 몇 시간 이내인가?
다음 중 가장 바람직한 것은?
보안 등급이 가장 낮은 것은?
변경되지 않았음을 보장하는 성질은?
정당한 사유가 없는 한 몇 시간을 경과하여서는 안 되는가?
`;

const lines = (text: string): string[] =>
  text
    .trim()
    .split('\n')
    .map((line) => line.replaceAll('\\n', '\n'));

t.test('stems that ask for the false, missing or least fitting choice are negated', async (t) => {
  for (const stem of lines(negated)) t.equal(isNegated(stem), true, stem);
});

t.test('a negative that does not belong to what is asked for does not count', async (t) => {
  for (const stem of lines(positive)) t.equal(isNegated(stem), false, stem);
});

t.test('a stem without text, or without a question, is positive', async (t) => {
  for (const stem of ['', ' ', '\n', '?', '전자금융거래법', '.']) t.equal(isNegated(stem), false, stem);
});

t.test('the kind of line break and white space does not matter', async (t) => {
  t.equal(isNegated('다음 중  옳지\t않은   것은 ?'), true);
  t.equal(isNegated('옳지\u3000않은 것은？'), true);
  t.equal(isNegated('옳지 않은 것은?\n\n\n'), true);
});

t.test('hostile texts take no time to speak of', async (t) => {
  const parts = [
    '않은 ',
    '않는',
    '것은',
    '되지 ',
    ' ',
    '\n',
    '?',
    '. ',
    '거리가 ',
    '수 ',
    '없',
    '(',
    '한 ',
    '을 ',
    '잘못 ',
    '모두 ',
    '두 개',
  ];
  for (const part of parts) {
    for (const text of [
      part.repeat(20_000 / part.length),
      `옳지 않은${part.repeat(20_000 / part.length)}x`,
    ]) {
      const started = performance.now();
      isNegated(text);
      t.ok(performance.now() - started < 1000, JSON.stringify(part));
    }
  }
});
