/** How much two Korean texts say with the same letters: robust against particles, spaces and signs. */
import { normalizeText } from '../../../shared/text/normalize.js';

/** Letters and digits only, numbers in one written form. */
export function squeezed(text: string): string {
  return normalizeText(text).replace(/[^\p{L}\p{N}%]/gu, '');
}

/** Texts are compared with many others: their bigrams are kept, as long as there are not too many. */
const known = new Map<string, ReadonlySet<string>>();
const mostKnown = 60_000;

export function bigrams(text: string): ReadonlySet<string> {
  let found = known.get(text);
  if (!found) {
    if (known.size >= mostKnown) known.clear();
    found = bigramsOf(text);
    known.set(text, found);
  }
  return found;
}

function bigramsOf(text: string): Set<string> {
  const letters = squeezed(text);
  const found = new Set<string>();
  for (let i = 0; i + 1 < letters.length; i++) found.add(letters.slice(i, i + 2));
  return found;
}

/** The share of the bigrams of `part` that `whole` has too, 0..1. */
export function contained(part: ReadonlySet<string>, whole: ReadonlySet<string>): number {
  if (part.size === 0) return 1;
  let shared = 0;
  for (const bigram of part) if (whole.has(bigram)) shared++;
  return shared / part.size;
}

/** Shared bigrams against all, 0..1. */
export function likeness(one: string, other: string): number {
  const a = bigrams(one);
  const b = bigrams(other);
  if (a.size === 0 && b.size === 0) return 1;
  const shared = contained(a, b) * a.size;
  return shared / (a.size + b.size - shared);
}
