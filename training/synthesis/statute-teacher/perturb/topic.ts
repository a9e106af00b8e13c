/** What a guide says of one thing, said of another that it describes too: `스레드는 …` → `프로세스는 …`. */
import { guideStatementsOf, topicOfGuide } from '../extract/guide-statements.js';
import { replaceWord } from '../language/particles.js';
import type { LibraryDocument } from '../library.js';
import { remembered } from '../remembered.js';
import { falsehoodOf, type Perturbation } from './falsehood.js';

/** What sentences of the document are about, each once. */
const topicsIn = remembered((document: LibraryDocument): readonly string[] => [
  ...new Set(
    document.articles
      .flatMap(guideStatementsOf)
      .flatMap(({ text }) => namedTopic(text) ?? [])
      .filter((topic) => topic.length <= 20),
  ),
]);

/** What the sentence is about as a whole: `스레드는 …`, not `스레드가 …하면`; nobody, and nothing vague. */
function namedTopic(text: string): string | null {
  const topic = topicOfGuide(text);
  if (topic === null || vague.test(topic) || !/^(?:은|는|이란|란)\s/u.test(text.slice(topic.length)))
    return null;
  return topic;
}

const vague =
  /^(?:.*(?:사용자|조직|개발자|공격자|고객|업계|직원|이해관계자|담당자|전문가|팀|사람|기업|회사|행위자|파트너|벤더)(?:들)?|모든.*|각.*|일부.*|대부분.*|현재.*|여러.*|다른.*|사용자|조직|개발자|공격자|데이터|정보|시스템|기술|방법|방식|기능|결과|과정|단계|경우|이유|목적|장점|단점|특징|문제|역할|개념|구조|작업|값|코드|프로그램|서비스|사람|회사|기업)(?:들)?$/u;

/** What defines one thing does not hold of another; what is only said of it may. */
const defining =
  /(?:이다|말한다|의미한다|뜻한다|나타낸다|것이다|도록 한다|하게 한다|시킨다|설계되었다|역할을 한다|담당한다|수행한다)\.$/u;

export const changeTopic: Perturbation = (statement) => {
  const { text, article } = statement;
  if (!defining.test(text)) return [];
  const topic = namedTopic(text);
  if (topic === null) return [];
  const words = topic.split(/[\s()]+/u);
  return topicsIn(article.document)
    .filter((other) => other.split(/[\s()]+/u).every((word) => word.length < 2 || !text.includes(word)))
    .filter((other) => words.every((word) => word.length < 2 || !other.includes(word)))
    .map((other) =>
      falsehoodOf(statement, 'topic', {
        text: replaceWord(text, 0, topic.length, other),
        from: topic,
        to: other,
      }),
    );
};
