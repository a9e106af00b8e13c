/**
 * The sentences of an article that are true by themselves: what is printed, freed of references, and what a list
 * says of each of its members.
 *
 *   경우   `다음 각 호의 어느 하나에 해당하는 경우에는 자격을 취소할 수 있다` + `심사를 공정하게 하지 아니한 경우`
 *   것     `금융회사는 다음 각 호의 사항을 준수하여야 한다` + `백업자료를 1년 이상 보관할 것`
 *
 * A rule with exceptions (`다만, …`) is told as holding `원칙적으로`.
 */
import type { Article } from '../library.js';
import { type Modal, modalOf } from '../language/modal.js';
import { fromFuture, fromStem, must } from '../language/verb-forms.js';
import { remembered } from '../remembered.js';
import { type Actor, topicOf } from './actors.js';
import { listMark, listsOf } from './item-lists.js';
import type { Provision } from './provision.js';
import { type Standing, standAlone } from './self-contained.js';

export interface Statement {
  text: string;
  modal: Modal;
  actor: Actor | undefined;
  article: Article;
  paragraph: number;
  chunkIds: readonly string[];
  /** What the article prints. */
  printed: string;
  /** It has exceptions in its paragraph, or another paragraph goes against it. */
  excepted: boolean;
  /** A reference was dropped from it. */
  referred: boolean;
  /** Sentence it was expanded from, shared by all members of a list; its own text else. */
  origin: string;
}

export const statementLength = { min: 22, max: 190 };

export const statementsOf = remembered((article: Article): readonly Statement[] => {
  // Penalties are asked about as such: see `penalties.ts`.
  if (/벌칙|과태료|양벌/u.test(article.heading)) return [];
  const statements = [
    ...article.provisions().flatMap((provision) => plainStatements(article, provision)),
    ...listStatements(article),
  ];
  const seen = new Set<string>();
  return statements.filter(({ text }) => {
    if (seen.has(text)) return false;
    seen.add(text);
    return true;
  });
});

function plainStatements(article: Article, { paragraph, sentences }: Provision): Statement[] {
  return sentences.flatMap(({ text, chunkId }, i) => {
    if (/^(?:다만|이 경우|그러나|단,)/u.test(text) || listMark.test(text)) return [];
    const hasException = sentences.slice(i + 1).some((later) => /^(?:다만|단)/u.test(later.text));
    const alone = standing(text);
    if (alone === null) return [];
    const told = hasException ? asRule(alone.text) : alone.text;
    const excepted = hasException || isOverruled(article, paragraph);
    const { referred } = alone;
    return [
      statement({
        article,
        paragraph,
        chunkIds: [chunkId],
        text: told,
        printed: text,
        excepted,
        referred,
        origin: text,
      }),
    ];
  });
}

/** A printed sentence as a statement: standing alone, of fitting length, saying something by itself. */
export function standing(text: string): Standing | null {
  const alone = standAlone(text);
  return alone && isTellable(alone.text) ? alone : null;
}

function isTellable(text: string): boolean {
  return (
    text.length >= statementLength.min &&
    text.length <= statementLength.max &&
    /다\.$/u.test(text) &&
    !empty.test(text) &&
    !/^(?:그|이|이를|그러한|해당|위|상기)\s/u.test(text) &&
    /(?:은|는|이|가|든지|에는|에서는|에게|때에는|경우)\s/u.test(text)
  );
}

/** Sentences that only send the reader elsewhere. */
const empty =
  /(?:으로|로|이|가)\s(?:따로\s)?정(?:한|하여\s고시한)다\.$|정하는 바에 따른다\.$|준용한다\.$|또한 같다\.$|다음과 같|와 같다\.$|말한다\.$|목적으로 한다\.$|“대통령령|"대통령령|서식|다음 각|다음(?:의)? 사항|아래|예에 따른다\.$|따른다\.$|본다\.$(?<=제\d+[조항호].{0,80})|경과조치|이 (?:영|규칙|고시|규정)(?:은|에서)/u;

