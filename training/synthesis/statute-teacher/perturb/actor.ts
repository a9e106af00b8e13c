/** Another actor: `금융위원회는 …` → `금융감독원장은 …`, from the same document first. */
import {
  type ActorClass,
  classOf,
  exchangeable,
  isName,
  knownAuthorities,
  knownOrgans,
  overlap,
  topicOf,
} from '../extract/actors.js';
import { replaceWord } from '../language/particles.js';
import type { LibraryDocument } from '../library.js';
import { remembered } from '../remembered.js';
import type { Statement } from '../extract/statements.js';
import { type Falsehood, falsehoodOf, type Perturbation } from './falsehood.js';

const subject = /(?:^|\n)(?:[①-⑳]\s?)?([가-힣ㆍ][가-힣ㆍ ]{1,28}?)(?:은|는)\s/gu;
const perClass = 10;
const enough = 5;
const supervising = /(?:위원회|장관|원장|처장|청장|대통령|법원)$/u;

/** Plain names that sentences of the document are about, by their class, the commonest first. */
export const actorsIn = remembered(
  (document: LibraryDocument): ReadonlyMap<ActorClass, readonly string[]> => {
    const times = new Map<string, number>();
    for (const article of document.articles.filter(({ first }) => first.kind !== 'addendum'))
      for (const { content } of article.chunks)
        for (const [, name = ''] of content.matchAll(subject))
          if (isName(name)) times.set(name, (times.get(name) ?? 0) + 1);
    const byClass = new Map<ActorClass, string[]>([
      ['authority', []],
      ['organ', []],
      ['provider', []],
      ['customer', []],
    ]);
    const ranked = [...times].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    for (const [name] of ranked) {
      const kind = classOf(name);
      const names = kind && byClass.get(kind);
      if (names && names.length < perClass) names.push(name);
    }
    // Names that the document does not hold would give a false sentence away.
    for (const [kind, known] of [
      ['authority', knownAuthorities],
      ['organ', knownOrgans],
    ] as const) {
      const names = byClass.get(kind);
      if (names && names.length < enough) names.push(...known);
    }
    return byClass;
  },
);

/**
 * Names that may stand in an actor's place and cannot mean the same.
 * @param classes of the names; by default those that make a plausible sentence.
 */
export function otherActors(
  actor: string,
  document: LibraryDocument,
  classes?: readonly ActorClass[],
): string[] {
  const kind = classOf(actor);
  if (!kind) return [];
  const known = actorsIn(document);
  const others = (classes ?? exchangeable[kind]).flatMap(
    (other) => known.get(other)?.slice(0, perClass) ?? [],
  );
  const distinct: string[] = [];
  for (const other of others)
    if (!overlap(actor, other) && !distinct.some((name) => overlap(name, other))) distinct.push(other);
  return distinct;
}

/** The names that a document names most: those that only a few sentences name would be known for false ones. */
const usual = 5;

export const changeActor: Perturbation = (statement) => actorFalsehoods(statement, exchangeable, usual);

/** For a question that asks who: any other kind of actor will do, so long as none can be an instance of it. */
export const askActor: Perturbation = (statement) =>
  actorFalsehoods(statement, everyKind, Number.POSITIVE_INFINITY);

const everyKind: Readonly<Record<ActorClass, readonly ActorClass[]>> = {
  authority: ['authority'],
  organ: ['organ', 'authority'],
  provider: ['customer', 'authority'],
  customer: ['provider', 'authority'],
};

function actorFalsehoods(
  statement: Statement,
  kinds: Readonly<Record<ActorClass, readonly ActorClass[]>>,
  most: number,
): Falsehood[] {
  const actor = topicOf(statement.text);
  const kind = actor && classOf(actor.text);
  if (!actor || !kind) return [];
  // The central bank or an exchange may itself be among the institutions that are meant.
  const others = otherActors(actor.text, statement.article.document, kinds[kind]).filter(
    (other) => kind !== 'provider' || classOf(other) !== 'authority' || supervising.test(other),
  );
  return others.slice(0, most).map((other) =>
    falsehoodOf(statement, 'actor', {
      text: replaceWord(statement.text, actor.start, actor.end, other),
      from: actor.text,
      to: other,
    }),
  );
}
