/** Is the question what was asked for, and is exactly one choice right? */
import { classify } from '../../../shared/question/classify.js';
import { normalizeText } from '../../../shared/text/normalize.js';
import { brief, fine, flaw, type QualityRule } from './quality-rule.js';
import { compact, isVerbatim, standTogether } from './question-facts.js';

/** A statement shorter than this may stand in the context in another role. */
const statementLength = 14;

export const keyRules: readonly QualityRule[] = [
  {
    name: 'wanted',
    weight: 1,
    check: ({ draft, choices, key, wanted }) => {
      if (wanted.open) return draft.choices ? flaw(0, 'an open question was asked for') : fine;
      if (choices.length !== wanted.choices)
        return flaw(0, `${wanted.choices} choices were asked for, ${choices.length} came`);
      if (key !== wanted.position - 1)
        return flaw(0, `the right choice is number ${draft.answer}, not ${wanted.position}`);
      return draft.negated === wanted.negated
        ? fine
        : flaw(0, `a ${wanted.negated ? 'negated' : 'positive'} stem was asked for`);
    },
  },
  {
    name: 'context',
    weight: 1,
    check: ({ draft, foreignContext }) =>
      foreignContext.length > 0 || draft.contextChunkIds.length === 0
        ? flaw(0, `the context is missing or of another document: ${foreignContext.join(', ')}`)
        : fine,
  },
  {
    // As the service would read it: the same stem, choices and negation.
    name: 'reading',
    weight: 1,
    check: ({ draft, choices }) => {
      const text = [draft.question, ...choices.map((choice, i) => `${i + 1} ${choice}`)].join('\n');
      if (text.trim() === '') return flaw(0, 'it is empty');
      const read = classify(text);
      const same =
        read.choices.length === choices.length &&
        read.choices.every((choice, i) => choice.text === choices[i]?.normalize('NFC').trim());
      if (!same) return flaw(0, `it reads as ${read.choices.length} choices, not ${choices.length}`);
      return read.negated === (choices.length > 0 && draft.negated)
        ? fine
        : flaw(0, `the stem reads as ${read.negated ? 'negated' : 'positive'}`);
    },
  },
  {
    name: 'same choices',
    weight: 1,
    check: ({ choices }) => {
      const seen = new Map<string, string>();
      for (const choice of choices) {
        const form = meaningForm(choice);
        const other = seen.get(form);
        if (other !== undefined)
          return flaw(0, `two choices say the same: ${brief(other)} / ${brief(choice)}`);
        seen.set(form, choice);
      }
      return fine;
    },
  },
  {
    name: 'ambiguous key',
    weight: 0.7,
    // What a stem asks of “a term” may be said of another in the same article.
    check: ({ draft, unsupported, context }) => {
      const quoted = [...draft.question.matchAll(/[“‘]([^”’]{2,})[”’]/gu)].map(([, term = '']) => term);
      const found = unsupported.find(
        (choice) =>
          compact(choice).length >= statementLength &&
          (quoted.length === 0
            ? isVerbatim(withoutEnd(choice), context)
            : standTogether([withoutEnd(choice), ...quoted], context)),
      );
      return found ? flaw(0, `the context says what should be false: ${brief(found)}`) : fine;
    },
  },
];

/** Equal for choices that mean the same: spaces, marks and 등 aside, periods in one unit. */
function meaningForm(choice: string): string {
  const periods = normalizeText(choice)
    .replace(/(\d+) ?년(?! ?\d+ ?월)/gu, (_, years: string) => `${Number(years) * 12}개월`)
    .replace(/(\d+) ?주(?:일|간)?(?![가-힣])/gu, (_, weeks: string) => `${Number(weeks) * 7}일`);
  return compact(periods)
    .replace(/[^\p{L}\p{N}%]/gu, '')
    .replace(/등$/u, '');
}

function withoutEnd(statement: string): string {
  return statement.trim().replace(/[.。]$/u, '');
}
