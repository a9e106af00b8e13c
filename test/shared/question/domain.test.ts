import t from 'tap';
import { domainOf } from '../../../shared/question/domain.js';

t.test('the words of a question tell its domain', async (t) => {
  const table: [text: string, domain: string][] = [
    ['개인정보 보호법 제17조에 따라 과태료가 부과되는 경우는?', 'law'],
    ['전자금융감독규정에서 정한 사항은?', 'law'],
    ['신용정보법상 신용정보집중기관의 업무는?', 'law'],
    ['SQL 삽입 공격을 막는 방법은?', 'security'],
    ['공개키 암호 알고리즘의 특징은?', 'security'],
    ['방화벽과 침입 탐지 시스템의 차이는?', 'security'],
    ['예금과 대출의 금리 차이는?', 'finance'],
    ['펀드 투자와 증권 거래의 위험은?', 'finance'],
    ['정보보호 관리체계의 위험 평가 단계는?', 'management'],
    ['재해 복구 계획과 업무 연속성을 설명하시오.', 'management'],
    ['가장 높은 산은?', 'general'],
    ['', 'general'],
  ];
  for (const [text, domain] of table) t.equal(domainOf(text), domain, text);
});

t.test('words that end in 법 but name no statute are no law', async (t) => {
  for (const text of ['좋은 방법은?', '이 문법의 규칙은?', '기법은 무엇인가?', '마법의 성은 어디인가?']) {
    t.equal(domainOf(text), 'general', text);
  }
});
