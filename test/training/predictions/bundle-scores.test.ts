import t from 'tap';
import { answerId, type BundleAnswer } from '../../../training/predictions/bundle-answers.js';
import { bundleScores } from '../../../training/predictions/bundle-scores.js';
import { questionOf } from '../../../training/predictions/measured-questions.js';
import { negatedQuestion, openQuestion, smallQuestion } from '../../fixtures/small-questions.js';

const questions = [
  questionOf(smallQuestion('a', { domain: 'law' })),
  questionOf({ ...negatedQuestion, domain: 'security', form: 'exception' }),
  { ...questionOf(openQuestion('words')), keywords: ['신고', '증거', '벌금'] },
  questionOf(openQuestion('more')),
];
const answer = (question: string, more: Partial<BundleAnswer> = {}): BundleAnswer => ({
  ...{ bundle: 'candidate', set: 'validation', question, deal: 0, answer: '2' },
  ...{ correct: false, confidence: 0.5, usedFallback: false, ms: 10, ...more },
});

t.test('choices are counted as written and as dealt, open answers by keywords and nearness', async (t) => {
  const answers = [
    answer('a', { correct: true, ms: 1 }),
    answer('a', { deal: 1, ms: 1000, usedFallback: true }),
    answer('a', { deal: 2, correct: true }),
    answer('negated', { ms: 2, usedFallback: true }),
    answer('words', { answer: '신고하고 증거를 남긴다', ms: 30 }),
    answer('more', { answer: '', ms: 3 }),
  ];
  const cosines = new Map([[answerId(answers[4]!), 0.8]]);
  const scores = bundleScores({ bundleId: 'b', mode: 'label', answers, questions, cosines });
  t.match(scores, {
    ...{ bundleId: 'b', mode: 'label', accuracy: { correct: 1, questions: 2 }, fallbacks: 1 },
    shuffled: { correct: 1, questions: 2 },
    domains: [
      { name: 'law', correct: 1, questions: 1 },
      { name: 'security', correct: 0, questions: 1 },
    ],
    polarity: [{ name: 'negated' }, { name: 'positive' }],
    forms: [{ name: 'exception' }, { name: 'test' }],
    open: { questions: 2, keywordRecall: 2 / 3, cosine: 0.4 },
    latency: { p50: 2, p99: 30, mean: 9 },
  });
});

t.test('without questions of a kind it says so', async (t) => {
  const none = bundleScores({ bundleId: 'b', mode: 'label', answers: [], questions, cosines: new Map() });
  t.match(none, {
    accuracy: { questions: 0 },
    shuffled: null,
    open: null,
    latency: { p50: 0, p99: 0, mean: 0 },
  });
  const open = [answer('more', { answer: '말' })];
  t.equal(bundleScores({ ...none, answers: open, questions, cosines: new Map() }).open!.keywordRecall, null);
});
