import t from 'tap';
import { packSentences, prose, type Sentence, shortForm } from '../../../training/split/pack-sentences.js';

/** Seeded generator of 0..n−1. */
function generator(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

function randomSentences(next: (n: number) => number, count: number, longest: number): Sentence[] {
  return Array.from({ length: count }, (_, i) => ({
    text: `s${i}`,
    separator: ' ',
    tokens: 1 + next(longest),
    endsParagraph: next(4) === 0,
    isHeading: next(15) === 0,
  }));
}

const tokensOf = (sentences: Sentence[]): number => sentences.reduce((sum, { tokens }) => sum + tokens, 0);

for (const [name, options] of [
  ['prose', prose],
  ['short forms', shortForm],
] as const) {
  t.test(`${name}: nothing is lost, nothing is over the limit, overlap is bounded (seeded)`, async (t) => {
    const next = generator(7);
    for (let round = 0; round < 500; round += 1) {
      const sentences = randomSentences(next, 1 + next(120), options.max / 4);
      const spans = packSentences(sentences, options);
      let covered = 0;
      for (const [i, span] of spans.entries()) {
        const before = spans[i - 1];
        if (span.fresh !== covered) return t.fail('a sentence was lost or repeated as new');
        if (span.start > span.fresh || span.end <= span.fresh) return t.fail('an empty span');
        if (tokensOf(sentences.slice(span.start, span.end)) > options.max) return t.fail('over the limit');
        if (before !== undefined) {
          const share =
            tokensOf(sentences.slice(span.start, span.fresh)) /
            tokensOf(sentences.slice(before.start, before.end));
          if (share > options.overlap.max) return t.fail(`overlap ${share}`);
          if (span.start < before.fresh) return t.fail('overlap reaches behind the span before');
        }
        if (i < spans.length - 1 && sentences[span.end - 1]?.isHeading)
          return t.fail('a heading was left behind');
        covered = span.end;
      }
      if (covered !== sentences.length) return t.fail('the end was lost');
    }
    t.pass('500 texts');
  });
}

t.test('long text of ordinary sentences: spans of 300 to 600 tokens with 10 to 20 % overlap', async (t) => {
  const next = generator(11);
  const sentences = randomSentences(next, 2000, 50).map((sentence) => ({ ...sentence, isHeading: false }));
  const spans = packSentences(sentences, prose);
  for (const [i, span] of spans.slice(0, -1).entries()) {
    const tokens = tokensOf(sentences.slice(span.start, span.end));
    const following = spans[i + 1];
    const overlap = tokensOf(sentences.slice(following?.start, following?.fresh));
    if (tokens < 300 || tokens > 600) return t.fail(`${tokens} tokens`);
    if (overlap / tokens < 0.1 || overlap / tokens > 0.2) return t.fail(`overlap ${overlap / tokens}`);
  }
  t.ok(spans.length > 50);
});

t.test('a paragraph end is preferred to a sentence end', async (t) => {
  const sentences = Array.from({ length: 30 }, (_, i) => ({
    text: `${i}`,
    separator: ' ',
    tokens: 40,
    endsParagraph: i === 12,
  }));
  t.equal(packSentences(sentences, prose)[0]?.end, 13);
});

t.test('no text gives no span; one sentence that is too long gets a span of its own', async (t) => {
  t.same(packSentences([], prose), []);
  const long: Sentence = { text: 'x', separator: ' ', tokens: 900, endsParagraph: true };
  t.same(packSentences([long], prose), [{ start: 0, fresh: 0, end: 1 }]);
});
