import t from 'tap';
import { passageWindows } from '../../../shared/retrieval/passage-windows.js';
import { smallChunk } from '../../fixtures/small-search.js';

const sentence = (word: string): string => `${word} ${'가나다 '.repeat(14)}이다.`;

t.test('a short chunk is one window after its heading, or its title where it has none', async (t) => {
  const content = '백업은 매일 한다. 사본은 다른 곳에 둔다.';
  t.strictSame(passageWindows(smallChunk('a', content, { heading: '백업' })), [`백업 ${content}`]);
  t.strictSame(passageWindows(smallChunk('a', content)), [`안내서 ${content}`]);
});

t.test('sentences are packed up to about 200 characters, none lost, none cut', async (t) => {
  const sentences = Array.from({ length: 9 }, (_, i) => sentence(`문장${i}`));
  const windows = passageWindows(smallChunk('a', sentences.join(' ')));
  t.equal(windows.length, 3);
  for (const window of windows) t.ok(window.length <= 220 && window.startsWith('안내서 문장'), window);
  t.equal(windows.map((window) => window.slice('안내서 '.length)).join(' '), sentences.join(' '));
});

t.test('a sentence longer than a window is one of its own', async (t) => {
  const long = `${'가나다라 '.repeat(100)}이다.`;
  const windows = passageWindows(smallChunk('a', `짧은 문장이다. ${long} 끝이다.`));
  t.strictSame(windows, ['안내서 짧은 문장이다.', `안내서 ${long}`, '안내서 끝이다.']);
});

t.test('every chunk has a window, even one of white space', async (t) => {
  t.strictSame(passageWindows(smallChunk('a', ' \n ')), ['안내서 ']);
});
