import t from 'tap';
import { bodiesOf, quantitiesOf, saysAll, unitOf } from '../../../shared/answering/statement-clues.js';

t.test('quantities come with their units, each once', (t) => {
  t.strictSame(quantitiesOf('30일 이내에 신고하고 5 년간, 다시 30일 동안 보존한다'), ['30일', '5년']);
  t.strictSame(quantitiesOf('과태료 3,000만원 이하, 자본의 7%'), ['3000만원', '7%']);
  t.strictSame(quantitiesOf('매일 백업한다'), []);
  t.equal(unitOf('30일'), '일');
  t.equal(unitOf('3000만원'), '만원');
  t.equal(unitOf('0.5%'), '%');
  t.end();
});

t.test('bodies are named whole', (t) => {
  t.strictSame(bodiesOf('금융위원회는 금융감독원장에게 위탁할 수 있고, 금융위원회가 정한다'), [
    '금융위원회',
    '금융감독원장',
  ]);
  t.strictSame(bodiesOf('암호화하여 저장한다'), []);
  t.end();
});

t.test('a choice that only says that all others hold', (t) => {
  for (const text of ['모두 해당한다', '위 모두', '이상 모두 옳다', '①, ②', '모두 옳다'])
    t.ok(saysAll(text), text);
  for (const text of [
    '모든 접속기록을 보존한다',
    '접속기록을 모두 암호화하여 별도의 장소에 보관하여야 한다',
    '백업',
  ])
    t.notOk(saysAll(text), text);
  t.end();
});

t.test('long texts take linear time', (t) => {
  const started = performance.now();
  quantitiesOf('1'.repeat(50_000));
  bodiesOf('가'.repeat(50_000));
  saysAll(' '.repeat(50_000));
  t.ok(performance.now() - started < 2_000);
  t.end();
});
