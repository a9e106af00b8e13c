/**
 * Forms that judge the statements of one article: all of them, or those of one kind (duties, prohibitions,
 * permissions, numbers and periods, notices and approvals, exceptions).
 */
import { shuffled } from '../choosing.js';
import { counterpartyOf } from '../extract/actors.js';
import { exceptionsOf } from '../extract/exceptions.js';
import { type Statement, statementsOf } from '../extract/statements.js';
import { quantitiesIn } from '../language/quantities.js';
import { modalOf } from '../language/modal.js';
import { withParticle } from '../language/particles.js';
import { ignoreException } from '../perturb/exception.js';
import type { PerturbationName } from '../perturb/falsehood.js';
import { isProvablyFalse } from '../verify-false.js';
import type { Ask, Composition, Form, OpenComposition } from './form.js';
import { judgeStatements } from './judge-statements.js';
import { askAbout, lawName, matterOf, placeOf } from './stems.js';

interface Kind {
  name: string;
  weight: number;
  difficulty: number;
  belongs(statement: Statement): boolean;
  kinds?: ReadonlySet<PerturbationName>;
  subject(ask: Ask): string;
  /** What an open question asks for. */
  open(ask: Ask, actor: string | undefined): string;
}

const modalFalsehoods: ReadonlySet<PerturbationName> = new Set([
  'modal',
  'actor',
  'counterparty',
  'opposite',
  'quantity',
]);

const kinds: readonly Kind[] = [
  {
    name: 'provision',
    weight: 5,
    difficulty: 3,
    belongs: () => true,
    subject: ({ article, random }) => matterOf(article, random),
    open: ({ article }) => `${placeOf(article)}의 주요 내용을 설명하시오.`,
  },
  {
    name: 'duty',
    weight: 4,
    difficulty: 3,
    belongs: ({ modal }) => modal === 'duty',
    kinds: modalFalsehoods,
    subject: ({ article, random }) => `${matterOf(article, random)}에서 정하는 의무`,
    open: ({ article }, actor) =>
      `${placeOf(article)}에 따라 ${withParticle(actor ?? '의무자', '이')} 하여야 하는 일을 서술하시오.`,
  },
  {
    name: 'prohibition',
    weight: 4,
    difficulty: 3,
    belongs: ({ modal }) => modal === 'prohibition',
    kinds: modalFalsehoods,
    subject: ({ article, random }) => `${matterOf(article, random)}에서 금지하거나 제한하는 사항`,
    open: ({ article }) => `${placeOf(article)}에 따라 금지되거나 제한되는 사항을 서술하시오.`,
  },
  {
    name: 'permission',
    weight: 3,
    difficulty: 3,
    belongs: ({ modal }) => modal === 'permission',
    kinds: new Set(['modal', 'actor', 'counterparty', 'opposite', 'quantity', 'obligation']),
    subject: ({ article, random }) => `${matterOf(article, random)}에 따른 권한이나 권리`,
    open: ({ article }, actor) =>
      `${placeOf(article)}에 따라 ${withParticle(actor ?? '권한을 가진 자', '이')} 할 수 있는 일을 서술하시오.`,
  },
  {
    name: 'number-judged',
    weight: 4,
    difficulty: 4,
    belongs: ({ text }) => quantitiesIn(text).length > 0,
    kinds: new Set(['quantity', 'bound']),
    subject: ({ article, random }) => `${matterOf(article, random)}에서 정하는 기간ㆍ금액ㆍ비율 등`,
    open: ({ article }) => `${placeOf(article)}에서 정한 기간이나 수치를 들어 그 내용을 설명하시오.`,
  },
  {
    name: 'procedure',
    weight: 3,
    difficulty: 4,
    belongs: ({ text }) =>
      counterpartyOf(text) !== undefined ||
      /(?:통지|통보|보고|신고|제출|공고|공시|게시)(?:하여야|해야|할)/u.test(text),
    kinds: new Set(['counterparty', 'actor', 'opposite', 'quantity', 'modal']),
    subject: ({ article, random }) => `${matterOf(article, random)}에 따른 절차`,
    open: ({ article }) => `${placeOf(article)}에 따른 통지ㆍ보고ㆍ승인 등의 절차를 설명하시오.`,
  },
];

