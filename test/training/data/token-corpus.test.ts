import t from 'tap';
import { seededRandom } from '../../../shared/random.js';
import { telling, tokenCorpus } from '../../fixtures/token-corpus.js';

t.test('runs of tokens to learn are those of the slow obvious way, in any window', async (t) => {
  const random = seededRandom(13);
  const examples = Array.from({ length: 40 }, (_, i) => {
    const runs = Array.from({ length: 2 * (i % 4) }, (_, j) => Math.floor(random() * 6) + (j % 2));
    const length = runs.reduce((sum, run) => sum + run, 0) || 1 + Math.floor(random() * 20);
    return { documentId: `d${i}`, sequences: [{ tokens: telling(i, length), runs }] };
  });
  const corpus = tokenCorpus('dialogue', examples);
  for (const [i, example] of examples.entries()) {
    const { tokens, runs } = example.sequences[0]!;
    // A flag for each token.
    const flags =
      runs.length > 0
        ? runs.flatMap((run, j) => new Array<boolean>(run).fill(j % 2 === 1))
        : tokens.map(() => true);
    t.equal(corpus.sequenceLength(i), tokens.length);
    t.strictSame([...corpus.sequence(i)], tokens);
    t.equal(corpus.promptLength(i), runs.length > 0 ? tokens.length - runs.at(-1)! : 0);
    for (let from = 0; from <= tokens.length; from += 3) {
      for (let to = from; to <= tokens.length; to += 2) {
        const found = tokens.map(() => false);
        corpus.trainedRuns(i, from, to, (start, end) => {
          if (start >= end) t.fail('an empty run');
          found.fill(true, start, end);
        });
        const expected = flags.map((flag, at) => flag && at >= from && at < to);
        if (String(found) !== String(expected)) t.fail(`${runs}, ${from} to ${to}: ${found}`);
        if (corpus.trainedCount(i, from, to) !== expected.filter(Boolean).length) t.fail('count');
      }
    }
  }
});

t.test(
  'statistics count sources, examples, sequences and tokens; the first token is never predicted',
  async (t) => {
    const corpus = tokenCorpus('pair', [
      {
        documentId: 'a',
        sequences: [
          { tokens: [1, 2, 3], runs: [1, 2] },
          { tokens: [1, 4], runs: [1, 1] },
        ],
      },
      {
        documentId: 'a',
        sequences: [
          { tokens: [5, 6], runs: [0, 2] },
          { tokens: [5, 7, 8], runs: [2, 1] },
        ],
      },
    ]);
    const all = { documents: 1, examples: 2, sequences: 4, tokens: 10, trainedTokens: 5, withTeacherPrompt: 0 };
    t.strictSame(corpus.statistics(), all);
    const second = corpus.subset(Uint32Array.of(1));
    t.strictSame(second.statistics(), { ...all, examples: 1, sequences: 2, tokens: 5, trainedTokens: 2 });
  },
);
