import t from 'tap';
import { seededRandom } from '../../../shared/random.js';
import { compactText, longestRun } from '../../../shared/text/longest-run.js';

/** The longest part of the statement that the source holds, found by trying all. */
function slowRun(statement: string, source: string): number {
  for (let length = statement.length; length > 0; length--)
    for (let start = 0; start + length <= statement.length; start++)
      if (source.includes(statement.slice(start, start + length))) return length / statement.length;
  return 0;
}

t.test('white space, stops, commas, quotes and middle dots do not part a run', async (t) => {
  t.equal(compactText(' “이용자·은행”, 및\n‘회사’ㆍ"기관".'), '이용자은행및회사기관');
  t.equal(longestRun(compactText('이용자 · 은행의 의무'), compactText('모든 이용자, 은행의 의무.')), 1);
});

t.test('the longest run is the one that trying all parts finds', async (t) => {
  const random = seededRandom(11);
  const draw = (most: number): string =>
    Array.from({ length: Math.floor(random() * most) }, () => '가나다'[Math.floor(random() * 3)]).join('');
  for (let round = 0; round < 500; round++) {
    const statement = draw(14);
    const source = draw(40);
    t.equal(longestRun(statement, source), slowRun(statement, source), `${statement} in ${source}`);
  }
});

t.test('of a long statement the first 200 characters count', async (t) => {
  const statement = `${'가'.repeat(100)}${'나'.repeat(100)}${'다'.repeat(300)}`;
  t.equal(longestRun(statement, '다'.repeat(300)), 0);
  t.equal(longestRun(statement, '나'.repeat(300)), 0.5);
});

t.test('empty texts share nothing', async (t) => {
  t.strictSame([longestRun('', '가'), longestRun('가', ''), longestRun('', '')], [0, 0, 0]);
});
