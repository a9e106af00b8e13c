import t from 'tap';
import { splitText } from '../../../training/statute/split-text.js';

const limits = { maxTokens: 60, targetTokens: 50 };
const count = (text: string) => text.replace(/\s/g, '').length;
const restore = (parts: { text: string; joint: string }[]) =>
  parts.map((part) => part.text + part.joint).join('');

t.test('a short text stays whole', async (t) => {
  t.same(splitText('① 가\n② 나', count, limits), [{ text: '① 가\n② 나', joint: '' }]);
});

t.test('a long text is cut at paragraphs, and only a paragraph that is too long at its items', async (t) => {
  const items = ['1. ', '2. ', '3. '].map((mark) => mark + '글'.repeat(22));
  const text = ['① 첫째 문단이다.', `② ${'말'.repeat(20)}:`, ...items, '③ 끝이다.'].join('\n');
  const parts = splitText(text, count, limits);
  t.same(
    parts.map((part) => part.text.split('\n').map((line) => line.slice(0, 2).trim())),
    [
      ['①', '②'],
      ['1.', '2.'],
      ['3.', '③'],
    ],
  );
  t.equal(restore(parts), text);
});

t.test('a single item beyond the limit is cut between sentences, never inside one', async (t) => {
  const sentences = Array.from({ length: 6 }, (_, i) => `${'문'.repeat(20)} ${i}번째 문장이다.`);
  const text = `1. ${sentences.join(' ')}`;
  const parts = splitText(text, count, limits);
  t.ok(parts.length > 1);
  for (const part of parts) t.match(part.text, /다\.$/);
  t.equal(restore(parts), text);
});

t.test('whatever the text, its parts restore it', async (t) => {
  let seed = 1;
  const random = (n: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return (seed >>> 8) % n;
  };
  const openings = [
    '① ',
    '② ',
    '1. ',
    '1의2. ',
    '가. ',
    '1) ',
    '가) ',
    '',
    '[본조신설 2020. 1. 1.]',
    '<개정 2020. 1. 1.> ',
  ];
  for (let round = 0; round < 200; round++) {
    const text = Array.from({ length: 1 + random(12) }, () => {
      const sentence = () => `${'글'.repeat(1 + random(30))} 한다.`;
      return `${openings[random(openings.length)]}${Array.from({ length: 1 + random(4) }, sentence).join(' ')}`;
    }).join('\n');
    const parts = splitText(text, count, limits);
    t.equal(restore(parts), text, `round ${round}`);
  }
});
