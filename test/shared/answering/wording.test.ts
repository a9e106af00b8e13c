import t from 'tap';
import { denial, duty, hedge, overstatement } from '../../../shared/answering/wording.js';

t.test('each cue is counted where it occurs', async (t) => {
  const table: [count: (text: string) => number, text: string, expected: number][] = [
    [overstatement, '모든 금융회사는 반드시 항상 보고한다', 3],
    [overstatement, '동의만으로 예외 없이 제공한다', 2],
    [overstatement, '금융회사는 보고한다', 0],
    [denial, '동의를 받지 않아도 되며 책임이 없다', 2],
    [denial, '점검을 생략하거나 면제한다', 2],
    [denial, '동의를 받는다', 0],
    [hedge, '필요한 경우 요청할 수 있다', 2],
    [hedge, '암호화 등의 조치', 1],
    [hedge, '동의한다', 0],
    [duty, '점검하여야 하며 보고할 의무가 있다', 2],
    [duty, '점검한다', 0],
  ];
  for (const [count, text, expected] of table) t.equal(count(text), expected, `${count.name}: ${text}`);
});

t.test('a count does not depend on the one before', async (t) => {
  t.strictSame(
    [1, 2, 3].map(() => overstatement('모든')),
    [1, 1, 1],
  );
});

t.test('hostile texts take no time to speak of', async (t) => {
  for (const part of ['예외 ', '어떤 ', '100 ', ' ', '등', '안 ', '상관 ', '없']) {
    const text = part.repeat(20_000 / part.length);
    const started = performance.now();
    for (const count of [overstatement, denial, hedge, duty]) count(text);
    t.ok(performance.now() - started < 1000, JSON.stringify(part));
  }
});
