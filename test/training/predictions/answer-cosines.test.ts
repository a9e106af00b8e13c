import t from 'tap';
import { answerCosines } from '../../../training/predictions/answer-cosines.js';
import { answerId, type BundleAnswer } from '../../../training/predictions/bundle-answers.js';
import { questionOf } from '../../../training/predictions/measured-questions.js';
import { openQuestion, smallQuestion } from '../../fixtures/small-questions.js';

t.test('answers in words are held to their references, those of other questions are not', async (t) => {
  const vectors: Record<string, [number, number]> = { 위: [0, 1], 옆: [1, 0], 사이: [0.6, 0.8] };
  const asked: string[][] = [];
  const embedder = {
    dimension: 2,
    async embed(texts: readonly string[]) {
      asked.push([...texts]);
      return Float32Array.from(texts.flatMap((text) => vectors[text]!));
    },
  };
  const questions = [questionOf(openQuestion('open', { answer: '위' })), questionOf(smallQuestion('choice'))];
  const answer = (
    question: string,
    text: string,
    bundle: BundleAnswer['bundle'] = 'candidate',
  ): BundleAnswer => ({
    ...{ bundle, set: 'validation', question, deal: 0, answer: text },
    ...{ correct: false, confidence: 1, usedFallback: false, ms: 1 },
  });
  const answers = [answer('open', '사이'), answer('choice', '옆'), answer('open', '', 'baseline')];
  const cosines = await answerCosines(embedder, [{ name: 'validation', questions, shuffles: 0 }], answers);
  t.strictSame([...cosines.keys()], [answers[0]!, answers[2]!].map(answerId));
  t.ok(Math.abs(cosines.get(answerId(answers[0]!))! - 0.8) < 1e-6);
  t.equal(cosines.get(answerId(answers[2]!)), 0, 'no words are near nothing');
  t.strictSame(asked, [['사이', '위']]);
});
