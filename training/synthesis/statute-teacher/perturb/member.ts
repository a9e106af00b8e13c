/** A member of another list of the document, in words like those of this one. */
import { type ItemList, listsOf } from '../extract/item-lists.js';
import type { Library } from '../library.js';
import { bigrams, contained } from '../likeness.js';
import type { Falsehood } from './falsehood.js';

const nearestArticles = 60;
/** Above this share of its letters in a sentence of the article, a member might be meant there too. */
export const tooAlike = 0.6;

/** Members of lists of the same noun, nearest articles first; none that the article speaks of. */
export function strangersTo(list: ItemList, library: Library): Falsehood[] {
  const said = library.saidBy(list.article);
  const own = list.members.map(({ text }) => text.length);
  const [shortest, longest] = [Math.min(...own) / 2, Math.max(...own) * 1.5];
  const whole = new Set(said.flatMap((sentence) => [...sentence.bigrams]));
  const found: Falsehood[] = [];
  const seen = new Set<string>();
  for (const article of library.neighboursOf(list.article).slice(0, nearestArticles)) {
    for (const other of listsOf(article)) {
      if (other.noun !== list.noun || other.exceptionTo !== null) continue;
      for (const { text } of other.members) {
        if (seen.has(text) || text.length < shortest || text.length > longest) continue;
        seen.add(text);
        if (ending(text) !== '' && !list.members.some((member) => ending(member.text) === ending(text)))
          continue;
        const letters = bigrams(text);
        if (contained(letters, whole) > 0.8) continue;
        if (said.some((sentence) => contained(letters, sentence.bigrams) >= tooAlike)) continue;
        found.push({
          text,
          perturbation: 'member',
          from: list.noun,
          to: text,
          original: list.members[0]?.text ?? '',
          article: list.article,
          chunkIds: [list.chunkId],
          printed: list.printed,
        });
      }
    }
    if (found.length >= 12) break;
  }
  return found;
}

/** How a member ends, where lists differ in it: `…할 것`, `… 경우`, `… 자`. */
function ending(text: string): string {
  return /(?:것|경우|자|때|사항|행위|서류|업무|방법)$/u.exec(text)?.[0] ?? '';
}
