/** Does the context say what the question takes for true? */
import { brief, fine, flaw, type QualityRule, ramp } from './quality-rule.js';
import { bigrams, isVerbatim, numbersOf, shareOf, support } from './question-facts.js';

/** What is shorter is a term, a name or a number, and must stand there as it is. */
const termLength = 8;

export const groundingRules: readonly QualityRule[] = [
  {
    name: 'ungrounded',
    weight: 0.7,
    check: ({ supported, context }) => {
      if (supported.length === 0) return flaw(0, 'there is no right answer');
      const least = supported
        .map((text) => ({ text, share: support(text, context) }))
        .reduce((a, b) => (b.share < a.share ? b : a));
      if (least.text.length <= termLength && !isVerbatim(least.text, context))
        return flaw(0, `the context does not hold ${least.text}`);
      return flaw(
        ramp(least.share, 0.5, 0.8),
        `the context holds only ${Math.round(least.share * 100)} % of: ${brief(least.text)}`,
      );
    },
  },
  {
    name: 'numbers',
    weight: 0.6,
    check: ({ supported, context }) => {
      const missing = supported.flatMap(numbersOf).find((number) => !context.numbers.has(number));
      return missing === undefined ? fine : flaw(0, `the context does not hold the number ${missing}`);
    },
  },
  {
    name: 'explanation',
    weight: 0.2,
    check: ({ draft, context }) => {
      if (draft.explanation === undefined) return fine;
      const share = shareOf(bigrams(draft.explanation), context.bigrams);
      return flaw(ramp(share, 0.3, 0.6), 'the explanation does not come from the context');
    },
  },
];
