/**
 * What must, may and may not be done, said otherwise:
 *
 *   하여야 한다          할 의무가 있다, 하지 않으면 안 된다, 하도록 되어 있다, 하지 아니할 수 없다
 *   하여서는 아니 된다    할 수 없다, 하는 것은 금지된다
 *   할 수 있다           하는 것이 허용된다, 하는 것이 가능하다
 *   하지 아니할 수 있다   하지 않아도 된다, 할 의무가 없다, 하여야 하는 것은 아니다
 */
import { pick } from '../choosing.js';
import { fromConnective, fromFuture, fromStem, may, must } from '../language/verb-forms.js';
import type { Rewrite } from './rewrite.js';

type Verb = readonly [head: string, stem: string];
type Say = (head: string, stem: string) => string;

interface Predicate {
  ending: RegExp;
  verb(before: string): Verb | null;
  says: readonly Say[];
}

/** 하 → 할, 받 → 받을. */
function future(head: string, stem: string): string {
  return may(head, stem).replace(/ 수 있다\.$/u, '');
}

/** 하 → 하여야 하는 것은 아니다. */
export function notBound(head: string, stem: string): string | null {
  return must(head, stem)?.replace(/야 한다\.$/u, '야 하는 것은 아니다.') ?? null;
}

const predicates: readonly Predicate[] = [
  {
    ending: /야\s한다\.$/u,
    verb: fromConnective,
    says: [
      (head, stem) => `${future(head, stem)} 의무가 있다.`,
      (head, stem) => `${head}${stem}지 않으면 안 된다.`,
      (head, stem) => `${head}${stem}도록 되어 있다.`,
      (head, stem) => `${head}${stem}지 아니할 수 없다.`,
      (head, stem) => `${future(head, stem)} 의무를 진다.`,
    ],
  },
  {
    ending: /서는\s(?:아니|안)\s?된다\.$/u,
    verb: fromConnective,
    says: [
      (head, stem) => `${future(head, stem)} 수 없다.`,
      (head, stem) => `${head}${stem}지 못한다.`,
      (head, stem) => `${head}${stem}는 것이 금지된다.`,
      (head, stem) => `${head}${stem}지 말아야 한다.`,
    ],
  },
  {
    ending: /지\s못한다\.$/u,
    verb: fromStem,
    says: [(head, stem) => `${future(head, stem)} 수 없다.`],
  },
  {
    ending: /지\s(?:아니할|않을)\s수\s있다\.$/u,
    verb: fromStem,
    says: [
      (head, stem) => `${head}${stem}지 않아도 된다.`,
      (head, stem) => `${future(head, stem)} 의무가 없다.`,
      (head, stem) => `${head}${stem}지 않을 수 있다.`,
      (head, stem) => notBound(head, stem) ?? `${head}${stem}지 않아도 된다.`,
    ],
  },
  {
    ending: /\s수\s있다\.$/u,
    verb: fromFuture,
    says: [
      (head, stem) => `${head}${stem}는 것이 허용된다.`,
      (head, stem) => `${head}${stem}는 것이 가능하다.`,
    ],
  },
];

/** Stems that 는 follows without a change: not 열, 팔; nor the 이 of 주체이다. */
const regular = /(?:[하되받얻두주리추르치적키히내기누지여보]|[높붙줄쓰보들]이)$/u;

/** The form that people write. */
export const plainPredicate: Rewrite = {
  chance: 0.5,
  apply: (text) => otherPredicate.apply(text, () => 0),
};

export const otherPredicate: Rewrite = {
  chance: 0.45,
  apply: (text, random) => {
    for (const { ending, verb, says } of predicates) {
      const match = ending.exec(text);
      if (!match) continue;
      const found = verb(text.slice(0, match.index));
      if (!found || !regular.test(found[1])) return null;
      return pick(says, random)?.(...found) ?? null;
    }
    return null;
  },
};
