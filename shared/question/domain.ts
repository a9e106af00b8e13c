/** The domain of a question by the words it uses: rules, for routing and reports, not for scoring. */
import type { Domain } from './question.js';

const cues: readonly (readonly [Domain, RegExp])[] = [
  [
    'law',
    /제\s?\d+\s?조|법률|법령|시행령|시행규칙|감독규정|고시|법에\s*따[르라]|법상|[가-힣](?<![방문기마수용화해요어작창])법(?:은|의|에|상|\s)|과태료|벌금|징역|과징금|위원회|정보주체|처리자|전자서명|신용정보|위반/gu,
  ],
  [
    'security',
    /공격|암호|인증|해킹|악성|랜섬|피싱|취약|침입|방화벽|네트워크|프로토콜|서버|보안\s?(?:솔루션|기술|장비|취약)|접근\s?통제|포렌식|바이러스|트래픽|클라우드|블록체인|[A-Z]{2,}/gu,
  ],
  [
    'finance',
    /금융\s?(?:상품|투자|시장|업무|산업)|은행|보험|증권|대출|예금|자금|결제|송금|펀드|신용카드|핀테크/gu,
  ],
  [
    'management',
    /관리\s?체계|ISMS|위험\s?(?:관리|평가|분석)|거버넌스|정책|예산|조직|감사|교육|재해\s?복구|업무\s?연속성|BCP|CISO|최고책임자/gu,
  ],
];

export function domainOf(text: string): Domain {
  let best: Domain = 'general';
  let most = 0;
  for (const [domain, pattern] of cues) {
    const count = text.match(pattern)?.length ?? 0;
    if (count > most) {
      best = domain;
      most = count;
    }
  }
  return best;
}
