import t from 'tap';
import { createMorphemeAnalyzer, MAX_PIECES, MAX_SYLLABLES } from '../../../shared/text/morphemes.js';

t.test('a word is analysed once', async (t) => {
  let calls = 0;
  const analyzer = createMorphemeAnalyzer(() => (text) => {
    calls += 1;
    return [{ text, pos: 'NNG' }];
  });
  t.same(analyzer.analyzeWord('금융'), [{ text: '금융', pos: 'NNG' }]);
  t.same(analyzer.analyzeWord('금융'), [{ text: '금융', pos: 'NNG' }]);
  t.equal(calls, 1);
});

t.test('a trap costs one word and the analyser is built anew', async (t) => {
  let built = 0;
  const analyzer = createMorphemeAnalyzer(() => {
    built += 1;
    return (text) => {
      if (text === '함정') throw new Error('unreachable');
      return [{ text: `${text}!`, pos: 'VV' }];
    };
  });
  t.same(analyzer.analyzeWord('함정'), [{ text: '함정', pos: 'NNG' }]);
  t.same(analyzer.analyzeWord('금융'), [{ text: '금융!', pos: 'VV' }]);
  t.equal(built, 2);
  t.equal(analyzer.failures, 1);
});

t.test('an analyser that cannot be built again leaves words whole', async (t) => {
  let built = 0;
  const analyzer = createMorphemeAnalyzer(() => {
    built += 1;
    if (built > 1) throw new Error('out of memory');
    return () => {
      throw new Error('unreachable');
    };
  });
  t.same(analyzer.analyzeWord('금융'), [{ text: '금융', pos: 'NNG' }]);
  t.same(analyzer.analyzeWord('회사'), [{ text: '회사', pos: 'NNG' }]);
  t.equal(analyzer.failures, 2);
});

t.test('a word longer than the limit is analysed in pieces', async (t) => {
  const seen: number[] = [];
  const analyzer = createMorphemeAnalyzer(() => (text) => {
    seen.push(text.length);
    return [{ text, pos: 'NNG' }];
  });
  const word = Array.from({ length: 2 * MAX_SYLLABLES + 3 }, (_, i) => String.fromCharCode(0xac00 + i)).join(
    '',
  );
  const morphemes = analyzer.analyzeWord(word);
  t.same(seen, [MAX_SYLLABLES, MAX_SYLLABLES, 3]);
  t.equal(morphemes.map(({ text }) => text).join(''), word);
});

t.test('a text without spaces costs a bounded number of pieces, repeats none', async (t) => {
  let calls = 0;
  const analyzer = createMorphemeAnalyzer(() => (text) => {
    calls += 1;
    return [{ text, pos: 'NNG' }];
  });
  t.equal(analyzer.analyzeWord('가'.repeat(100_000)).length, MAX_PIECES);
  t.equal(calls, 1);
});
