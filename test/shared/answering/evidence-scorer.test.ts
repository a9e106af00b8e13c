import t from 'tap';
import type { ChoiceModel } from '../../../shared/answering/choice-model.js';
import { featureNames } from '../../../shared/answering/evidence-features.js';
import { EvidenceScorer } from '../../../shared/answering/evidence-scorer.js';
import { EvidenceSource } from '../../../shared/answering/evidence-source.js';
import { classify } from '../../../shared/question/classify.js';
import type { Embedder } from '../../../shared/retrieval/embedder.js';
import type { Passage } from '../../../shared/retrieval/retriever.js';
import { countingIndex, smallChunk, wordTokenizer } from '../../fixtures/small-search.js';

const chunks = [
  smallChunk('backup', '백업 자료는 다른 건물에 보관한다. 훈련은 해마다 두 번 한다.'),
  smallChunk('wall', '방화벽은 접속을 차단하는 장치이다.'),
  smallChunk('meeting', '회의는 분기마다 연다.'),
];
const passages = chunks.map(
  (chunk, row): Passage => ({
    rank: row + 1,
    row,
    chunk,
    scores: { bm25: 1, faiss: 0.5, citation: 0, fused: 0.5, rerank: null },
  }),
);
const embedded: [texts: string[], role: string][] = [];
const embedder: Embedder = {
  dimension: 2,
  fingerprint: 'f',
  embed: async (texts, role = 'passage') => {
    embedded.push([[...texts], role]);
    return Float32Array.from(texts.flatMap(() => [1, 0]));
  },
  countTokens: async (texts) => texts.length,
  close: async () => {},
};
/** The more of a choice a sentence holds, the truer; false in negated stems. */
const model: ChoiceModel = {
  description: 'for tests',
  features: [...featureNames],
  scale: featureNames.map(() => 1),
  positive: featureNames.map((name) => (name === 'unitJoint' ? 5 : 0)),
  negated: featureNames.map((name) => (name === 'unitJoint' ? -5 : 0)),
  temperature: 1,
  fit: {},
};
const keywords = countingIndex(chunks.map(({ content }) => content));
const scorer = new EvidenceScorer({
  tokenizer: wordTokenizer,
  keywords,
  embedder,
  retriever: {
    searchChoices: (stem, choices, topK) =>
      choices.map((terms) =>
        keywords.searchWeighted(
          [
            { terms: stem, weight: 1 },
            { terms, weight: 1 },
          ],
          topK,
        ),
      ),
  },
  source: new EvidenceSource(chunks, wordTokenizer, embedder),
  model,
});
const choices = '\n1 다른 건물에 보관한다\n2 같은 서버에 저장한다\n3 훈련은 해마다 두 번 한다';

t.test('probabilities sum to 1, and the choice that the evidence holds is the likeliest', async (t) => {
  const classification = classify(
    '백업 자료에 대한 설명으로 옳은 것은?\n1 다른 건물에 보관한다\n2 같은 서버에 저장한다',
  );
  const { choices: scored } = await scorer.score({ classification, passages });
  t.strictSame(
    scored.map(({ number, text }) => [number, text]),
    classification.choices.map(({ number, text }) => [number, text]),
  );
  t.ok(Math.abs(scored.reduce((sum, { probability }) => sum + probability, 0) - 1) < 1e-12);
  t.equal(Math.max(...scored.map(({ probability }) => probability)), scored[0]?.probability);
  t.ok((scored[0]?.support as number) > (scored[1]?.support as number));
});

t.test('the passage that holds the picked statement is cited, with the sentence that does', async (t) => {
  const classification = classify(
    '백업 자료에 대한 설명으로 옳은 것은?\n1 다른 건물에 보관한다\n2 접속을 기록한다',
  );
  const { supports } = await scorer.score({ classification, passages: [...passages].reverse() });
  t.match(supports[0], {
    passage: { row: 0 },
    evidence: '백업 자료는 다른 건물에 보관한다.',
    strength: 1,
  });
  t.equal(supports.length, 1, 'the others hold too little of it');
});

t.test(
  'for a negated stem the false choice is picked, and the passages of the others are cited',
  async (t) => {
    const classification = classify(`백업 자료에 대한 설명으로 옳지 않은 것은?${choices}`);
    t.equal(classification.negated, true);
    const { choices: scored, supports } = await scorer.score({ classification, passages });
    t.equal(Math.max(...scored.map(({ probability }) => probability)), scored[1]?.probability);
    t.match(supports[0], { passage: { row: 0 }, strength: 1 });
  },
);

t.test('without passages the wording still decides, and nothing is cited', async (t) => {
  const classification = classify(`백업 자료에 대한 설명으로 옳은 것은?${choices}`);
  const { choices: scored, supports } = await scorer.score({ classification, passages: [] });
  t.strictSame(supports, []);
  t.strictSame(
    scored.map(({ probability }) => probability),
    [1 / 3, 1 / 3, 1 / 3],
    'this model weighs evidence alone',
  );
});

t.test(
  'stem, choices, and both together are embedded as queries, without the words that only ask',
  async (t) => {
    embedded.length = 0;
    const classification = classify('다음 중 백업에 대한 설명으로 옳은 것은?\n1 하나\n2 둘');
    const question = await scorer.question(classification, []);
    t.strictSame(embedded, [[['백업', '하나', '둘', '백업 하나', '백업 둘'], 'query']]);
    t.match(question.choices[1], { text: '둘', nearest: 0, nearStem: 1 });
    t.strictSame(question.passages, []);
  },
);
