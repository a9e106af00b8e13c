/** Controls of ISMS-P: which control demands it, what a control demands. */
import { pick, shuffled } from '../choosing.js';
import { splitSentences } from '../../../../shared/text/sentences.js';
import type { Statement } from '../extract/statements.js';
import { modalOf } from '../language/modal.js';
import type { Article } from '../library.js';
import { likeness } from '../likeness.js';
import type { Falsehood, PerturbationName } from '../perturb/falsehood.js';
import { falsehoodsOf } from '../perturb/perturbation-table.js';
import { type Form, truth } from './form.js';
import { judgeStatements } from './judge-statements.js';
import { askAbout } from './stems.js';

const standard = 'ISMS-P 인증기준';
const tooAlike = 0.4;
/** Changes that leave the ending as it is: all demands end alike. */
const subtle: ReadonlySet<PerturbationName> = new Set([
  'quantity',
  'bound',
  'opposite',
  'counterparty',
  'contrast',
]);

function textOf(article: Article): string {
  const text = article.first.content.split('\n').slice(1).join(' ').replace(/\s+/gu, ' ').trim();
  // What stands below the demand is no part of it.
  return text.slice(0, text.lastIndexOf('다.') + 2);
}

/** The first demand; later ones may lean on it. */
function demandOf(article: Article): Statement {
  const text = (splitSentences(textOf(article))[0] ?? '').trim();
  const { chunkId } = article.first;
  return {
    text,
    modal: modalOf(text),
    actor: undefined,
    article,
    paragraph: 0,
    chunkIds: [chunkId],
    printed: text,
    excepted: false,
    referred: false,
    origin: text,
  };
}

function leaks(heading: string, text: string): boolean {
  const words = heading.split(/[\s·ㆍ]/u).filter((word) => word.length >= 2);
  return words.filter((word) => text.includes(word)).length > words.length / 2;
}

export const controlNameForm: Form = {
  name: 'control-name',
  kinds: ['control'],
  weight: 4,
  compose: ({ article, library, negated, others, random }) => {
    const text = textOf(article);
    if (negated || leaks(article.heading, text)) return null;
    const rivals = library.neighboursOf(article).filter((other) => likeness(textOf(other), text) < tooAlike);
    const chosen = shuffled(rivals.slice(0, 14), random).slice(0, others);
    if (chosen.length < others) return null;
    const said = `${article.section} ${article.heading}: ${text}`;
    return {
      stem: `다음의 내용을 요구하는 ${standard}의 항목은?\n“${text}”`,
      key: { text: article.heading, source: said },
      others: chosen.map(({ heading }) => ({ text: heading, source: said })),
      explanation: said,
      chunkIds: [article.first.chunkId],
      difficulty: 2,
      falsehoods: chosen.map((other) => exchanged(other, article)),
    };
  },
};

function pairOf(article: Article): string {
  return `${article.heading}: ${demandOf(article).text}`;
}

function exchanged(control: Article, demand: Article): Falsehood {
  return {
    text: `${control.heading}: ${demandOf(demand).text}`,
    perturbation: 'neighbour',
    from: demand.heading,
    to: control.heading,
    original: `${demand.heading}: ${demandOf(demand).text}`,
    article: control,
    chunkIds: [demand.first.chunkId],
    printed: pairOf(demand),
  };
}

export const controlDemandForm: Form = {
  name: 'control-demand',
  kinds: ['control'],
  weight: 6,
  compose: (ask) => {
    const { article, library, negated, others, random } = ask;
    const demand = demandOf(article);
    const rivals = shuffled(library.neighboursOf(article).slice(0, 20), random).filter(
      (other) => likeness(textOf(other), demand.text) < tooAlike,
    );
    if (negated) {
      const wrong = pick(
        [
          ...falsehoodsOf(demand, ask, subtle),
          ...rivals.slice(0, 1).map((other) => exchanged(article, other)),
        ],
        random,
      );
      const told = rivals.slice(1, others + 1);
      if (!wrong || told.length < others) return null;
      const isExchanged = wrong.perturbation === 'neighbour';
      return {
        stem: `${standard}의 항목과 그 요구사항을 연결한 것으로 옳지 않은 것은?`,
        key: {
          text: isExchanged ? wrong.text : `${article.heading}: ${wrong.text}`,
          source: pairOf(article),
        },
        others: told.map((other) => ({ text: pairOf(other), source: pairOf(other) })),
        explanation: `${article.section} ${article.heading}: ${demand.text}`,
        chunkIds: [article.first.chunkId, ...told.map(({ first }) => first.chunkId)],
        difficulty: isExchanged ? 3 : 4,
        falsehoods: [wrong],
      };
    }
    const own = falsehoodsOf(demand, ask, subtle).slice(0, 2);
    const strangers = rivals
      .filter((other) => !leaks(article.heading, demandOf(other).text))
      .map((other) => exchanged(article, other));
    const falsehoods = [...own, ...strangers].slice(0, others);
    if (falsehoods.length < others) return null;
    const prefix = `${article.heading}: `;
    return {
      stem: `${standard} 중 ‘${article.section} ${article.heading}’의 요구사항으로 옳은 것은?`,
      key: truth(demand),
      others: falsehoods.map(({ text, printed, to }) => ({
        text: text.startsWith(prefix) ? text.slice(prefix.length) : text,
        source: printed,
        ...(text.startsWith(prefix) ? {} : { keep: to }),
      })),
      explanation: demand.text,
      chunkIds: [article.first.chunkId],
      difficulty: own.length > 0 ? 4 : 2,
      falsehoods,
    };
  },
  open: ({ article }) => ({
    stem: `${standard} 중 ‘${article.section} ${article.heading}’에서 요구하는 사항을 서술하시오.`,
    answer: textOf(article),
    explanation: textOf(article),
    chunkIds: [article.first.chunkId],
    difficulty: 2,
  }),
};

/** What controls beside each other demand, judged. */
export const controlJudgedForm: Form = {
  name: 'control-judged',
  kinds: ['control'],
  weight: 6,
  compose: (ask) => {
    const near = ask.library.neighboursOf(ask.article).slice(0, reach);
    return judgeStatements(ask, askAbout(pick(standards, ask.random) ?? standard, ask.negated, ask.random), {
      statements: [ask.article, ...shuffled(near, ask.random)].map(demandOf),
      kinds: subtle,
      difficulty: 4,
    });
  },
};

/** Controls of the same kind of measures. */
const reach = 10;
const standards = [
  `${standard}의 요구사항`,
  '정보보호 및 개인정보보호 관리체계(ISMS-P) 인증기준',
  '정보보호 및 개인정보보호 관리체계의 보호대책 요구사항',
  `${standard}에 따른 보호대책`,
] as const;
