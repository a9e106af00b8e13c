/**
 * Things a guide names and describes: `로드 밸런서` / `로드 밸런서는 트래픽을 여러 서버에 분산시킵니다.`,
 * `Stop and Wait : 매번 전송한 패킷에 대해 …`. The polite style becomes the plain one, so that the style of a
 * sentence does not tell where it comes from.
 */
import { finalConsonant, finalOf, withFinal } from '../language/hangul.js';
import type { Article } from '../library.js';
import { splitSentences } from '../../../../shared/text/sentences.js';
import { remembered } from '../remembered.js';

export interface Description {
  term: string;
  /** A sentence without its topic: `들어오는 트래픽을 여러 서버에 분산시킨다.` */
  text: string;
  article: Article;
  chunkId: string;
  printed: string;
}

const mark = /^\s*(?:[-*•·>○●▶→☞]+|\d{1,2}[.)]|[가-하][.)]|#+)\s*/u;
const named = /^([A-Za-z가-힣][A-Za-z가-힣0-9 /\-·&]{1,38}?)(?:\s?\(([^()]{2,50})\))?\s?[:：]\s(.{18,220})$/u;
const told =
  /^([A-Za-z가-힣][A-Za-z가-힣0-9 /\-·&]{1,34}?)(?:\s?\(([^()]{2,50})\))?(?:이란|란|은|는)\s(.{18,220})$/u;
const vague =
  /^(?:이|그|이것|그것|우리|다음|예|예시|참고|장점|단점|특징|종류|목적|결과|문제|문제점|해결|해결 방법|이유|방법|즉|또한|하지만|여기서|여기|이때|그러나|따라서|시나리오.*|단계.*|step.*|url|http.*|출처|질문|답변|핵심|요약|주의|설명|정의|개요|원인|조건|경우.*|사용자|그 외|이들|각|하나|나|저|차이점|공통점|구조|구성|동작 방식|발생 level|기능|도구|정보|데이터|관련 정보|비고)$/iu;

export const descriptionsOf = remembered((article: Article): readonly Description[] => {
  const found: Description[] = [];
  for (const { chunkId, content } of article.chunks) {
    const lines = content.split('\n').map((line) =>
      line
        .replace(mark, '')
        .replace(/[*_`]+/gu, '')
        .trim(),
    );
    const titles = new Set([article.heading, ...lines].map(plainTitle).filter((line) => line.length <= 30));
    for (const line of lines) {
      const item = named.exec(line);
      if (item) take(found, article, chunkId, line, item[1] as string, item[3] as string, true);
      for (const sentence of splitSentences(line)) {
        const match = told.exec(sentence.trim());
        if (match && titles.has(plainTitle(match[1] as string)))
          take(found, article, chunkId, sentence.trim(), match[1] as string, match[3] as string, false);
      }
    }
  }
  return found;
});

function plainTitle(text: string): string {
  return text
    .replace(/\([^()]*\)/gu, '')
    .replace(/(?:이란|란)(?: 무엇인가)?\??$/u, '')
    .replace(/\s+/gu, ' ')
    .trim()
    .toLowerCase();
}

function take(
  found: Description[],
  article: Article,
  chunkId: string,
  printed: string,
  rawTerm: string,
  body: string,
  isItem: boolean,
): void {
  const term = rawTerm.trim();
  const sentence = plainStyle((splitSentences(body)[0] ?? '').trim());
  if (vague.test(term) || term.length < 2 || term.split(' ').length > 5) return;
  if (
    /[가-힣](?:하는|되는|한|된|적인|을|를|은|는|에서|으로)(?:\s|$)|(?:경우|때|예방|유지|강화|방지|감소|향상|준수|보장|최소화|제공|장점|단점)$/u.test(
      term,
    )
  )
    return;
  if (!isDescribing(sentence, isItem)) return;
  if (found.some((other) => other.term === term)) return;
  found.push({ term, text: sentence, article, chunkId, printed });
}

/** The sentence is about something else than the term. */
const ownTopic =
  /^[^,]{1,22}(?:(?<![하있없되지나오르리키주두쓰라려않같])는|[가-힣A-Za-z](?<![받높많적같좋않])은)\s/u;

/** Something else that the sentence is about, wherever it is named. */
export const hasTopic = /(?<![하있없되지나오르리키주두쓰라려않같많높낮적좋에서로])(?:은|는)\s/u;

function isDescribing(sentence: string, isItem: boolean): boolean {
  const hangul = sentence.match(/[가-힣]/gu)?.length ?? 0;
  return (
    sentence.length >= 18 &&
    sentence.length <= 180 &&
    hangul / sentence.length > 0.45 &&
    !ownTopic.test(sentence) &&
    !hasTopic.test(sentence) &&
    !/https?:|[|{}=;]|^(?:이|그|이러한|이를|여기|위|아래)\s|다음|아래|위의|앞서/u.test(sentence) &&
    (/다\.$/u.test(sentence) ||
      (isItem &&
        /(?:것|방식|기법|방법|기술|과정|도구|시스템|프로토콜|공격|서비스|정보|데이터|상태|모델|구조|방지|보호|관리)\.?$/u.test(
          sentence,
        )))
  );
}

const adjective =
  /(?:중요|필요|가능|적합|유용|간단|복잡|안전|동일|유사|다양|강력|취약|충분|편리|용이|유리|불리|특별|민감|독특|심각|명확|정확|당연|적절|유연|유효|비슷|엄격|특수|위험|단순|저렴|풍부|완전|철저|필수)$/u;
/** Verbs whose stems end in 이. */
const stemInI = /(?:[줄높붙쓰울]|움직|끌어들|받아들)$/u;

/** 합니다 → 한다, 있습니다 → 있다, 받습니다 → 받는다, 장치입니다 → 장치이다, 중요합니다 → 중요하다. */
export function plainStyle(sentence: string): string {
  return sentence.replace(/([가-힣])니다(?=[.]|$)/u, (all, syllable: string, offset: number) => {
    const before = sentence.slice(0, offset);
    switch (syllable) {
      case '습':
        if (/이지\s않$/u.test(before)) return '다';
        return /[있없했았었겠높낮많적같좋쉽렵깝]$/u.test(before) || finalOf(before.at(-1) ?? '') === 20
          ? '다'
          : '는다';
      case '입':
        return stemInI.test(before) ? '인다' : '이다';
      case '합':
        return adjective.test(before) ? '하다' : '한다';
      case '릅':
        return /[다빠]$/u.test(before) ? '르다' : '른다';
      case '닙':
        return before.endsWith('아') ? '니다' : '닌다';
      case '큽':
        return '크다';
      default:
        return finalOf(syllable) === finalConsonant.b ? `${withFinal(syllable, finalConsonant.n)}다` : all;
    }
  });
}
