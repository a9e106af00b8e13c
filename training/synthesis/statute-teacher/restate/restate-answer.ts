/**
 * An answer in words says what the text says, but is no copy of it: rewritten more often than a choice, in forms that
 * people write, and told as what a statute says where nothing else can be changed.
 */
import { compactText, longestRun } from '../../../../shared/text/longest-run.js';
import type { Random } from '../choosing.js';
import { withParticle } from '../language/particles.js';
import type { Article } from '../library.js';
import { plainPredicate } from './predicates.js';
import { rewritten, sentenceRewrites } from './restate.js';

/** Chance of each rewrite, at least. */
const answerChance = 0.7;
/** Share of an answer that stands in the text in one run, above which it is a copy. */
const longestCopy = 0.8;

export interface Answer {
  answer: string;
  explanation: string;
}

export function restateAnswer({ answer, explanation }: Answer, article: Article, random: Random): string {
  const isRule = article.first.kind !== 'prose';
  const rewrites = isRule ? [...sentenceRewrites, plainPredicate] : sentenceRewrites;
  const told = answer
    .split(/(?<=다\.)\s/u)
    .map((sentence) => rewritten({ text: sentence }, rewrites, random, answerChance))
    .join(' ');
  if (longestRun(compactText(told), compactText(explanation)) <= longestCopy) return told;
  if (article.first.kind === 'article')
    return told.startsWith('「') ? told : `「${article.document.id}」에 따르면 ${told}`;
  return termLast(told) ?? told;
}

/** `방화벽은 통과를 막는 장치이다.` → `통과를 막는 장치를 방화벽이라고 한다.` */
function termLast(sentence: string): string | null {
  const match =
    /^([^,은는]{2,30}?)(?:은|는|이란|란) (.{12,})(?:이다|[을를] (?:말한다|의미한다|뜻한다))\.$/u.exec(
      sentence,
    );
  if (!match || /다\. /u.test(sentence)) return null;
  const [, term = '', meaning = ''] = match;
  return `${withParticle(meaning, '을')} ${withParticle(term, '이라')}고 한다.`;
}
