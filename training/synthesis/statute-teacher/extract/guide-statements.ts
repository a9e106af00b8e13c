/**
 * Sentences of a guide that are true by themselves: they name what they are about, and lean on no sentence before.
 * The polite style becomes the plain one.
 */
import { splitSentences } from '../../../../shared/text/sentences.js';
import { modalOf } from '../language/modal.js';
import { withParticle } from '../language/particles.js';
import type { Article } from '../library.js';
import { likeness } from '../likeness.js';
import { remembered } from '../remembered.js';
import { descriptionsOf, hasTopic, plainStyle } from './descriptions.js';
import type { Statement } from './statements.js';

/** Likeness from which on two sentences are one. */
const same = 0.85;
const length = { min: 26, max: 170 };
const longGoing = 48;
const mark = /^\s*(?:[-*•·>○●▶→☞※]+|\d{1,2}[.)]|[가-하][.)]|#+)\s*/u;
/** `암호화: 데이터를 …`: the name of what follows. */
const label = /^[^:：.]{2,40}[:：]\s+/u;
const joining =
  /^(?:또한|즉|따라서|하지만|그러나|그리고|그래서|결국|다만|특히|게다가|마찬가지로|예를 들어|예를 들면|이처럼|이와 같이|이렇게|그러므로|한편|반면|반대로|참고로|물론),?\s/u;
/** Words that point at what was said before, and words of a lecturer. */
const leaning =
  /(?:^|\s)(?:이|그|저|이는|이를|이것|그것|이런|이러한|그런|그러한|이때|그때|여기|여기서|거기|이들|그들|위|위의|아래|다음|앞|본|해당|동일한|나|내가|우리|저희|여러분|당신|이번|오늘|어제|이후|이전|전자|후자|둘|이곳|그중|이 중)(?=\s|,)|이들|여기서는|(?:아래|다음|위)[와과]\s|때문이다\.|이것은|(?:이 |그 )(?:섹션|강의|글|문서|장|과정|방식|경우|때)|보자\.|살펴|알아보|배우|다루|섹션|강의|수업|모듈|포스팅|블로그|면접|스터디|\d{4}년|벤더|번역|Top 10|그림|링크|첨부|비교 대상|헌법|스크린샷|커뮤니티|설문|CVE/u;
/** A story, an example, or an opinion. */
const telling =
  /(?:[았었였했됐갔]다|것 같다|요즘|생각한다|바란다|보겠다|하겠다|추천한다|좋다|말하자면|가정한다|가정하자|해보자|\?)\.?$|\.\.|시나리오|예시|ex\)|e\.g\.|예:|A사|B사|A는|A가/iu;
const marked = /https?:|[|{}=;<>`@#$\\_]|\(\)|\[|\]|->|→|…|\.\.\.|"|'/u;
/** Who or what the sentence is about, near its beginning. */
const about =
  /^((?:[A-Za-z가-힣0-9/+.-]+(?:\([^()]{1,40}\))?\s){0,4}?[A-Za-z가-힣0-9/+.-]{2,}?(?:\([^()]{1,40}\))?)(?:은|는|이란|란|이|가)\s/u;
/** Of a clause before the topic: `사용하면 …`, `중요한 것은`. */
const joins =
  /(?:하고|하며|하면|하여|하게|되고|되며|되면|되어|하는|되는|있는|없는|으로|에서|에게|까지|부터|라면|다면|으면|지만|거나|는데|려고|도록|..[을를에로]|.[된한할될던])$/u;
/** No name of a thing. */
const empty = /^(?:예|예로|예시|것|수|때|등|데|게|점|이|그|요즘|경우|중|뿐|만큼)$|[하되있없않같]$/u;

export const guideStatementsOf = remembered((article: Article): readonly Statement[] => {
  const found: Statement[] = [];
  for (const { chunkId, content, heading } of article.chunks) {
    if (/참조|참고|읽기|읽을거리|시나리오|예시|점수표|CWE|License|라이선스|감사의|목차/iu.test(heading))
      continue;
    for (const line of content.split('\n')) {
      const bare = line
        .replace(mark, '')
        .replace(/\*\*|__/gu, '')
        .trim();
      for (const printed of splitSentences(bare.replace(label, ''))) {
        const text = told(printed.trim());
        if (text !== null) add(found, { text, article, chunkId, printed: printed.trim() });
      }
    }
  }
  // `SSO: 한 번의 인증으로 …`: what follows the name of a thing is said of it.
  for (const { term, text, chunkId, printed } of descriptionsOf(article))
    if (/다\.$/u.test(text) && term.length <= 24 && !hasTopic.test(text))
      add(found, { text: `${withParticle(term, '은')} ${text}`, article, chunkId, printed });
  return found;
});

function add(
  found: Statement[],
  { chunkId, ...said }: Pick<Statement, 'text' | 'article' | 'printed'> & { chunkId: string },
): void {
  if (found.some((other) => likeness(other.text, said.text) > same)) return;
  found.push({
    ...said,
    modal: modalOf(said.text),
    actor: undefined,
    paragraph: 0,
    chunkIds: [chunkId],
    excepted: false,
    referred: false,
    origin: said.text,
  });
}

function told(printed: string): string | null {
  const sentence = plainStyle(/다$/u.test(printed) ? `${printed}.` : printed).replace(joining, '');
  const hangul = sentence.match(/[가-힣]/gu)?.length ?? 0;
  if (
    sentence.length < length.min ||
    sentence.length > length.max ||
    !/다\.$/u.test(sentence) ||
    hangul / sentence.length < 0.5 ||
    leaning.test(sentence) ||
    telling.test(sentence) ||
    marked.test(sentence)
  )
    return null;
  const topic = topicOfGuide(sentence);
  // A short sentence about a subject, and no topic, goes on with the one before.
  const goesOn = /^[이가]\s/u.test(sentence.slice(topic?.length ?? 0)) && sentence.length < longGoing;
  return topic === null || goesOn ? null : sentence;
}

/** `대칭키 암호 방식` of `대칭키 암호 방식은 …`; null where the sentence does not begin with what it is about. */
export function topicOfGuide(sentence: string): string | null {
  const topic = about.exec(sentence)?.[1];
  if (topic === undefined || topic.length > 34) return null;
  const words = topic.split(' ');
  const last = words.at(-1) ?? '';
  if (empty.test(last) || words.slice(0, -1).some((word) => joins.test(word)) || /..[을를에로]$/u.test(last))
    return null;
  return topic;
}
