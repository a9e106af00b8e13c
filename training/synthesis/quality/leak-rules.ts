/** Can the answer be told without knowing? From the stem, or from how long the choices are. */
import { normalizeText } from '../../../shared/text/normalize.js';
import { brief, fine, flaw, type QualityRule, ramp } from './quality-rule.js';
import { bigrams, compact, shareOf } from './question-facts.js';

/** Below this, lengths say little. */
const statementLength = 20;

export const leakRules: readonly QualityRule[] = [
  {
    name: 'leak',
    weight: 0.7,
    check: ({ draft, choices, key }) => {
      const stem = compact(normalizeText(draft.question));
      const words = bigrams(draft.question);
      const stands = (text: string) =>
        compact(text).length >= 2 && stem.includes(compact(normalizeText(text)));
      if (draft.choices === undefined) {
        const share = shareOf(bigrams(draft.answer), words);
        return flaw(ramp(share, 0.9, 0.7), `the stem holds ${Math.round(share * 100)} % of the answer`);
      }
      const right = choices[key];
      if (right === undefined) return flaw(0, 'there is no right choice');
      const others = choices.filter((_, i) => i !== key);
      if (stands(right) && !others.every(stands))
        return flaw(0, `the stem holds the answer: ${brief(right)}`);
      const most = Math.max(...others.map((other) => shareOf(bigrams(other), words)));
      const lead = shareOf(bigrams(right), words) - most;
      return flaw(ramp(lead, 0.5, 0.25), 'the right choice is much more like the stem than the others');
    },
  },
  {
    name: 'length cue',
    weight: 0.35,
    check: ({ choices, key }) => {
      const length = choices[key]?.length ?? 0;
      const others = choices.filter((_, i) => i !== key).map((choice) => choice.length);
      const longest = Math.max(...others);
      if (others.length === 0 || Math.max(length, longest) < statementLength) return fine;
      if (length > longest)
        return flaw(ramp(length / longest, 2, 1.3), 'the right choice is by far the longest');
      return flaw(ramp(Math.min(...others) / length, 2.5, 1.6), 'the right choice is by far the shortest');
    },
  },
];
