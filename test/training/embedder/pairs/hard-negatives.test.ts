import t from 'tap';
import { HardNegatives } from '../../../../training/embedder/pairs/hard-negatives.js';
import { shareOfGrams, trigrams } from '../../../../training/embedder/pairs/likeness.js';
import type { RetrievalPair } from '../../../../training/embedder/pairs/retrieval-pair.js';
import { smallChunk, wordTokenizer } from '../../../fixtures/small-search.js';

const article = (section: string, content: string, title = '어떤 법') =>
  smallChunk(`${title}#${section}`, content, { title, section, heading: '의무', kind: 'article' });

const right = '금융회사는 침해사고를 알게 된 때에는 지체 없이 금융위원회에 알려야 한다.';
const chunks = [
  article('제1조', right),
  article('제2조', '금융회사는 해마다 침해사고 대응 훈련을 실시하고 그 결과를 보존하여야 한다.'),
  article('제1조', `${right} 이 경우 서면으로 한다.`, '그런 법(2020-01-01)'),
  article('제3조', '통신사업자는 이용자의 피해를 막기 위한 조치를 마련하여야 한다.'),
  smallChunk('부칙', '침해사고에 관한 부칙이다. 공포한 날부터 시행한다고 정한다.', { kind: 'addendum' }),
  article('제4조', '침해사고 신고의 방법과 절차는 대통령령으로 정하는 바에 따른다.', '남긴 법'),
];
const pair: RetrievalPair = {
  ...{ kind: 'words', query: '침해사고를 지체 없이 알려야 한다', positive: `의무 ${right}` },
  ...{ source: '어떤법', article: '어떤 법\n제1조' },
};

/** Finds every chunk, in their order. */
const keywords = { searchWeighted: () => ({ rows: [...chunks.keys()], scores: chunks.map(() => 1) }) };
const negatives = (count: number) =>
  new HardNegatives({
    ...{ chunks, keywords, tokenizer: wordTokenizer, count, seed: 1 },
    isAllowed: ({ title }) => title !== '남긴 법',
  });

t.test('negatives are other articles, but none that says the same, is held out or is an addendum', (t) => {
  const found = negatives(2).of(pair)!;
  t.strictSame(
    [...found.negatives!].sort(),
    [`의무 ${chunks[1]!.content}`, `의무 ${chunks[3]!.content}`].sort(),
  );
  t.match(found, pair);
  t.strictSame(negatives(2).of(pair), found);
  t.equal(negatives(3).of(pair), null, 'there are not enough');
  t.end();
});

t.test('likeness is the share of trigrams of letters and digits', (t) => {
  t.strictSame([...trigrams('가 나, 다-라')], ['가나다', '나다라']);
  t.equal(shareOfGrams(trigrams('가나다라'), trigrams('나다라마')), 0.5);
  t.equal(shareOfGrams(new Set(), trigrams('가나다')), 0);
  t.end();
});
