import t from 'tap';
import { qualityOf } from '../../../training/split/quality.js';

const good =
  '접근 통제는 사용자가 의도된 권한을 벗어나는 행위를 하지 못하도록 정책을 강제한다. ' +
  '접근 통제 실패는 정보 유출, 데이터 변조와 파괴로 이어진다. 최소 권한 원칙을 지키고 기본값으로 거부한다.';
const score = (over: Partial<Parameters<typeof qualityOf>[0]> = {}): number =>
  qualityOf({ content: good, source: 'guide/a.md', heading: '', kind: 'prose', ...over });

t.test('full prose scores 10, and everything that tells less scores less', async (t) => {
  t.equal(score(), 10);
  t.ok(score({ content: '모듈 종료 퀴즈' }) < 1, 'a lone link text');
  t.ok(score({ content: '접근 통제를 다룬다.' }) < 6, 'a short remark');
  t.ok(score({ content: '|---|===|***|###|$$$|%%%|&&&|가나다라|---|===' }) < 5, 'signs');
  t.ok(score({ heading: '참고 자료' }) < 7, 'a reading list');
  t.ok(score({ source: 'guide/x__CODE_OF_CONDUCT.md' }) < 2, 'a code of conduct');
  t.ok(score({ source: 'LICENSE.md' }) < 2, 'a licence');
  t.ok(
    score({ content: 'Access control enforces policy such that users cannot act outside. '.repeat(5) }) < 10,
    'no Hangul',
  );
});

t.test('names that only resemble housekeeping keep their score', async (t) => {
  t.equal(score({ source: 'guide/network_security.md' }) < 10, false);
  t.equal(score({ source: 'guide/1.1_AI_security.md' }) < 10, false);
});

t.test('a control is complete however short', async (t) => {
  t.equal(score({ content: '1.1.1 참여\n경영진이 참여한다.', kind: 'control' }), 10);
});
