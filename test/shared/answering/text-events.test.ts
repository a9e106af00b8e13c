import t from 'tap';
import type { AnswerEvent } from '../../../shared/answering/answer.js';
import { TextEvents } from '../../../shared/answering/text-events.js';

function setUp() {
  const events: AnswerEvent[] = [];
  return { text: new TextEvents((event) => events.push(event)), events };
}
const token = (text: string): AnswerEvent => ({ type: 'token', text });

t.test('a text that stands as it was heard is not said again', async (t) => {
  const { text, events } = setUp();
  const write = text.open();
  for (const piece of ['가', '', '나']) write(piece);
  text.settle('가나');
  write('다');
  t.strictSame(events, [token('가'), token('나')], 'and nothing comes behind it');
});

t.test('a text that nobody heard comes whole', async (t) => {
  const { text, events } = setUp();
  text.settle('가나');
  t.strictSame(events, [token('가나')]);
});

t.test('what does not stand is discarded once, where something was heard', async (t) => {
  const { text, events } = setUp();
  text.discard('nothing yet');
  text.open()('가');
  text.discard('too late');
  text.discard('again');
  text.settle('나');
  t.strictSame(events, [token('가'), { type: 'discard', reason: 'too late' }, token('나')]);
});

t.test('a writer that was stopped is not heard beside the next', async (t) => {
  const { text, events } = setUp();
  const first = text.open();
  first('가');
  text.discard('too late');
  const second = text.open();
  first('나');
  second('다');
  t.strictSame(
    events.filter(({ type }) => type === 'token'),
    [token('가'), token('다')],
  );
});

t.test('the end of an empty text takes back what was heard', async (t) => {
  const { text, events } = setUp();
  text.open()('가');
  text.settle('');
  t.equal(events.at(-1)?.type, 'discard');
});
