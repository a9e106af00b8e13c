import { PassThrough } from 'node:stream';
import t from 'tap';
import { stageProgress } from '../../cli/stage-progress.js';

function view() {
  const stream = new PassThrough({ encoding: 'utf8' });
  return { ...stageProgress(stream), text: () => (stream.read() as string | null) ?? '' };
}

t.test('where there is no terminal each tenth is a line, once', async (t) => {
  const it = view();
  for (const done of [0, 1, 5, 10, 10]) it.update('prepare', 'parse', done, 10);
  t.equal(it.text(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((n) => `  prepare: parse ${n}/10\n`).join(''));
});

t.test('a line of text between does not make it begin anew', async (t) => {
  const it = view();
  it.update('prepare', 'parse', 1, 2);
  it.line('a word');
  it.update('prepare', 'parse', 2, 2);
  t.equal(it.text(), '  prepare: parse 1/2\na word\n  prepare: parse 2/2\n');
});

t.test('another piece of work begins at nothing, even one of the same name', async (t) => {
  const it = view();
  it.update('sft', 'tokenise', 1, 1);
  it.update('sft', 'train', 1, 1);
  it.update('sft', 'train', 0, 1);
  it.update('sft', 'train', 1, 1);
  it.update('sft', 'none', 0, 0);
  it.stop();
  t.equal(it.text(), '  sft: tokenise 1/1\n  sft: train 1/1\n  sft: train 1/1\n');
});