/** Tells a rule that has exceptions: 원칙적으로, after what it is about. */
function asRule(sentence: string): string {
  const actor = topicOf(sentence);
  if (!actor || actor.start > 0) return `원칙적으로 ${sentence}`;
  const at = actor.end + 1;
  return `${sentence.slice(0, at)} 원칙적으로${sentence.slice(at)}`;
}

function isOverruled(article: Article, paragraph: number): boolean {
  return article.provisions().some(({ sentences }) =>
    sentences.some(({ text }) => {
      const clause = /^.{0,60}?불구하고/u.exec(text)?.[0];
      if (clause === undefined)
        return /적용하지 아니한다|적용하지 않는다/u.test(text) && text.includes(`제${paragraph}항`);
      return paragraph === 0 || clause.includes(`제${paragraph}항`) || /부터/u.test(clause);
    }),
  );
}

function listStatements(article: Article): Statement[] {
  return listsOf(article).flatMap((list) => {
    if (list.lead === null || list.exceptionTo !== null || list.delegated !== null) return [];
    const match = listMark.exec(list.lead);
    if (!match || match.index + match[0].length + list.noun.length > list.lead.length) return [];
    const before = list.lead.slice(0, match.index);
    const after = list.lead.slice(match.index + match[0].length + list.noun.length);
    return list.members.flatMap((member) => {
      const text =
        told(before, member.text, list.noun, after) ?? requirement(before, member.text, list.noun, after);
      if (text === null || !isTellable(text)) return [];
      const chunkIds = [...new Set([member.chunkId, list.chunkId])];
      const printed = `${list.printed} - ${member.text}`;
      const excepted = isOverruled(article, list.paragraph);
      const origin = list.printed;
      return [
        statement({
          article,
          paragraph: list.paragraph,
          chunkIds,
          text,
          printed,
          excepted,
          referred: list.referred || member.referred,
          origin,
        }),
      ];
    });
  });
}

/**
 * The member in the place of the list, where it ends in the noun of the list and the sentence holds for each member
 * by itself: not `다음 각 호의 요건을 모두 갖춘`, nor `다음 각 호의 업무로 제한한다`.
 */
function told(before: string, member: string, noun: string, after: string): string | null {
  if (!member.endsWith(noun) || member === noun || /^(?:요건|기준|원칙)$/u.test(noun)) return null;
  if (!/^(?:에|을|를|은|는|이|가)/u.test(after) || /모두|한정|제한|말한다|제외하고/u.test(after)) return null;
  // `위원이 …한 경우`: the member has no room for a subject of its own.
  if (/[이가]\s$/u.test(before) && /[가-힣][이가]\s/u.test(member)) return null;
  return `${before}${member}${after}`;
}

/** `…할 것` in a list of what must be kept: a duty of whom the list is about. */
function requirement(before: string, member: string, noun: string, after: string): string | null {
  if (!/^(?:사항|요건|기준|원칙|조치|대책|보호대책|방법|절차)$/u.test(noun)) return null;
  if (!/^(?:을|를|에)\s(?:모두\s)?(?:준수|지켜|갖추|갖춰|따라|이행|충족|적합)[^\s,]*야 한다\.$/u.test(after))
    return null;
  const topic = /^(?:[^,]{2,40}(?:은|는)|누구든지)\s$/u.exec(before)?.[0];
  if (topic === undefined || topicOf(`${topic}있다.`) === undefined) return null;
  const body = /^(.*)\s것$/u.exec(member)?.[1];
  if (
    body === undefined ||
    /(?:은|는|이|가)\s/u.test(body.slice(0, 20)) ||
    /(?:없을|아닐|있을|일|될|질)$/u.test(body)
  )
    return null;
  const denied = /^(.*)지\s(?:말|아니할|않을)$/u.exec(body)?.[1];
  if (denied !== undefined) {
    const verb = fromStem(denied);
    const duty = verb && must(...verb);
    return duty ? `${topic}${duty.replace(/야 한다\.$/u, '서는 아니 된다.')}` : null;
  }
  const verb = fromFuture(body);
  const duty = verb && must(...verb);
  return duty ? `${topic}${duty}` : null;
}

function statement(told: Omit<Statement, 'modal' | 'actor'>): Statement {
  return { ...told, modal: modalOf(told.text), actor: topicOf(told.text) };
}
