/**
 * Does a stem ask for the choice that is false, missing or fits least?
 *
 * A stem may hold both polarities (`동의를 받지 않은 자에 대한 처벌로 옳은 것은?` is positive), so the predicate
 * nearest to the end decides: it is the one that modifies what is asked for.
 */
const negative =
  /(?:옳|맞|바르|올바르|적절하|적합하|알맞|타당하|해당하|해당되|포함하|포함되|속하|일치하|부합하|필요하|관련되|관계되|바람직하|인정되|허용되|요구되|적용되|제공되|규정되|명시되|간주되|되|하|이)지\s*(?:는\s*)?(?:않|아니|못)[은는한하]?|아닌|틀린|잘못된|잘못\s*설명|거리가?\s*(?:가장\s*)?먼|부적절한|부적합한|부적당한|부당한|무관한|관[계련](?:이|가)?\s*(?:가장\s*)?(?:없는|적은|먼)|연관성?이?\s*(?:없는|적은)|제외(?:되는|하는|한|할)|예외(?:인|가|에)|(?:수|필요가?|의무가?|사항이?|내용이?)\s*없는|못하는|못한|아니한|아니하는|않는|않은|가장\s*(?:먼|낮은|적은)\s*것/gu;
const positive =
  /옳은|맞는|올바른|바른|적절한|적합한|알맞은|타당한|해당하는|해당되는|포함되는|포함하는|속하는|일치하는|부합하는|바람직한|가까운|관련(?:이\s*)?있는|수\s*있는|무엇|어느\s*것|누구|얼마|언제|어디|며칠|몇/gu;

export function isNegated(stem: string): boolean {
  const question = lastSentence(stem);
  const no = lastMatch(question, negative);
  if (!no) return false;
  const yes = lastMatch(question, positive);
  if (!yes || no.end >= yes.end) return true;
  // `해당하지 않는 것은 무엇인가?`: an interrogative after the predicate does not change its polarity.
  return /^(?:무엇|어느|누구|얼마|언제|어디|며칠|몇)/u.test(yes.text) && modifiesAskedNoun(question, no.end);
}

/** The interrogated noun follows the predicate directly: `… 않는 것은`, `… 아닌 정보는`. */
function modifiesAskedNoun(question: string, end: number): boolean {
  return /^\s*[^\s,]+(?:\s[^\s,]+)?[은는이가]\s/u.test(`${question.slice(end)} `);
}

function lastMatch(text: string, pattern: RegExp): { text: string; end: number } | undefined {
  let found: { text: string; end: number } | undefined;
  for (const match of text.matchAll(pattern)) found = { text: match[0], end: match.index + match[0].length };
  return found;
}

/** The sentence that asks: the last line with a question mark, else the last with 것은/고르시오, else the first. */
function lastSentence(stem: string): string {
  const lines = stem.split('\n').filter((line) => line.trim() !== '');
  const asking =
    lines.filter((line) => /[?？]|것은|고르시오|고르면|무엇인가/u.test(line)).at(-1) ?? lines[0] ?? '';
  const sentences = asking.split(/(?<=[.。?？])\s+/u).filter((sentence) => sentence.trim() !== '');
  return (
    sentences.filter((sentence) => /[?？]|것은|고르/u.test(sentence)).at(-1) ?? sentences.at(-1) ?? asking
  );
}
