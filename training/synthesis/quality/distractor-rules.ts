/** Could somebody take the false choices for right? */
import { brief, fine, flaw, type QualityRule } from './quality-rule.js';
import { bigrams, shareOf } from './question-facts.js';

const shortChoice = 20;

export const distractorRules: readonly QualityRule[] = [
  {
    name: 'uneven choices',
    weight: 0.4,
    check: ({ choices, key }) => {
      const kinds = choices.map(endingOf);
      const count = (kind: string | undefined) => kinds.filter((other) => other === kind).length;
      const most = Math.max(0, ...kinds.map(count));
      if (most === choices.length) return fine;
      return count(kinds[key]) === 1
        ? flaw(0, `the right choice alone ends as ${kinds[key]}`)
        : flaw(most / choices.length, 'the choices end in different ways');
    },
  },
  {
    name: 'uneven length',
    weight: 0.35,
    check: ({ choices }) => {
      const lengths = choices.map((choice) => choice.length).sort((a, b) => a - b);
      const middle = lengths[Math.floor(lengths.length / 2)] ?? 0;
      if ((lengths.at(-1) ?? 0) < shortChoice) return fine;
      const odd = lengths.filter((length) => length > 3 * middle || length < middle / 4).length;
      return flaw(1 - odd / 2, `${odd} choices are much longer or shorter than the others`);
    },
  },
  {
    name: 'absurd choice',
    weight: 0.4,
    check: ({ choices, surroundings, vocabulary }) => {
      const words = choices.map((choice) => bigrams(choice.replace(/[\d.,]+/gu, ' ')));
      const strange = choices.filter((_, i) => {
        const own = words[i] as Set<string>;
        if (shareOf(own, vocabulary) >= 0.5) return false;
        const places = [surroundings(), ...words.filter((_, j) => j !== i)];
        return places.every((place) => shareOf(own, place) < 0.2);
      });
      const reason = `nothing of the domain is like: ${brief(strange[0] ?? '')}`;
      return strange.length === 0 ? fine : flaw(1 - (2 * strange.length) / choices.length, reason);
    },
  },
];

/** What a choice is by its end, as far as that tells. */
function endingOf(choice: string): string {
  const end = choice.trim().replace(/[.。]$/u, '');
  if (/다$/u.test(end) && end.length > 6) return 'a sentence';
  if (/[함음임됨]$/u.test(end) && end.length > 12) return 'a clause';
  if (/^[^가-힣]*\d/u.test(end)) return 'a number';
  return 'a noun';
}
