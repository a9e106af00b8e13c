/** A member of another list of the document, in words like those of this one. */
import { type ItemList, listsOf, type Member } from '../extract/item-lists.js';
import type { Library } from '../library.js';
import { bigrams, contained } from '../likeness.js';
import type { Falsehood } from './falsehood.js';

const nearestArticles = 60;
/** Above this share of its letters in a sentence of the article, a member might be meant there too. */
const tooAlike = 0.55;
const most = 8;

/** Members of lists of the same noun that the article does not speak of, the most like its own first. */
export function strangersTo(list: ItemList, library: Library): Falsehood[] {
  const said = library.saidBy(list.article);
  const lengths = list.members.map(({ text }) => text.length);
  const [shortest, longest] = [Math.min(...lengths) / 2, Math.max(...lengths) * 1.5];
  const whole = new Set(said.flatMap((sentence) => [...sentence.bigrams]));
  const cited = new Set(
    list.article.chunks.flatMap(({ content }) => content.match(/제\d+조(?:의\d+)?/gu) ?? []),
  );
  const own = list.members.map(({ text }) => bigrams(bare(text)));
  const found = new Map<string, number>();
  for (const article of library.neighboursOf(list.article).slice(0, nearestArticles)) {
    // `제64조제2항의 조치` makes what that article lists a member here too.
    if (cited.has(article.section)) continue;
    for (const other of listsOf(article)) {
      if (other.noun !== list.noun || other.exceptionTo !== null) continue;
      for (const { text } of other.members) {
        if (found.has(text) || text.length < shortest || text.length > longest) continue;
        if (!endsAlike(text, list.members)) continue;
        const letters = bigrams(bare(text));
        if (own.some((member) => contained(member, letters) >= tooAlike)) continue;
        const alike = contained(letters, whole);
        if (alike > 0.8 || said.some((sentence) => contained(letters, sentence.bigrams) >= tooAlike))
          continue;
        found.set(text, alike);
      }
    }
  }
  return [...found]
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, most)
    .map(([text]) => ({
      text,
      perturbation: 'member',
      from: list.noun,
      to: text,
      original: list.members[0]?.text ?? '',
      article: list.article,
      chunkIds: [list.chunkId],
      printed: list.printed,
    }));
}

/** Without what is added in brackets. */
function bare(text: string): string {
  return text.replace(/\([^()]*\)/gu, '');
}

/** `…할 것`, `… 경우`, `… 자`: a member that ends otherwise than all of a list would give itself away. */
function endsAlike(text: string, members: readonly Member[]): boolean {
  const endings = new Set(members.map((member) => ending(member.text)));
  return endings.has(ending(text));
}

function ending(text: string): string {
  return /(?:것|경우|자|사람|때|사항|행위|서류|업무|방법|여부|현황|계획|내용|기관)$/u.exec(text)?.[0] ?? '';
}
