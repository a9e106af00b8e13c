/** Which article, or which control, says it: its heading among those of its neighbours. */
import { aroundKey, shuffled } from '../choosing.js';
import { statementsOf } from '../extract/statements.js';
import type { Article } from '../library.js';
import { bigrams, contained, likeness } from '../likeness.js';
import type { Form } from './form.js';
import { lawName } from './stems.js';

const reach = 16;

/** The text gives a heading away where it holds most of its words. */
function givesAway(heading: string, text: string): boolean {
  const words = heading
    .split(/[\sㆍ,·]/u)
    .map((word) => word.replace(/(?:등|의|및|에|대한|관한|을|를)$/u, ''))
    .filter((word) => word.length >= 2);
  const held = words.filter((word) => text.includes(word)).length;
  if (words.length === 0 || held / words.length > 0.5) return true;
  return contained(bigrams(heading), bigrams(text)) > 0.5;
}

function label(article: Article): string {
  return `${article.section}(${article.heading})`;
}

export const headingForm: Form = {
  name: 'heading',
  kinds: ['article'],
  weight: 1,
  compose: ({ article, chunk, library, negated, others, random }) => {
    if (negated || article.heading === '' || article.heading.length > 40) return null;
    const statement = shuffled(statementsOf(article), random).find(
      ({ text, chunkIds }) =>
        chunkIds.includes(chunk.chunkId) && !givesAway(article.heading, text) && text.length >= 40,
    );
    if (!statement) return null;
    const rivals = library
      .neighboursOf(article)
      .slice(0, reach)
      .filter(
        (other) =>
          other.heading !== '' &&
          other.heading.length <= 40 &&
          other.section !== article.section &&
          likeness(other.heading, article.heading) < 0.3 &&
          statementsOf(other).every(({ text }) => likeness(text, statement.text) < 0.4),
      );
    // Numbers of articles are in order: the key stands anywhere among them.
    const near = shuffled(rivals, random);
    const chosen = aroundKey(
      near.filter(({ place }) => place < article.place),
      near.filter(({ place }) => place > article.place),
      others,
      random,
    );
    if (chosen.length < others) return null;
    const said = `${label(article)}: ${statement.printed}`;
    return {
      stem: `다음의 내용을 규정하고 있는 ${lawName(article)}의 조항은?\n“${statement.text}”`,
      key: { text: label(article), source: said },
      others: chosen.map((other) => ({ text: label(other), source: said })),
      explanation: said,
      chunkIds: statement.chunkIds,
      difficulty: 2,
      falsehoods: chosen.map((other) => ({
        text: `${label(other)}: ${statement.text}`,
        perturbation: 'neighbour',
        from: label(article),
        to: label(other),
        original: `${label(article)}: ${statement.text}`,
        article: other,
        chunkIds: statement.chunkIds,
        printed: statement.printed,
      })),
    };
  },
};
