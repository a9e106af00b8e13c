import t from 'tap';
import { PartSender } from '../../../api/engine/part-sender.js';

function setUp() {
  const messages: number[][] = [];
  const taken: (() => void)[] = [];
  const sender = new PartSender<number>((parts, sent) => {
    messages.push(parts);
    taken.push(sent);
  });
  return { sender, messages, channelTakes: () => taken.shift()?.() };
}

t.test('a free channel takes each part at once', async (t) => {
  const { sender, messages, channelTakes } = setUp();
  for (const part of [1, 2, 3]) {
    sender.push(part);
    channelTakes();
  }
  t.strictSame(messages, [[1], [2], [3]]);
});

t.test('what comes while the channel is full goes as one message when it has drained', async (t) => {
  const { sender, messages, channelTakes } = setUp();
  for (let part = 0; part < 1_000; part++) sender.push(part);
  t.equal(messages.length, 1);
  channelTakes();
  t.equal(messages.length, 2);
  t.strictSame(
    messages.flat(),
    Array.from({ length: 1_000 }, (_, i) => i),
  );
  channelTakes();
  t.equal(messages.length, 2, 'nothing is sent where nothing waits');
});

t.test('before the end, what waits goes whether or not the channel is free', async (t) => {
  const { sender, messages } = setUp();
  sender.push(1);
  sender.push(2);
  sender.flush();
  sender.flush();
  t.strictSame(messages, [[1], [2]]);
});
