import t from 'tap';
import { seededRandom } from '../../../../shared/random.js';
import { characterGrams, jaccard } from '../../../../training/synthesis/decontamination/grams.js';
import { duplicateLikeness, NearDuplicates } from '../../../../training/synthesis/quality/near-duplicates.js';
import { ruledCorpus } from '../../../fixtures/ruled-corpus.js';

t.test('the same choices in another order are a duplicate, other choices are none', async (t) => {
  const seen = new NearDuplicates();
  const stem = '전자금융거래의 이용자가 통지하여야 하는 것으로 옳은 것은?';
  const choices = [
    '접근매체의 분실과 도난',
    '비밀번호의 변경 주기',
    '전자지급수단의 한도',
    '거래지시의 철회 방법',
  ];
  t.equal(seen.check('first', [stem, ...choices]), null);
  t.same(seen.check('second', [stem, ...choices.toReversed()]), { id: 'first', likeness: 1 });
  t.match(seen.check('third', [stem, '접근매체의 분실이나 도난', ...choices.slice(1)]), { id: 'first' });
  t.equal(
    seen.check('fourth', [
      '신용정보회사의 겸업이 제한되는 것은?',
      '채권추심',
      '본인확인',
      '신용조사',
      '자산유동화',
    ]),
    null,
  );
});

t.test('finds what comparing with each finds, and nothing else', async (t) => {
  const random = seededRandom(3);
  const texts = ruledCorpus(4, 30).flatMap(({ content }) => {
    const parts = content.split('\n').slice(0, 5);
    const changed = parts.map((part) => (random() < 0.5 ? part.replace(/\d+일/u, '백일') : part));
    return [parts, changed];
  });
  const seen = new NearDuplicates();
  const kept: (readonly string[])[] = [];
  let missed = 0;
  let found = 0;
  for (const [i, parts] of texts.entries()) {
    const exact = kept.some(
      (other) => jaccard(characterGrams(parts), characterGrams(other)) >= duplicateLikeness,
    );
    const twin = seen.check(String(i), parts);
    if (twin) t.ok(exact, 'no false alarm');
    if (twin) found += 1;
    else if (exact) missed += 1;
    if (!twin) kept.push(parts);
  }
  t.ok(found > 80, `${found} found`);
  t.ok(missed <= 1, `${missed} missed`);
});
