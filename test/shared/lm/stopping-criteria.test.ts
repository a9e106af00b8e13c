import t from 'tap';
import { isEndOfSequence, StopText } from '../../../shared/lm/stopping-criteria.js';
import { seededRandom } from '../../../shared/random.js';

/** Feeds pieces as a generation does; what comes out, piece by piece. */
function run(stops: readonly string[], pieces: readonly string[]) {
  const stop = new StopText(stops);
  const given: string[] = [];
  for (const piece of pieces) {
    const { text, stopText } = stop.push(piece);
    given.push(text);
    if (stopText !== null) return { given, stopText };
  }
  given.push(stop.end());
  return { given, stopText: null };
}

t.test('text that may be the start of a stop waits until it is known', async (t) => {
  t.strictSame(run(['END'], ['abE', 'N', 'x', 'E', 'ND', 'never']), {
    given: ['ab', '', 'ENx', '', ''],
    stopText: 'END',
  });
  t.strictSame(run(['END'], ['abE', 'N']), { given: ['ab', '', 'EN'], stopText: null });
});

t.test(
  'a stop may begin and end inside pieces; the earliest ends the text, the longest of those',
  async (t) => {
    t.strictSame(run(['다.\n'], ['합니', '다.', '\n그리고']), { given: ['합니', '', ''], stopText: '다.\n' });
    t.strictSame(run(['b', 'ab', 'abc'], ['xxabcd']), { given: ['xx'], stopText: 'abc' });
    t.strictSame(run(['cd', 'b'], ['abcd']), { given: ['a'], stopText: 'b' });
  },
);

t.test('a stop that overlaps itself is found', async (t) => {
  t.strictSame(run(['aab'], ['a', 'a', 'a', 'b']), { given: ['', '', 'a', ''], stopText: 'aab' });
});

t.test('equals looking at the whole text, however it is cut', async (t) => {
  const random = seededRandom(7);
  const letters = (n: number) => Array.from({ length: n }, () => 'ab한'[Math.floor(random() * 3)]).join('');
  for (let round = 0; round < 2000; round++) {
    const text = letters(Math.floor(random() * 14));
    const stops = Array.from({ length: Math.floor(random() * 3) }, () =>
      letters(1 + Math.floor(random() * 4)),
    );
    const pieces: string[] = [];
    for (let at = 0; at < text.length; ) {
      const size = Math.floor(random() * 4);
      pieces.push(text.slice(at, at + size));
      at += size;
    }
    const { given, stopText } = run(stops, pieces);
    const found = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
    if (found.length === 0) {
      t.equal(given.join(''), text);
      t.equal(stopText, null);
    } else {
      const output = given.join('');
      t.ok(stopText !== null && text.startsWith(output + stopText), `${text} by ${stops} gave ${output}`);
      t.notOk(
        stops.some((stop) => output.includes(stop)),
        `${output} holds one of ${stops}`,
      );
    }
  }
});

t.test('an end-of-sequence token ends, unless it is to be ignored', async (t) => {
  t.equal(isEndOfSequence(2, [1, 2], false), true);
  t.equal(isEndOfSequence(3, [1, 2], false), false);
  t.equal(isEndOfSequence(2, [1, 2], true), false);
});
