/** Lists: which is (not) among what an article lists. Members of other lists of its kind are the false ones. */
import { pick, shuffled } from '../choosing.js';
import { type ItemList, listsOf, type Member } from '../extract/item-lists.js';
import { modalOf } from '../language/modal.js';
import { withParticle } from '../language/particles.js';
import { likeness } from '../likeness.js';
import type { Falsehood } from '../perturb/falsehood.js';
import { strangersTo } from '../perturb/member.js';
import { isProvablyFalse } from '../verify-false.js';
import type { Ask, Composition, Form, OpenComposition } from './form.js';
import { askMember, lawName, placeOf } from './stems.js';

const tooAlike = 0.4;

/** What is asked for, in words; null where a list cannot be named. */
function subjectOf(list: ItemList): string | null {
  const { article, paragraph } = list;
  if (list.exceptionTo !== null)
    return `${lawName(article)} ${article.section}에서 “${list.exceptionTo}”의 예외로 정한 ${list.noun}`;
  if (list.delegated !== null)
    return `${placeOf(article)}${paragraph > 0 ? ` 제${paragraph}항` : ''}에서 규정한 “${list.delegated}”`;
  if (list.phrase !== null) return `${lawName(article)} ${article.section}에 따라 ${list.phrase}`;
  if (list.lead !== null) return `${placeOf(article)}의 “${list.lead}”에서 각 호에 열거된 ${list.noun}`;
  return null;
}

type ListKind = 'list' | 'exception-list' | 'prohibited-act';

function kindOf({ exceptionTo, printed, noun }: ItemList): ListKind {
  if (exceptionTo !== null) return 'exception-list';
  return modalOf(printed) === 'prohibition' && noun === '행위' ? 'prohibited-act' : 'list';
}

function ownLists({ article, chunk }: Ask, kind: ListKind): ItemList[] {
  return listsOf(article).filter(
    (list) =>
      kindOf(list) === kind &&
      list.members.some(({ chunkId }) => chunkId === chunk.chunkId) &&
      list.members.length >= 2,
  );
}

function composeList(ask: Ask, kind: ListKind): Composition | null {
  for (const list of shuffled(ownLists(ask, kind), ask.random)) {
    const subject = subjectOf(list);
    if (subject === null) continue;
    const strangers = apart(
      shuffled(
        strangersTo(list, ask.library).filter((stranger) => isProvablyFalse(stranger, ask.library)),
        ask.random,
      ),
    );
    const composed = ask.negated
      ? oneStranger(ask, list, subject, strangers)
      : oneMember(ask, list, subject, strangers);
    if (composed) return composed;
  }
  return null;
}

/** What is forbidden by another article is no less forbidden: the question is what this one names. */
function askOf(list: ItemList, subject: string, negated: boolean, { random }: Ask): string {
  if (kindOf(list) !== 'prohibited-act') return askMember(subject, negated, random);
  return `${withParticle(subject, '으로')} ${negated ? '규정되지 않은' : '규정된'} 것은?`;
}

/** Of two that are almost the same, the first. */
function apart(strangers: readonly Falsehood[]): Falsehood[] {
  return strangers.filter(
    ({ text }, i) => !strangers.slice(0, i).some((earlier) => likeness(earlier.text, text) > tooAlike),
  );
}

function oneStranger(
  ask: Ask,
  list: ItemList,
  subject: string,
  strangers: readonly Falsehood[],
): Composition | null {
  const members = shuffled(list.members, ask.random).slice(0, ask.others);
  const stranger = pick(strangers, ask.random);
  if (!stranger || members.length < ask.others) return null;
  return {
    stem: askOf(list, subject, true, ask),
    key: { text: stranger.text, source: listed(list, list.members) },
    others: members.map((member) => ({ text: member.text, source: listed(list, [member]) })),
    explanation: listed(list, list.members),
    chunkIds: chunksOf(list, members),
    difficulty: 3,
    falsehoods: [stranger],
  };
}

function oneMember(
  ask: Ask,
  list: ItemList,
  subject: string,
  strangers: readonly Falsehood[],
): Composition | null {
  const member = shuffled(list.members, ask.random).find(({ chunkId }) => chunkId === ask.chunk.chunkId);
  const chosen = strangers.slice(0, ask.others);
  if (!member || chosen.length < ask.others) return null;
  return {
    stem: askOf(list, subject, false, ask),
    key: { text: member.text, source: listed(list, [member]) },
    others: chosen.map(({ text }) => ({ text, source: listed(list, list.members) })),
    explanation: listed(list, [member]),
    chunkIds: chunksOf(list, [member]),
    difficulty: 3,
    falsehoods: chosen,
  };
}

function listed({ printed }: ItemList, members: readonly Member[]): string {
  return `${printed} ${members.map(({ text }) => text).join('; ')}`;
}

function chunksOf(list: ItemList, members: readonly Member[]): string[] {
  return [...new Set([list.chunkId, ...members.map(({ chunkId }) => chunkId)])];
}

function openList(ask: Ask, kind: ListKind): OpenComposition | null {
  const list = shuffled(ownLists(ask, kind), ask.random).find(
    ({ phrase, members }) =>
      phrase !== null && members.length >= 3 && members.every(({ text }) => text.length <= 60),
  );
  if (!list?.phrase) return null;
  const members = list.members.slice(0, 5);
  return {
    stem: `${lawName(list.article)} ${list.article.section}에 따라 ${withParticle(list.phrase, '을')} 세 가지 이상 서술하시오.`,
    answer: `${list.phrase}에는 ${members.map(({ text }) => text).join(', ')} 등이 있다.`,
    explanation: list.printed,
    chunkIds: chunksOf(list, members),
    difficulty: 3,
  };
}

export const listForm: Form = {
  name: 'list',
  kinds: ['article'],
  weight: 7,
  compose: (ask) => composeList(ask, 'list'),
  open: (ask) => openList(ask, 'list'),
};

export const prohibitedActForm: Form = {
  name: 'prohibited-act',
  kinds: ['article'],
  weight: 8,
  compose: (ask) => composeList(ask, 'prohibited-act'),
  open: (ask) => openList(ask, 'prohibited-act'),
};

export const exceptionListForm: Form = {
  name: 'exception-list',
  kinds: ['article'],
  weight: 5,
  compose: (ask) => composeList(ask, 'exception-list'),
};
