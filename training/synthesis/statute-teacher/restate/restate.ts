/**
 * Choices in other words. An examination restates what a statute says; a choice that is word for word in the text
 * would be right for that alone. So true and false ones are rewritten alike, by the same rewrites with the same
 * chances; none changes what is said, and none leaves out what makes a false one false.
 */
import type { Random } from '../choosing.js';
import type { Choice, Composition } from '../forms/form.js';
import { otherPredicate } from './predicates.js';
import type { Rewrite } from './rewrite.js';
import { asNote } from './sentence-style.js';
import { cleft, definedOtherwise, movedCondition, omissions } from './structure.js';
import { exchangedOrder, wordings } from './wording.js';

/** Of the choices, how many are rewritten at all. */
const restatedShare = 0.65;
/** Of the questions whose choices are sentences, how many tell them as notes. */
const noteShare = 0.2;
/** Of the texts that cite a statute, how many leave out its brackets. */
const bareShare = 0.3;
const isSentence = /다\.$/u;

const wordRewrites: readonly Rewrite[] = [...wordings, exchangedOrder];
export const sentenceRewrites: readonly Rewrite[] = [
  definedOtherwise,
  ...omissions,
  movedCondition,
  ...wordRewrites,
];
const ruleRewrites: readonly Rewrite[] = [...sentenceRewrites, otherPredicate, cleft];

/** @param isRule what the choices say must or may be; of a guide they say what is */
export function restate(question: Composition, isRule: boolean, random: Random): Composition {
  const choices = [question.key, ...question.others];
  const areSentences = choices.every(({ text }) => isSentence.test(text));
  const rewrites = areSentences ? (isRule ? ruleRewrites : sentenceRewrites) : wordRewrites;
  const areLong = choices.every(({ text }) => text.length >= 14);
  let told = areLong ? choices.map((choice) => restateChoice(choice, rewrites, random)) : choices;
  if (areSentences && random() < noteShare) told = asNotes(told) ?? told;
  const [key, ...others] = told as [Choice, ...Choice[]];
  return { ...question, key, others };
}

function restateChoice(choice: Choice, rewrites: readonly Rewrite[], random: Random): Choice {
  return random() < restatedShare ? { ...choice, text: rewritten(choice, rewrites, random) } : choice;
}

/** @param least chance of each rewrite, at least */
export function rewritten(
  { text, keep }: Pick<Choice, 'text' | 'keep'>,
  rewrites: readonly Rewrite[],
  random: Random,
  least = 0,
): string {
  // What is cited has a name, and keeps it.
  const cited: string[] = [];
  let told = text.replace(/「[^」]*」/gu, (name) => `⟪${cited.push(name) - 1}⟫`);
  for (const { apply, chance, omits } of rewrites) {
    if (random() >= Math.max(chance, least)) continue;
    const other = apply(told, random);
    if (other === null || other.trim() === '') continue;
    if (omits && keep !== undefined && told.includes(keep) && !other.includes(keep)) continue;
    told = other.replace(/\s+/gu, ' ').trim();
  }
  const isBare = random() < bareShare;
  return told.replace(/⟪(\d+)⟫(\s?제\d)?/gu, (_all, at: string, article = '') => {
    const name = cited[Number(at)] ?? '';
    return (isBare && article === '' ? name.slice(1, -1) : name) + article;
  });
}

function asNotes(choices: readonly Choice[]): Choice[] | null {
  const notes = choices.flatMap((choice) => {
    const text = asNote(choice.text);
    return text === null ? [] : [{ ...choice, text }];
  });
  return notes.length === choices.length ? notes : null;
}
