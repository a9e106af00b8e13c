import t from 'tap';
import { characterGrams, jaccard, wordGrams } from '../../../../training/synthesis/decontamination/grams.js';

t.test('character grams are of letters and digits, whatever stands between', async (t) => {
  t.same([...characterGrams(['개인정보, 보호법'])], ['개인정보', '인정보보', '정보보호', '보보호법']);
  t.same(characterGrams(['개인 정보 보호법!']), characterGrams(['개인정보보호법']));
  t.same(characterGrams(['① SHA-256']), characterGrams(['sha256']));
  t.same([...characterGrams(['3년', ''])], ['3년']);
});

t.test('no gram runs over from one part to the next', async (t) => {
  t.same(characterGrams(['가나다라', '마바사아']), new Set(['가나다라', '마바사아']));
  t.same(characterGrams(['마바사아', '가나다라']), characterGrams(['가나다라', '마바사아']));
});

t.test('word grams are of four words; fewer are one gram', async (t) => {
  t.same(
    [...wordGrams(['이 법은 공포한 날부터 시행한다.'])],
    ['이 법은 공포한 날부터', '법은 공포한 날부터 시행한다'],
  );
  t.same([...wordGrams(['공포한 날', ' . '])], ['공포한 날']);
});

t.test('likeness is what is shared by what there is', async (t) => {
  t.equal(jaccard(new Set(['a', 'b', 'c']), new Set(['b', 'c', 'd'])), 0.5);
  t.equal(jaccard(new Set(['a']), new Set(['a'])), 1);
  t.equal(jaccard(new Set(), new Set(['a'])), 0);
  t.equal(jaccard(new Set(), new Set()), 0);
});
