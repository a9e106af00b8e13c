/**
 * True statements in the words that otherwise only false ones have, so that no word gives a false one away:
 *
 *   업무의 정지를 명할 수 있다      명하지 아니할 수 있다, 명하여야 하는 것은 아니다     what may be done need not
 *   금융위원회에 보고하여야 한다    반드시 보고하여야 한다, 예외 없이 보고하여야 한다     where there is no exception
 */
import { pick, type Random } from '../choosing.js';
import type { Statement } from '../extract/statements.js';
import { topicOf } from '../extract/actors.js';
import type { Choice } from '../forms/form.js';
import { fromFuture, may } from '../language/verb-forms.js';
import type { Article, Library } from '../library.js';
import { bigrams, contained } from '../likeness.js';
import { remembered } from '../remembered.js';
import { notBound } from './predicates.js';

const discretionShare = 0.3;
const absoluteShare = 0.08;
/** Share of its letters from which on a sentence is about the same. */
const sameMatter = 0.45;

/** A statement of the article as a choice. */
export function trueChoice(statement: Statement, library: Library, random: Random): Choice {
  const source = statement.printed;
  // What may happen in a guide is no permission.
  if (statement.article.first.kind === 'prose') return { text: statement.text, source };
  const [first, second] = [random(), random()];
  const told =
    (first < discretionShare ? needNot(statement, library, random) : null) ??
    (second < absoluteShare ? withoutException(statement, random) : null);
  return { text: told ?? statement.text, source };
}

function needNot(
  { text, modal, excepted, article }: Statement,
  library: Library,
  random: Random,
): string | null {
  if (modal !== 'permission' || excepted || /만\s|거나\s|한하여|한정|범위|아니할 수|않을 수/u.test(text))
    return null;
  const verb = fromFuture(text.replace(/\s수\s있다\.$/u, ''));
  const free = verb && notBound(...verb);
  if (!verb || !free) return null;
  const letters = bigrams(text);
  const binds = library
    .saidBy(article)
    .some((said) => /야\s한다\.?$/u.test(said.text) && contained(letters, said.bigrams) >= sameMatter);
  if (binds) return null;
  const [head, stem] = verb;
  return (
    pick(
      [
        `${head}${stem}지 아니할 수 있다.`,
        `${head}${stem}지 않을 수 있다.`,
        `${head}${stem}지 않아도 된다.`,
        `${may(head, stem).replace(/ 수 있다\.$/u, '')} 의무가 없다.`,
        free,
      ],
      random,
    ) ?? null
  );
}

function withoutException({ text, modal, excepted, article }: Statement, random: Random): string | null {
  const topic = topicOf(text);
  if ((modal !== 'duty' && modal !== 'prohibition') || excepted || !topic || topic.start > 0) return null;
  if (!isFlat(article)) return null;
  const word = pick(modal === 'duty' ? ['반드시', '예외 없이'] : ['어떠한 경우에도', '예외 없이'], random);
  return `${text.slice(0, topic.end + 1)} ${word}${text.slice(topic.end + 1)}`;
}

/** An article that names no exception. */
const isFlat = remembered((article: Article): boolean =>
  article.chunks.every(
    ({ content }) =>
      !/다만|불구하고|제외|예외|적용하지|아니할 수 있|그러하지|특별한 사유|정당한 사유/u.test(content),
  ),
);
