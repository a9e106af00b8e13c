/** The plain denial of a sentence of a guide, and what is denied said plainly. */
import { finalConsonant, finalOf, withFinal } from './hangul.js';
import { does, fromConnective, fromStem } from './verb-forms.js';

interface Denial {
  ending: RegExp;
  /** Null where the verb is not known. */
  deny(before: string): string | null;
}

/** Syllables before 다 that may have lost the ㄹ of their stem: 만들다 → 만든다, 열다 → 연다. */
const lostL = /[든연건판단푼산안돈논민문끈운는]$/u;

const denials: readonly Denial[] = [
  { ending: /\s수\s?있다\.$/u, deny: (before) => `${before} 수 없다.` },
  { ending: /\s수\s?없다\.$/u, deny: (before) => `${before} 수 있다.` },
  {
    ending: /야\s한다\.$/u,
    deny: (before) => {
      const verb = fromConnective(before);
      return verb && `${verb[0]}${verb[1]}지 않아도 된다.`;
    },
  },
  {
    ending: /지\s(?:않는다|아니한다|못한다)\.$/u,
    deny: (before) => {
      const verb = fromStem(before);
      return verb && does(...verb);
    },
  },
  { ending: /하지\s않다\.$/u, deny: (before) => `${before}하다.` },
  { ending: /(?<=[가-힣])하다\.$/u, deny: (before) => `${before}하지 않다.` },
  { ending: /(?<=(?:고|어|여|아|해|돼)\s)있다\.$/u, deny: (before) => `${before}있지 않다.` },
  { ending: /(?<=[이가]\s)있다\.$/u, deny: (before) => `${before}없다.` },
  { ending: /(?<=[이가]\s)없다\.$/u, deny: (before) => `${before}있다.` },
  { ending: /(?<=[받막얻찾갖묶읽닫맞씻잡놓넣쌓])는다\.$/u, deny: (before) => `${before}지 않는다.` },
  {
    ending: /다\.$/u,
    deny: (before) => {
      const last = before.at(-1) ?? '';
      if (finalOf(last) !== finalConsonant.n || lostL.test(before)) return null;
      return `${before.slice(0, -1)}${withFinal(last, finalConsonant.none)}지 않는다.`;
    },
  },
];

/** 한다 → 하지 않는다, 수 있다 → 수 없다, 필요하지 않다 → 필요하다. Null where the verb has no sure form. */
export function denied(sentence: string): string | null {
  for (const { ending, deny } of denials) {
    const match = ending.exec(sentence);
    if (match) return deny(sentence.slice(0, match.index));
  }
  return null;
}
