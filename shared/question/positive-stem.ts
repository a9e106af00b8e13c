/**
 * A negated stem as it would ask for what is true: `규정되지 않은 것은?` → `규정된 것은?`. Each choice can then be
 * judged as a statement that the stem makes of it, whether the question wants the true or the false one.
 *
 * Of the negatives in a stem the last is turned whose turning makes the stem positive (see `negation.ts`). A stem
 * that is not negated, or whose negative is none of those below, stays as it is.
 */
import { isNegated } from './negation.js';

type Rule = readonly [negative: RegExp, positive: (...groups: string[]) => string];

const opposites: Readonly<Record<string, string>> = {
  없는: '있는',
  적은: '많은',
  먼: '가까운',
  낮은: '높은',
  적절: '적절',
  적합: '적합',
  적당: '적당',
  정확: '정확',
  당: '정당',
};
const opposite = (word: string): string => opposites[word] ?? word;

const rules: readonly Rule[] = [
  // 하지 말아야 할 → 해야 할
  [/하지\s*말아야\s?(할|하는)/gu, (_, end = '') => `해야 ${end}`],
  // 되지 않은 → 된, 있지 않은 → 있는, 옳지 않은 → 옳은, 포함하지 않는 → 포함하는
  [
    /([가-힣])지\s*(?:는\s*|도\s*)?(않은|않는|않을|못한|못하는|못할|아니한|아니하는|아니할)/gu,
    (_, syllable = '', negative = '') => withEnding(syllable, negative),
  ],
  // 대상이 아닌 → 대상인
  [/(?:[이가]\s*)?아닌/gu, () => '인'],
  [/틀린|거짓인|잘못\s?된/gu, () => '옳은'],
  [/잘못\s?(?=[가-힣]{1,6}[한진은는])/gu, () => '바르게 '],
  [/부(적절|적합|적당|정확|당)한/gu, (_, word = '') => `${opposite(word)}한`],
  [/무관한/gu, () => '관련된'],
  [/거리가?\s*(?:가장\s*)?먼/gu, () => '가장 가까운'],
  [
    /((?:[가-힣]성|관[계련]|연관|상관)(?:이|가)?\s*(?:가장\s*)?)(없는|적은|먼|낮은)/gu,
    (_, head = '', word = '') => head + opposite(word),
  ],
  [/((?:수|필요가?|의무가?|사항이?|내용이?)\s*)없는/gu, (_, head = '') => `${head}있는`],
  [/없는(?=\s*것)/gu, () => '있는'],
  [/보기(?:에|에는|는)?\s*(?:어려운|힘든)/gu, () => '볼 수 있는'],
  [/(?:안|아니)\s?되는/gu, () => '되는'],
  [/((?:사실|내용|규정|성격|종류|의미)(?:과|와|이|가)\s?)다른/gu, (_, head = '') => `${head}같은`],
  [/제외(?=되는|하는|된|한|할)/gu, () => '포함'],
  [/어긋나는|어긋난|벗어난|벗어나는/gu, () => '맞는'],
  [/위배(?=되는|된)/gu, () => '부합'],
];

export function positiveStem(stem: string): string {
  if (!isNegated(stem)) return stem;
  const turned = rules.flatMap(([negative, positive]) =>
    [...stem.matchAll(negative)].map((match) => ({
      at: match.index,
      text: stem.slice(0, match.index) + positive(...match) + stem.slice(match.index + match[0].length),
    })),
  );
  turned.sort((a, b) => b.at - a.at);
  return turned.find(({ text }) => !isNegated(text))?.text ?? stem;
}

/** The last syllable of a verb's stem with the ending of what it describes: 되 + 은 → 된, 옳 + 은 → 옳은. */
function withEnding(syllable: string, negative: string): string {
  const isPresent = /는$/u.test(negative) || syllable === '있' || syllable === '맞';
  if (isPresent) return `${syllable}는`;
  const isFuture = /[을할]$/u.test(negative);
  const code = syllable.charCodeAt(0);
  const hasFinal = (code - 0xac00) % 28 !== 0;
  if (hasFinal) return syllable + (isFuture ? '을' : '은');
  // The final consonants ㄴ (4) and ㄹ (8) of a Hangul syllable.
  return String.fromCharCode(code + (isFuture ? 8 : 4));
}