function composeKind(kind: Kind, ask: Ask): Composition | null {
  const statements = statementsOf(ask.article).filter((statement) => kind.belongs(statement));
  if (statements.length < 2) return null;
  return judgeStatements(ask, askAbout(kind.subject(ask), ask.negated, ask.random), {
    statements,
    difficulty: kind.difficulty,
    ...(kind.kinds ? { kinds: kind.kinds } : {}),
  });
}

const answerLength = 320;

/** One to three statements, of one actor where the first has one. */
function openKind(kind: Kind, ask: Ask): OpenComposition | null {
  // A member of a list says only a part.
  const statements = statementsOf(ask.article).filter(
    (statement) => kind.belongs(statement) && statement.origin === statement.printed,
  );
  const first = shuffled(statements, ask.random).find(({ chunkIds }) => chunkIds.includes(ask.chunk.chunkId));
  if (!first) return null;
  const actor = first.actor?.text;
  if (actor === undefined && /^(?:duty|permission)$/u.test(kind.name)) return null;
  const chosen: Statement[] = [];
  let length = 0;
  for (const statement of statements) {
    if (statement.actor?.text !== actor || chosen.length === 3) continue;
    if (length + statement.text.length > answerLength) continue;
    chosen.push(statement);
    length += statement.text.length;
  }
  if (!chosen.includes(first)) chosen.splice(0, chosen.length, first);
  return {
    stem: kind.open(ask, actor),
    answer: chosen.map(({ text }) => text).join(' '),
    explanation: first.printed,
    chunkIds: [...new Set(chosen.flatMap(({ chunkIds }) => chunkIds))],
    difficulty: kind.difficulty,
  };
}

export const statementForms: readonly Form[] = kinds.map((kind) => ({
  name: kind.name,
  kinds: ['article'],
  weight: kind.weight,
  compose: (ask) => composeKind(kind, ask),
  open: (ask) => openKind(kind, ask),
}));

/** Exceptions: ignored in the false choices, applied in the true ones. */
export const exceptionForm: Form = {
  name: 'exception',
  kinds: ['article'],
  weight: 6,
  compose: (ask) => {
    const exceptions = exceptionsOf(ask.article);
    if (exceptions.length === 0) return null;
    const told: Statement[] = exceptions.map(({ applied, article, paragraph, chunkIds, printed, rule }) => ({
      text: applied,
      modal: modalOf(applied),
      actor: undefined,
      article,
      paragraph,
      chunkIds,
      printed,
      excepted: true,
      referred: false,
      origin: rule,
    }));
    const falsehoods = exceptions
      .map(ignoreException)
      .filter(
        (falsehood) =>
          falsehood.chunkIds.includes(ask.chunk.chunkId) && isProvablyFalse(falsehood, ask.library),
      );
    const rules = new Set(exceptions.map(({ rule }) => rule.slice(-24)));
    const rest = statementsOf(ask.article).filter(({ text }) => !rules.has(text.slice(-24)));
    return judgeStatements(
      ask,
      askAbout(`${matterOf(ask.article, ask.random)}의 원칙과 예외`, ask.negated, ask.random),
      {
        statements: [...told, ...rest],
        untouched: told,
        falsehoods,
        difficulty: 4,
      },
    );
  },
  open: (ask) => {
    const exception = exceptionsOf(ask.article).find(({ chunkIds }) => chunkIds.includes(ask.chunk.chunkId));
    if (!exception) return null;
    return {
      stem: `${lawName(ask.article)} ${ask.article.section}에서 “${exception.rule}”의 예외로 정한 경우와 그 효과를 서술하시오.`,
      answer: `${exception.condition}가 예외에 해당한다. ${exception.applied}`,
      explanation: exception.printed,
      chunkIds: exception.chunkIds,
      difficulty: 4,
    };
  },
};
