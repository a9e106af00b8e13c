/**
 * Does a stem ask for the choice that is false, missing or fits least?
 *
 * It does if the predicate of what is asked for is negative: `옳지 않은 것은?`, `해당하지 않는 자는 누구인가?`,
 * `제공할 수 없는 경우는?`. A negative elsewhere says nothing about what is asked for: `동의를 받지 않은 자에 대한
 * 처벌로 옳은 것은?`, `인가되지 않은 접근을 막는 장비는?`. So the last negative of the sentence that asks counts,
 * unless another predicate, or a noun with a case particle, stands between it and the end.
 *
 * Exceptions (`예외에 해당하는 것은?`) and what is forbidden (`금지되는 행위는?`) are positive: the text that lists
 * them supports the choice. What is left out (`제외되는 것은?`), must not be done (`하지 말아야 할 것은?`) or breaks a
 * principle (`위배되는 것은?`) is negative: the text supports the other choices. How many or how much (`옳지 않은
 * 것은 몇 개인가?`) is positive: the choices are counts.
 */
const negative = new RegExp(
  [
    '않[는은을]|아니(?:한|하는|할)|못(?:한|하는(?!가)|할)|아닌',
    '틀린|거짓인|잘못\\s?(?:된|[가-힣]{1,6}[한된진은는])',
    '부(?:적절|적합|적당|정확|당)한|무관한',
    '거리가?\\s*(?:가장\\s*)?먼',
    '(?:관[계련]|연관|상관)성?(?:이|가)?\\s*(?:가장\\s*)?(?:없는|적은|먼|낮은)',
    '(?:가능|적절|적합|타당|필요)성(?:이|이\\s*가장|\\s*가장)?\\s*(?:없는|적은|낮은)',
    '(?:수|필요가?|의무가?|사항이?|내용이?)\\s*없는|없는\\s*것',
    '보기(?:에|에는|는)?\\s*(?:어려운|힘든)|(?:안|아니)\\s?되는(?!가)|말아야\\s?(?:할|하는)',
    '(?:사실|내용|규정|성격|종류|의미)(?:과|와|이|가)\\s?다른|다른\\s?하나',
    '제외(?:되는|하는|된|한|할)|어긋나는|어긋난|위배되는|위배된|벗어난|벗어나는',
  ].join('|'),
  'gu',
);

/** Between a negative and the end: the negative belongs to an inner clause, something else is asked for. */
const inner = new RegExp(
  [
    '[을를]\\s(?!한\\s|하는\\s)|[가-힣][는된]\\s|(?:에게|에서|으로|하여|되어|하고|하며|하면|때|때에|경우|경우에)\\s',
    '(?:자|사람|것|경우|때|기관|회사|사업자|처리자|사용자|이용자|공격자|관리자)(?:의|에|이|가|로|와|과)(?:\\s|만)',
    '옳은|맞는|바른|적절한|적합한|알맞은|타당한|해당한|바람직한|가까운|있는|하도록|몇\\s|얼마|며칠|언제',
  ].join('|'),
  'u',
);

/** What follows the noun that is asked for and says nothing about it: `은 무엇인가?`, `을 모두 고르시오`. */
const request = new RegExp(
  [
    '\\s*\\([^()]{0,200}\\)\\s*$',
    '(?:[은는이가]\\s*)?(?:다음\\s*중\\s*)?(?:무엇|어느\\s?것|어느\\s?하나|어떤\\s?것|누구|어디)(?:들)?(?:인가요?|입니까|일까요?|인지|이며|이냐)?(?:\\s*고르시오|\\s*쓰시오)?\\s*$',
    '(?:[을를]|만을|만|들을|들만|끼리)?\\s*(?:모두|바르게|올바르게|옳게|있는\\s?대로|하나만?|[0-9한두세]\\s?(?:개|가지)[를만]?|\\s)*(?:고르시오|고르세요|고르면|고른다면|찾으시오|선택하시오|(?<!잘못\\s?)(?:고른|짝지은|짝지어진|나열한|나열된|묶은|묶인)\\s*것[은]?)\\s*$',
  ].join('|'),
  'u',
);

export function isNegated(stem: string): boolean {
  const question = withoutRequest(askingSentence(stem));
  let end = -1;
  for (const match of question.matchAll(negative)) end = match.index + match[0].length;
  return end >= 0 && !inner.test(question.slice(end));
}

/** Drops the request and its marks from the end: `옳지 않은 것을 모두 고른 것은?` → `옳지 않은 것`. */
function withoutRequest(sentence: string): string {
  const bare = (text: string): string => text.trimEnd().replace(/[?？.。:]{1,9}$/u, '');
  let rest = bare(sentence.replace(/\s+/gu, ' '));
  for (let round = 0; round < 3; round++) {
    // Only the end matters; a bound keeps long texts cheap.
    const head = rest.slice(0, -250);
    rest = head + bare(rest.slice(-250).replace(request, ''));
  }
  return rest.trimEnd();
}

/** The sentence that asks: the last with a question mark, else the last with a request, else the first line. */
function askingSentence(stem: string): string {
  const sentences = stem.split(/\n+|(?<=[.。?？])\s+/u).filter((sentence) => sentence.trim() !== '');
  const asking = [
    /[?？]/u,
    /고르시오|고르세요|고르면|선택하시오|찾으시오/u,
    /것은\s*[:.]?\s*$/u,
    /것은|무엇인[가지]/u,
  ];
  for (const pattern of asking) {
    const found = sentences.findLast((sentence) => pattern.test(sentence));
    if (found !== undefined) return found;
  }
  return sentences[0] ?? '';
}
