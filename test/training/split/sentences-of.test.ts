import t from 'tap';
import { countTokens } from '../../../shared/text/token-count.js';
import { sentencesOf } from '../../../training/split/sentences-of.js';

const restored = (text: string, max: number): string =>
  sentencesOf(text, max, '')
    .map((sentence, i) => (i === 0 ? '' : sentence.separator) + sentence.text)
    .join('');

t.test('sentences keep their text and what stood between them', async (t) => {
  const text = '첫 문장이다. 둘째 문장이다.\n셋째 줄';
  t.equal(restored(text, 100), text);
  t.same(
    sentencesOf(text, 100).map(({ endsParagraph }) => endsParagraph),
    [false, false, true],
  );
});

t.test('a sentence that is too long is cut after clauses, then words, then characters', async (t) => {
  const clauses = Array.from({ length: 30 }, (_, i) => `제${i}호의 자료를 보관하고`).join(', ');
  const words = Array.from({ length: 200 }, (_, i) => `단어${i}`).join(' ');
  for (const text of [clauses, words, '가'.repeat(2000)]) {
    const sentences = sentencesOf(text, 60);
    t.ok(sentences.length > 1);
    t.ok(sentences.every((sentence) => countTokens(sentence.text) <= 60));
    t.equal(restored(text, 60), text);
  }
  t.ok(sentencesOf(clauses, 60)[0]?.text.endsWith(','));
});

t.test('blank text gives nothing', async (t) => {
  t.same(sentencesOf(' \n ', 60), []);
});
