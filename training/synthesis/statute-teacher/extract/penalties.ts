/** Offences and what they are punished with: `5년 이하의 징역 또는 5천만원 이하의 벌금`, `1천만원 이하의 과태료`. */
import type { Article } from '../library.js';
import { remembered } from '../remembered.js';
import { selfContained } from './self-contained.js';

export interface Penalty {
  article: Article;
  paragraph: number;
  /** `5년 이하의 징역 또는 5천만원 이하의 벌금`. */
  punishment: string;
  /** Acts that stand alone: `접근매체를 양도하거나 양수한 자`. */
  offences: readonly { text: string; chunkId: string }[];
  chunkId: string;
  printed: string;
}

const punishing =
  /(\d+년 이[하상]의 (?:유기)?(?:징역|금고)(?:이나| 또는|,)? ?(?:.{3,30}? 이하의 (?:벌금))?|[\d천백십만억 ]+원 이하의 (?:벌금|과태료)|\d+년 이상의 유기징역)(?:에 처한다|을 부과한다|를 부과한다|에 처할 수 있다)\.?/u;
/** `제6조제3항을 위반하여`, `제9조에 따른`: the place, not the act. */
const violated = /(?:제\s?\d+\s?조[^가-힣]?[^,]{0,60}?)(?:을|를)\s위반(?:하여|하고|한)\s/u;

export const penaltiesOf = remembered((article: Article): readonly Penalty[] => {
  const found: Penalty[] = [];
  for (const { paragraph, sentences, items } of article.provisions()) {
    const opening = sentences.find(({ text }) => punishing.test(text));
    const punishment = opening && punishing.exec(opening.text)?.[1]?.replace(/\s+/gu, ' ').trim();
    if (!opening || !punishment) continue;
    const offences = items.flatMap(({ text, chunkId, divided }) => {
      const act = divided ? null : offence(text);
      return act === null ? [] : [{ text: act, chunkId }];
    });
    const single = /^(.{10,140}?(?:자|사람))(?:는|은|에게는)\s/u.exec(opening.text)?.[1];
    if (items.length === 0 && single) {
      const act = offence(single);
      if (act !== null) offences.push({ text: act, chunkId: opening.chunkId });
    }
    found.push({ article, paragraph, punishment, offences, chunkId: opening.chunkId, printed: opening.text });
  }
  return found;
});

/** Acts that many provisions share: without the place nobody can tell which is meant. */
const common =
  /^(?:보고|통지|신고|공고|공시|명령|자료|서류|조치|검사|허가|등록|기술적|물리적|이사회|승인|거짓|업무보고서|알게|금융위원회가|정당한)/u;

function offence(text: string): string | null {
  const act = selfContained(text.replace(violated, '').replace(/[.。]$/u, ''));
  if (act !== null && act.length < 36 && common.test(act)) return null;
  return act !== null &&
    /(?:자|사람)$/u.test(act) &&
    act.length >= 20 &&
    act.length <= 130 &&
    !/위반한 자$|준용|^그\s|^이를\s/u.test(act)
    ? act
    : null;
}
