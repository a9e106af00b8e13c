import { PassThrough } from 'node:stream';
import t from 'tap';
import { startProgress } from '../../shared/progress.js';

function capture(isTTY: boolean): { stream: PassThrough & { isTTY: boolean }; text: () => string } {
  const stream = Object.assign(new PassThrough(), { isTTY });
  let text = '';
  stream.on('data', (data) => {
    text += data;
  });
  return { stream, text: () => text };
}

t.test('outside a terminal, at most one plain line per tenth is written', async (t) => {
  const { stream, text } = capture(false);
  const progress = startProgress('prepare', 30, stream);
  for (let i = 0; i < 30; i += 1) progress.tick(`file ${i}`);
  progress.stop();
  const lines = text().trim().split('\n');
  t.equal(lines.length, 10);
  t.equal(lines[0], 'prepare 3/30');
  t.equal(lines.at(-1), 'prepare 30/30');
  t.notMatch(text(), '\u001b');
});

t.test('on a terminal, a bar is drawn and stopping twice is harmless', async (t) => {
  const { stream, text } = capture(true);
  const progress = startProgress('prepare', 2, stream);
  progress.tick('a.md');
  progress.tick('b.md');
  progress.stop();
  progress.stop();
  t.match(text(), /prepare .*2\/2/u);
});

t.test('a job of nothing ends quietly', async (t) => {
  const { stream, text } = capture(false);
  startProgress('prepare', 0, stream).stop();
  t.equal(text(), '');
});
