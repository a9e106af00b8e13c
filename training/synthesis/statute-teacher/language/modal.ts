/**
 * What a sentence of a statute says must, may, may not be done, by how it ends; and the same sentence with that
 * turned into what it cannot mean at the same time.
 */
import { finalConsonant, finalOf, withFinal } from './hangul.js';
import { does, fromConnective, fromFuture, fromStem, may, must } from './verb-forms.js';

export type Modal = 'duty' | 'prohibition' | 'permission' | 'denial' | 'plain';

const prohibited = /(?:서는\s(?:아니|안)\s?된다|지\s(?:못한다|아니하여야\s한다|않아야\s한다)|수\s없다)\.$/u;
const due = /야\s한다\.$/u;
const permitted = /\s수\s있다\.$/u;
const denied = /지\s(?:아니한다|않는다)\.$/u;

export function modalOf(sentence: string): Modal {
  if (prohibited.test(sentence)) return 'prohibition';
  if (due.test(sentence)) return 'duty';
  if (permitted.test(sentence)) return 'permission';
  if (denied.test(sentence)) return 'denial';
  return 'plain';
}

interface Turn {
  ending: RegExp;
  /** The sentence turned; null where the verb is not known. */
  turn(before: string): string | null;
}

const turns: readonly Turn[] = [
  // 하여서는 아니 된다 → 할 수 있다
  { ending: /서는\s(?:아니|안)\s?된다\.$/u, turn: (before) => apply(fromConnective(before), may) },
  // 하지 못한다, 하지 아니하여야 한다 → 할 수 있다
  {
    ending: /지\s(?:못한다|아니하여야\s한다|않아야\s한다)\.$/u,
    turn: (before) => apply(fromStem(before), may),
  },
  { ending: /\s수\s없다\.$/u, turn: (before) => `${before} 수 있다.` },
  // 하지 아니할 수 있다 → 하여야 한다
  { ending: /지\s(?:아니할|않을)\s수\s있다\.$/u, turn: (before) => apply(fromStem(before), must) },
  { ending: /\s수\s있다\.$/u, turn: (before) => `${before} 수 없다.` },
  // 하여야 한다 → 하지 아니할 수 있다
  {
    ending: /야\s한다\.$/u,
    turn: (before) => apply(fromConnective(before), (head, stem) => `${head}${stem}지 아니할 수 있다.`),
  },
  { ending: /지\s(?:아니한다|않는다)\.$/u, turn: (before) => apply(fromStem(before), does) },
  { ending: /(?<=것으로\s)본다\.$/u, turn: (before) => `${before}보지 아니한다.` },
  { ending: /(?<=책임을\s)진다\.$/u, turn: (before) => `${before}지지 아니한다.` },
  {
    ending: /(?<=[가-힣])한다\.$/u,
    turn: (before) => (verbal.test(before) ? `${before}하지 아니한다.` : null),
  },
];
/** Verbs in 한다 whose denial says the opposite, and not merely something odd. */
const verbal = /(?:적용|발생|상실|소멸|승계|포함|산입|면제|부담|준용|중지|중단|정지)$/u;

function apply(
  verb: readonly [string, string] | null,
  form: (head: string, stem: string) => string | null,
): string | null {
  return verb && form(...verb);
}

/** The sentence that denies this one: what must be done need not, what may not may. Null where none is known. */
export function turned(sentence: string): string | null {
  for (const { ending, turn } of turns) {
    const match = ending.exec(sentence);
    if (match) return turn(sentence.slice(0, match.index));
  }
  return null;
}

/** 할 수 있다 → 하여야 한다: freedom made a duty. */
export function obliged(sentence: string): string | null {
  const match = /\s수\s있다\.$/u.exec(sentence);
  if (!match || /지\s(?:아니할|않을)\s수\s있다\.$/u.test(sentence)) return null;
  return apply(fromFuture(sentence.slice(0, match.index)), must);
}

/** The predicate before a noun: 하여야 한다 → 하여야 하는, 할 수 있다 → 할 수 있는. Null where it has no such form. */
export function adnominal(sentence: string): string | null {
  const body = sentence.replace(/\.$/u, '');
  if (/(?:있|없)다$/u.test(body)) return `${body.slice(0, -1)}는`;
  if (/같다$/u.test(body)) return null;
  if (/[가-힣]이다$/u.test(body)) return `${body.slice(0, -2)}인`;
  if (/는다$/u.test(body)) return body.slice(0, -1);
  const syllable = body.at(-2) ?? '';
  if (!body.endsWith('다') || finalOf(syllable) !== finalConsonant.n) return null;
  return `${body.slice(0, -2)}${withFinal(syllable, finalConsonant.none)}는`;
}
