/**
 * Proof that a falsehood is none of what its article says, in any part and any dated version of it.
 *
 * Of every one: the text differs in the token that decides, and stands nowhere in the article, nor what it says in
 * it. Of a changed quantity: the article names no equal one (1년 is 12개월). Of a changed actor: no sentence of the
 * article that is about the same thing names the new one. Of a turned modal or word: no other sentence about the
 * same thing has the new ending or word.
 */
import { quantityKeys } from './language/quantities.js';
import type { Library, SaidSentence } from './library.js';
import { bigrams, contained, squeezed } from './likeness.js';
import type { Falsehood } from './perturb/falsehood.js';

/** Above this share of common letters, two sentences are about the same thing. */
const sameMatter = 0.45;

export function isProvablyFalse(falsehood: Falsehood, library: Library): boolean {
  const { text, from, to, original, article } = falsehood;
  const letters = squeezed(text);
  if (letters === squeezed(original) || squeezed(from) === squeezed(to)) return false;
  return !library.lettersOf(article).includes(letters) && unsaid(falsehood, library.saidBy(article));
}

function unsaid(
  { perturbation, text, from, to, original }: Falsehood,
  said: readonly SaidSentence[],
): boolean {
  switch (perturbation) {
    case 'actor':
    case 'counterparty': {
      const rest = bigrams(original.replace(from, ' '));
      return said.every(
        (sentence) => !sentence.text.includes(to) || contained(rest, sentence.bigrams) < sameMatter,
      );
    }
    case 'quantity': {
      const named = new Set(said.flatMap((sentence) => [...quantityKeys(sentence.text)]));
      const changed = [...quantityKeys(to)];
      return changed.length > 0 && changed.every((key) => !named.has(key));
    }
    case 'bound':
    case 'opposite': {
      const word = squeezed(to);
      return said.every((sentence) => !squeezed(sentence.text).includes(word));
    }
    case 'modal':
    case 'obligation': {
      const letters = bigrams(original);
      const ending = squeezed(to).slice(-5);
      const about = said.filter((sentence) => contained(letters, sentence.bigrams) >= sameMatter);
      return about.every((sentence) => !squeezed(sentence.text).endsWith(ending));
    }
    case 'exception':
      return !said.some((sentence) => squeezed(sentence.text).includes(squeezed(to)));
    case 'member':
    case 'neighbour': {
      const letters = bigrams(text);
      return said.every((sentence) => contained(letters, sentence.bigrams) < 0.6);
    }
    case 'exchange': {
      const rest = bigrams(original);
      return said.every(
        (sentence) =>
          sentence.text === original ||
          !new RegExp(`${to}(?:은|는|이|가)\\s`, 'u').test(sentence.text) ||
          contained(rest, sentence.bigrams) < sameMatter,
      );
    }
    case 'procedure':
    case 'delegation':
      return said.every((sentence) => !sentence.text.includes(to));
    case 'absolute': // the exception is there, or it would not be told as a rule
      return true;
    case 'aim': {
      const letters = squeezed(to);
      return said.every((sentence) => !squeezed(sentence.text).includes(letters));
    }
    case 'contrast':
    case 'topic': {
      const rest = bigrams(original.replace(from, ' '));
      return said.every(
        (sentence) => !sentence.text.includes(to) || contained(rest, sentence.bigrams) < sameMatter,
      );
    }
    case 'denial': {
      const letters = bigrams(original);
      const ending = squeezed(to).slice(-5);
      const about = said.filter((sentence) => contained(letters, sentence.bigrams) >= sameMatter);
      return about.every((sentence) => !squeezed(sentence.text).endsWith(ending));
    }
    case 'term': // that it stands nowhere is all there is to prove
      return true;
    case 'clause': {
      const letters = bigrams(to);
      return said.every((sentence) => contained(letters, sentence.bigrams) < 0.75);
    }
  }
}
