/**
 * What a stem asks about, without the words that only ask: `다음 중 …에 대한 설명으로 옳지 않은 것은?` and
 * `…을 서술하시오` say how to answer. Those words are rare in statutes, so a search that weighs words by rarity
 * would chase them.
 */
const frames: readonly RegExp[] = [
  /다음\s*(?:중에서|중|보기\s*중|설명\s*중)[,에서]*\s*/gu,
  /(?:에\s*(?:대한|관한|대해|대하여|관하여|관해))?\s*(?:다음의?\s*)?(?:설명|내용|기술|서술)?(?:으로|로|중)?\s*(?:가장\s*)?(?:옳지|맞지|올바르지|바르지|적절하지|적합하지|타당하지|알맞지)\s*(?:않은|못한)\s*것(?:은|을|이)?[^?？]{0,200}[?？.]?\s*$/u,
  /(?:에\s*(?:대한|관한|대해|대하여|관하여|관해))?\s*(?:다음의?\s*)?(?:설명|내용|기술|서술)?(?:으로|로|중)?\s*(?:가장\s*)?(?:옳은|맞는|올바른|바른|적절한|적합한|타당한|알맞은|틀린|잘못된|부적절한|거리가\s*(?:가장\s*)?먼)\s*것(?:은|을|이)?[^?？]{0,200}[?？.]?\s*$/u,
  /(?:에\s*(?:대한|관한|대해|대하여|관하여|관해)|을|를|은|는|이|가)?\s*(?:간략히|간단히|구체적으로|상세히|각각)?\s*(?:설명|서술|기술|논|제시|작성|나열|비교)(?:하시오|하세요|해\s?주세요|하라|해보세요|하십시오)\s*[.?？]?\s*$/u,
  /(?:은|는|이|가)?\s*(?:무엇인가요?|무엇입니까|무엇인지|누구인가|얼마인가|언제인가|어디인가)\s*[?？.]?\s*$/u,
];

/** Never empty where the stem is not: a stem that only asks is returned as it is. */
export function askedText(stem: string): string {
  // Single spaces, so that the many optional spaces below take linear time.
  let text = stem.replace(/\s+/gu, ' ');
  for (const frame of frames) text = text.replace(frame, ' ');
  text = text.replace(/ +/gu, ' ').trim();
  return text === '' ? stem : text;
}
