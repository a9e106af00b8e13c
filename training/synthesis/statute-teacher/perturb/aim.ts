/** What is done for one aim, said to be done for another: `이용자 보호를 위하여 …` → `시장 안정을 위하여 …`. */
import { statementsOf } from '../extract/statements.js';
import { likeness } from '../likeness.js';
import type { LibraryDocument } from '../library.js';
import { remembered } from '../remembered.js';
import { falsehoodOf, type Perturbation } from './falsehood.js';

const aim = /(?:(?<=^)|(?<=[은는]\s))((?:[가-힣ㆍ]+(?<![은는])\s){0,5}[가-힣ㆍ]+[을를] 위하여)\s(?!필요)/u;
const tooAlike = 0.3;
const most = 6;

const aimsIn = remembered((document: LibraryDocument): readonly string[] => [
  ...new Set(
    document.articles
      .filter(({ first }) => first.kind === 'article')
      .flatMap(statementsOf)
      .flatMap(({ text }) => aim.exec(text)?.[1] ?? [])
      .filter((clause) => clause.length >= 10 && !/(?:하기|되기|이를|그)\s?/u.test(clause)),
  ),
]);

export const changeAim: Perturbation = (statement) => {
  const match = aim.exec(statement.text);
  const own = match?.[1];
  if (!match || own === undefined) return [];
  return aimsIn(statement.article.document)
    .filter((other) => likeness(other, own) < tooAlike && !statement.text.includes(other.slice(0, 4)))
    .slice(0, most)
    .map((other) =>
      falsehoodOf(statement, 'aim', {
        text: statement.text.slice(0, match.index) + other + statement.text.slice(match.index + own.length),
        from: own,
        to: other,
      }),
    );
};
