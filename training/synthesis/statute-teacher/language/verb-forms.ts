/**
 * The few forms of a Korean verb that statutes use, from the end of a sentence:
 *
 *   (하)여야   what must be done       (하)지    what is denied
 *   (할) 수    what may be done        (한)다    what is
 *
 * A verb is known by the syllables before its ending. 하다 and 되다 make up nine in ten; of the others those are
 * listed that occur in statutes, for the form in 아/어 cannot be told from the stem by a rule. An unknown verb gives
 * null, and nothing is made of it.
 */
import { finalConsonant, finalOf, withFinal } from './hangul.js';

/** Stem → form in 아/어; the longest stem that fits is taken. */
const connective: Readonly<Record<string, readonly string[]>> = {
  하: ['하여', '해'],
  되: ['되어', '돼'],
  받: ['받아'],
  얻: ['얻어'],
  두: ['두어', '둬'],
  주: ['주어', '줘'],
  알리: ['알려'],
  갖추: ['갖추어', '갖춰'],
  따르: ['따라'],
  거치: ['거쳐'],
  적: ['적어'],
  지키: ['지켜'],
  밝히: ['밝혀'],
  붙이: ['붙여'],
  보이: ['보여'],
  내: ['내'],
  맡기: ['맡겨'],
  옮기: ['옮겨'],
  남기: ['남겨'],
  나누: ['나누어'],
  이루어지: ['이루어져'],
  정하: ['정하여', '정해'],
  마치: ['마쳐'],
  그치: ['그쳐'],
  미치: ['미쳐'],
  넣: ['넣어'],
  있: ['있어'],
  열: ['열어'],
  보내: ['보내'],
  지: ['져'],
  쓰: ['써'],
  늘리: ['늘려'],
  높이: ['높여'],
  맞추: ['맞추어', '맞춰'],
  멈추: ['멈추어', '멈춰'],
  바꾸: ['바꾸어', '바꿔'],
  세우: ['세워'],
  찾: ['찾아'],
};
const stems = Object.keys(connective).sort((a, b) => b.length - a.length);

/** Of the text before 야 한다 or 서는: the text up to the verb, and the verb's stem. 제출하여 → [제출, 하]. */
export function fromConnective(text: string): readonly [head: string, stem: string] | null {
  for (const stem of stems)
    for (const form of connective[stem] ?? [])
      if (text.endsWith(form)) return [text.slice(0, -form.length), stem];
  return null;
}

/** Of the text before 지: whatever the verb, it is the last word. */
export function fromStem(text: string): readonly [head: string, stem: string] | null {
  const word = /[가-힣ㆍ]+$/u.exec(text)?.[0];
  if (!word) return null;
  const stem = stems.find((known) => word.endsWith(known)) ?? word;
  return [text.slice(0, -stem.length), stem];
}

/** Of the text before ` 수 있다`: 제출할 → [제출, 하]; 받을 → [, 받]. */
export function fromFuture(text: string): readonly [head: string, stem: string] | null {
  const last = text.at(-1) ?? '';
  if (last === '을') return fromStem(text.slice(0, -1));
  if (finalOf(last) !== finalConsonant.l) return null;
  return fromStem(text.slice(0, -1) + withFinal(last, finalConsonant.none));
}

export function must(head: string, stem: string): string | null {
  const form = connective[stem]?.[0];
  return form === undefined ? null : `${head}${form}야 한다.`;
}

/** 하 → 할 수 있다, 받 → 받을 수 있다. */
export function may(head: string, stem: string): string {
  const last = stem.at(-1) ?? '';
  const future =
    finalOf(last) === finalConsonant.none
      ? stem.slice(0, -1) + withFinal(last, finalConsonant.l)
      : finalOf(last) === finalConsonant.l
        ? stem
        : `${stem}을`;
  return `${head}${future} 수 있다.`;
}

/** 하 → 한다, 받 → 받는다. */
export function does(head: string, stem: string): string {
  const last = stem.at(-1) ?? '';
  return finalOf(last) === finalConsonant.none
    ? `${head}${stem.slice(0, -1)}${withFinal(last, finalConsonant.n)}다.`
    : `${head}${stem}는다.`;
}
