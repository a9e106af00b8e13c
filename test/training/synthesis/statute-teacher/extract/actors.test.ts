import t from 'tap';
import {
  classOf,
  counterpartyOf,
  overlap,
  topicOf,
} from '../../../../../training/synthesis/statute-teacher/extract/actors.js';

t.test('who a sentence is about is found, at its start or after a condition', async (t) => {
  t.equal(topicOf('금융위원회는 신고 또는 보고받은 약관을 통보하여야 한다.')?.text, '금융위원회');
  t.equal(topicOf('금융회사 또는 전자금융업자는 보고하여야 한다.')?.text, '금융회사 또는 전자금융업자');
  t.equal(topicOf('필요한 경우에는 금융감독원장은 명할 수 있다.')?.text, '금융감독원장');
  t.equal(topicOf('관리기관의 장은 조치를 하여야 한다.')?.text, '관리기관의 장');
});

t.test('a description is no name', async (t) => {
  t.equal(topicOf('허가를 받으려는 자는 신청서를 내야 한다.'), undefined);
  t.equal(topicOf('설립등기사항은 다음과 같다.'), undefined);
  const long =
    '과학기술정보통신부장관, 행정안전부장관, 방송통신위원회 또는 개인정보보호위원회는 요청할 수 있다.';
  t.equal(topicOf(long), undefined);
});

t.test('whom something is given to, and who grants it, is found', async (t) => {
  t.match(counterpartyOf('회사는 결과를 미리 금융위원회에 보고하여야 한다.'), {
    text: '금융위원회',
    particle: '에',
  });
  t.match(counterpartyOf('회사는 그 사실을 정보주체에게 알려야 한다.'), {
    text: '정보주체',
    particle: '에게',
  });
  t.match(counterpartyOf('협회는 정관에 대하여 금융위원회의 승인을 받아야 한다.'), {
    text: '금융위원회',
    particle: '의',
  });
  t.equal(counterpartyOf('회사는 절차 등에 관하여 협의하여야 한다.'), undefined);
});

t.test('names of which one may be an instance of the other have no class, or overlap', async (t) => {
  t.equal(classOf('중앙행정기관의 장'), undefined);
  t.equal(classOf('금융기관'), undefined);
  t.equal(classOf('금융위원회'), 'authority');
  t.equal(classOf('이사회'), 'organ');
  t.equal(classOf('정보주체'), 'customer');
  t.equal(classOf('신용정보제공ㆍ이용자'), undefined);
  t.equal(classOf('전자금융업자'), 'provider');
  t.ok(overlap('금융회사 또는 전자금융업자', '전자금융업자'));
  t.ok(overlap('보호위원회', '개인정보 보호위원회'));
  t.ok(overlap('공공기관의 장', '공공기관등의 장'));
  t.notOk(overlap('금융위원회', '금융감독원장'));
});
