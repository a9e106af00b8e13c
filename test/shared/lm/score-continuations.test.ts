import t from 'tap';
import { ContinuationScorer } from '../../../shared/lm/score-continuations.js';
import { seededRandom } from '../../../shared/random.js';
import { randomTokens } from '../../fixtures/lm-requests.js';
import { PlainDecoder } from '../../fixtures/plain-decoder.js';

const decoder = new PlainDecoder();

async function score(
  prompt: number[],
  continuations: number[][],
  options: { budget: number; branches: boolean },
) {
  const positions = ContinuationScorer.positions(continuations, prompt.length, options);
  const cache = decoder.createCache(1, positions);
  const scorer = new ContinuationScorer(continuations, prompt.length, options);
  const { logits } = await decoder.step({ cache, rows: [{ slot: 0, tokens: prompt }] });
  scorer.takePrompt(logits);
  const sizes: number[] = [];
  while (!scorer.done) {
    const step = scorer.nextStep(cache, 0);
    sizes.push(step.rows[0]!.tokens.length);
    scorer.take(await decoder.step(step));
  }
  return { scores: scorer.scores(), sizes };
}

t.test('scores are those of one forward pass for each token of each choice', async (t) => {
  const random = seededRandom(13);
  for (let round = 0; round < 12; round++) {
    const prompt = randomTokens(random, 1 + Math.floor(random() * 12));
    const continuations = Array.from({ length: 1 + Math.floor(random() * 6) }, () =>
      randomTokens(random, 1 + Math.floor(random() * 9)),
    );
    // Some that are another but for the last token.
    for (const tokens of continuations.slice(0, Math.floor(random() * 3)))
      continuations.push([...tokens.slice(0, -1), ...randomTokens(random, 1)]);
    const options = { budget: [1, 3, 8, 128][round % 4]!, branches: random() < 0.6 };
    const { scores, sizes } = await score(prompt, continuations, options);
    for (const [i, tokens] of continuations.entries()) {
      const naive = decoder.score(prompt, tokens);
      t.strictSame(scores[i]!.tokens, tokens);
      t.equal(scores[i]!.logprobs.length, tokens.length);
      for (const [j, logprob] of scores[i]!.logprobs.entries()) {
        if (!(Math.abs(logprob - naive[j]!) < 1e-5))
          t.fail(`choice ${i} token ${j}: ${logprob}, not ${naive[j]}`);
      }
      const sum = naive.reduce((total, logprob) => total + logprob, 0);
      t.ok(Math.abs(scores[i]!.sum - sum) < 1e-4);
    }
    t.ok(Math.max(0, ...sizes) <= options.budget, `steps of ${sizes} tokens keep to ${options.budget}`);
  }
});

t.test('continuations that differ in their last token only are computed once', async (t) => {
  const pairs = [
    [4, 5, 6, 1],
    [4, 5, 6, 2],
    [7, 8, 1],
    [7, 8, 2],
    [7, 8, 3],
    [7, 8, 2],
  ];
  for (const [budget, sizes] of [
    [128, [5]],
    [3, [3, 2]],
    [2, [2, 1, 2]],
    [1, [1, 1, 1, 1, 1]],
  ] as const) {
    const { scores, sizes: made } = await score([1, 2, 3], pairs, { budget, branches: true });
    t.strictSame(made, sizes);
    for (const [i, tokens] of pairs.entries()) {
      const naive = decoder.score([1, 2, 3], tokens);
      t.ok(scores[i]!.logprobs.every((logprob, j) => Math.abs(logprob - naive[j]!) < 1e-5));
      t.equal(scores[i]!.logprobs.length, tokens.length);
    }
  }
});

t.test('all choices are branches of one step; the budget makes it more; labels need none', async (t) => {
  const prompt = [1, 2, 3];
  const choices = [[4, 5, 6], [7, 8], [9], [10, 11, 12]];
  t.strictSame((await score(prompt, choices, { budget: 128, branches: true })).sizes, [5]);
  t.strictSame((await score(prompt, choices, { budget: 3, branches: true })).sizes, [3, 2]);
  t.strictSame((await score(prompt, choices, { budget: 128, branches: false })).sizes, [2, 1, 2]);
  t.strictSame((await score(prompt, [[4], [5], [6]], { budget: 128, branches: true })).sizes, []);
});

t.test('what a step needs is what was asked for beforehand', async (t) => {
  const options = { budget: 8, branches: true };
  t.equal(ContinuationScorer.positions([[1]], 10, options), 10);
  t.equal(
    ContinuationScorer.positions(
      [
        [1, 2, 3],
        [4, 5],
      ],
      10,
      options,
    ),
    13,
  );
  t.equal(ContinuationScorer.positions([new Array(21).fill(1), [4, 5]], 10, options), 30);
});
