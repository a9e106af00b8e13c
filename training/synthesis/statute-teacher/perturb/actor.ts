/** Another actor: `금융위원회는 …` → `금융감독원장은 …`, of the same class, from the same document first. */
import { type Actor, classOf, isName, knownAuthorities, overlap, topicOf, wide } from '../extract/actors.js';
import { replaceWord } from '../language/particles.js';
import type { LibraryDocument } from '../library.js';
import { remembered } from '../remembered.js';
import { falsehoodOf, type Perturbation } from './falsehood.js';

const subject = /(?:^|\n)(?:[①-⑳]\s?)?([가-힣ㆍ][가-힣ㆍ ]{1,28}?)(?:은|는)\s/gu;

/** Plain names that sentences of the document are about, the commonest first. */
export const actorsIn = remembered((document: LibraryDocument): readonly string[] => {
  const times = new Map<string, number>();
  for (const article of document.articles)
    for (const { content } of article.chunks)
      for (const [, name = ''] of content.matchAll(subject))
        if (isName(name) && !wide.test(name)) times.set(name, (times.get(name) ?? 0) + 1);
  return [...times].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([name]) => name);
});

/** Names that may stand in an actor's place and cannot mean the same. */
export function otherActors(actor: string, document: LibraryDocument): string[] {
  if (wide.test(actor) || actor === '누구든지') return [];
  const kind = classOf(actor);
  const own = actorsIn(document).slice(0, 14);
  const pool = kind === 'authority' ? [...own, ...knownAuthorities] : own;
  return [...new Set(pool)].filter((other) => classOf(other) === kind && !overlap(actor, other));
}

export const changeActor: Perturbation = (statement) => {
  const actor: Actor | undefined = topicOf(statement.text);
  if (!actor) return [];
  return otherActors(actor.text, statement.article.document).map((other) =>
    falsehoodOf(statement, 'actor', {
      text: replaceWord(statement.text, actor.start, actor.end, other),
      from: actor.text,
      to: other,
    }),
  );
};
