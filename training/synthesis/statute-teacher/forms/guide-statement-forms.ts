/** What a guide says, judged: of the whole text, or of the part that a heading names. */
import { pick, shuffled } from '../choosing.js';
import { guideStatementsOf, topicOfGuide } from '../extract/guide-statements.js';
import type { Statement } from '../extract/statements.js';
import { withParticle } from '../language/particles.js';
import type { Article } from '../library.js';
import type { Ask, Form, OpenComposition } from './form.js';
import { judgeStatements } from './judge-statements.js';
import { askAbout } from './stems.js';

/** Parts of the text from which the other choices may come. */
const reach = 12;
const generic =
  /^(?:개념|배경|설명|소개|정의|장점|단점|특징|특성|종류|요약|결론|개요|구조|동작|동작방식|동작 방식|원리|과정|목적|기능|방법|문제|대응 방안|들어가기 전|들어가며|사용 이유|다루는 문제|문제 해결 방식|핵심 개념|서론|본론|마무리|정리|예제|활용|차이점|비교|기타|개념 정리|추가.*|모듈.*|도움.*|Next.*|Top.*|README.*|AGENTS.*|How to.*|Description|Overview|Background)$/iu;

/** The name of a text without its number, date and question: `A04:2025 암호학적 실패` → `암호학적 실패`. */
export function plainName(title: string): string | null {
  const name = title
    .replace(/^\[[^\]]*\]\s*/u, '')
    .replace(/^(?:\d{4}\.\d{2}\.\d{2}\.?\S*\s*)/u, '')
    .replace(/^(?:Part\s)?\d+(?:[.-]\d+)*[.)]?\s+/iu, '')
    .replace(/^A\d{2}:\d{4}\s*/u, '')
    .replace(/^\[[^\]]*\]\s*/u, '')
    .replace(/^#?\d+\.?\s+/u, '')
    .replace(/[🚀📝]/gu, '')
    .replace(/(?:이란|란)?(?:\s(?:무엇(?:인가|일까|인가요)|뭘까))?\??$/u, '')
    .replace(/(?:이란|란)$/u, '')
    .replace(/에 대(?:해서|하여|해)$/u, '')
    .replace(/(?<=[)가-힣])\d$/u, '')
    .trim();
  if (
    name.length < 2 ||
    name.length > 30 ||
    generic.test(name) ||
    /[?/:!"“”]|\.md$|^[^\p{L}]|까$|나요$|왜|어떻게|무엇|어떤|어디|는가$/u.test(name)
  )
    return null;
  return /[가-힣]/u.test(name) || /^[A-Za-z][A-Za-z0-9 .+-]{1,24}$/u.test(name) ? name : null;
}

const domainNames: Readonly<Record<string, string>> = { security: '정보보호', it: '정보기술' };

function statementsAround({ article }: Ask, own: readonly Statement[]): Statement[] {
  const near = [...article.document.articles]
    .filter((other) => other !== article)
    .sort((a, b) => Math.abs(a.place - article.place) - Math.abs(b.place - article.place))
    .slice(0, reach);
  return [...own, ...near.flatMap(guideStatementsOf)];
}

function subjectOf(article: Article): string {
  const name = plainName(article.document.id);
  return name ?? domainNames[article.first.domain] ?? article.first.domain;
}

export const guideStatementForm: Form = {
  name: 'guide-statement',
  kinds: ['prose'],
  weight: 6,
  compose: (ask) => {
    const own = guideStatementsOf(ask.article);
    const statements = statementsAround(ask, own);
    if (own.length === 0 || statements.length < 3) return null;
    return judgeStatements(ask, askAbout(subjectOf(ask.article), ask.negated, ask.random), {
      statements,
      difficulty: 3,
    });
  },
};

export const guideTopicForm: Form = {
  name: 'guide-topic',
  kinds: ['prose'],
  weight: 6,
  compose: (ask) => {
    const own = guideStatementsOf(ask.article);
    const name = plainName(ask.article.heading);
    if (name === null || own.length < 3) return null;
    const subject = pick([`‘${name}’`, `${subjectOf(ask.article)} 중 ‘${name}’`], ask.random) as string;
    return judgeStatements(ask, askAbout(subject, ask.negated, ask.random), {
      statements: own,
      difficulty: 4,
    });
  },
  open: (ask): OpenComposition | null => {
    const first = shuffled(guideStatementsOf(ask.article), ask.random).find(({ text }) => defines(text));
    const topic = first && topicOfGuide(first.text);
    if (!first || !topic) return null;
    const more = statementsAround(ask, guideStatementsOf(ask.article)).filter(
      (other) => other !== first && topicOfGuide(other.text) === topic,
    );
    const chosen = [first, ...more].slice(0, 3);
    return {
      stem: pick(
        [
          `${withParticle(topic, '이')} 무엇이며 어떤 특징이 있는지 설명하시오.`,
          `${topic}에 대하여 설명하시오.`,
          `${topic}의 개념과 역할을 서술하시오.`,
        ],
        ask.random,
      ) as string,
      answer: chosen.map(({ text }) => text).join(' '),
      explanation: first.printed,
      chunkIds: [...new Set(chosen.flatMap(({ chunkIds }) => chunkIds))],
      difficulty: 3,
    };
  },
};

/** It says what the thing is, not only something of it. */
function defines(text: string): boolean {
  const topic = topicOfGuide(text);
  return (
    topic !== null &&
    topic.length >= 3 &&
    /^(?:은|는|이란|란)\s/u.test(text.slice(topic.length)) &&
    (/^(?:이란|란)\s/u.test(text.slice(topic.length)) ||
      /(?:말한다|의미한다|뜻한다|이다|포함한다|역할을 한다)\.$/u.test(text))
  );
}
