/** The same in another order, or without what a summary leaves out. */
import { classOf, topicOf } from '../extract/actors.js';
import { adnominal } from '../language/modal.js';
import { withParticle } from '../language/particles.js';
import { replacing, type Rewrite } from './rewrite.js';

/** `A는 C하는 경우에는 B한다` ↔ `C하는 경우에는 A는 B한다`. */
export const movedCondition: Rewrite = {
  chance: 0.4,
  apply: (text) => {
    const actor = topicOf(text);
    if (!actor) return null;
    if (actor.start === 0) {
      const rest = text.slice(actor.end + 2);
      const condition = /^([^,]{6,90}?[는은한된할될인]\s(?:경우|때)에는),?\s/u.exec(rest)?.[1];
      // A second topic within belongs to the condition.
      if (condition === undefined || /(?:경우|때)/u.test(condition.slice(0, -4))) return null;
      return `${condition} ${text.slice(0, actor.end + 1)}${rest.slice(condition.length).replace(/^,/u, '')}`;
    }
    const condition = text.slice(0, actor.start);
    if (!/^[^,]{6,90}\s(?:경우|때)(?:에는)?,?\s$/u.test(condition)) return null;
    const topic = text.slice(actor.start, actor.end + 1);
    return `${topic} ${condition.trim().replace(/,$/u, '')} ${text.slice(actor.end + 2)}`;
  },
};

/** `A는 B하여야 한다` → `B하여야 하는 자는 A이다`. */
export const cleft: Rewrite = {
  chance: 0.12,
  apply: (text) => {
    const actor = topicOf(text);
    if (!actor || actor.start > 0 || text.length > 110 || !classOf(actor.text)) return null;
    const predicate = adnominal(text.slice(actor.end + 2));
    return predicate && `${predicate} 주체는 ${withParticle(actor.text, '이라').replace(/이?라$/u, '')}이다.`;
  },
};

/** `“T”란 M을 말한다` → `T는 M이다`. */
export const definedOtherwise: Rewrite = {
  chance: 0.7,
  apply: (text, random) => {
    const match = /^“(.+?)”(?:이란|란) (.+?)[을를] 말한다\.$/u.exec(text);
    if (!match) return null;
    const [, term = '', meaning = ''] = match;
    const forms = [
      `${withParticle(term, '은')} ${withParticle(meaning, '을')} 의미한다.`,
      `${withParticle(term, '이란')} ${withParticle(meaning, '을')} 뜻한다.`,
      `${withParticle(term, '은')} ${meaning}이다.`,
      `${withParticle(meaning, '을')} ${term}이라 한다.`.replace(`${term}이라`, withParticle(term, '이라')),
    ];
    return forms[Math.floor(random() * forms.length)] ?? null;
  },
};

const omitting = (rewrite: Rewrite): Rewrite => ({ ...rewrite, omits: true });

/** What a summary leaves out. */
export const omissions: readonly Rewrite[] = [
  // How it is delegated, not what is to be done.
  omitting(
    replacing(0.6, /(?<=\s)(?:대통령령|총리령|[가-힣]+부령)(?:으로|이) 정하는 바에 (?:따라|의하여) /gu, ''),
  ),
  omitting(replacing(0.5, /(?<=\s)금융위원회가 정하여 고시하는 바에 따라 /gu, '')),
  // What only widens or names; not what narrows.
  omitting(
    replacing(0.6, /\(([^()]*)\)/gu, (all = '', inside = '') =>
      /제외|한정|한한다|경우|아니|않|만을|외의|부터|까지|\d/u.test(inside) ? all : '',
    ),
  ),
  // Of many members the first.
  omitting(
    replacing(
      0.5,
      /((?:^|\s)[가-힣]{2,9}, [가-힣]{2,9})(?:, [가-힣]{2,9}){1,6} (?:등|및 [가-힣]{2,9} 등)(?=[의을를이가에\s])/gu,
      (_all, kept) => `${kept} 등`,
    ),
  ),
  omitting(replacing(0.5, /(?<=\s)그 밖에 대통령령으로 정하는 [가-힣]+[을를] 포함한 /gu, '')),
  omitting(replacing(0.4, /^(?:이 법에 따라|이 법에서 정하는 바에 따라) /u, '')),
  omitting(replacing(0.4, /(?<=\s)(?:이를|그) (?=[가-힣]+(?:하여야|해야) )/gu, '')),
];
