/**
 * The 4-grams of a text, and the Jaccard likeness of two sets of them.
 *
 * Text is taken as `normalizeText` leaves it. Character grams: of its letters and digits only, so that spacing and
 * marks do not matter. Word grams: of its words without marks. A text comes as parts (a stem, each choice): no gram
 * runs over from one to the next, so the order of choices does not matter. A part shorter than four is one gram.
 */
import { normalizeText } from '../../../shared/text/normalize.js';

const n = 4;

export function characterGrams(parts: readonly string[]): Set<string> {
  const grams = new Set<string>();
  for (const part of parts) {
    const text = [...normalizeText(part).replace(/[^\p{L}\p{N}]/gu, '')];
    if (text.length > 0 && text.length < n) grams.add(text.join(''));
    for (let i = 0; i + n <= text.length; i++) grams.add(text.slice(i, i + n).join(''));
  }
  return grams;
}

export function wordGrams(parts: readonly string[]): Set<string> {
  const grams = new Set<string>();
  for (const part of parts) {
    const words = normalizeText(part)
      .split(/[^\p{L}\p{N}]+/u)
      .filter((word) => word !== '');
    if (words.length > 0 && words.length < n) grams.add(words.join(' '));
    for (let i = 0; i + n <= words.length; i++) grams.add(words.slice(i, i + n).join(' '));
  }
  return grams;
}

/** Shared grams by all grams of both, 0..1; 0 where both are empty. */
export function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const [small, large] = a.size <= b.size ? [a, b] : [b, a];
  let shared = 0;
  for (const gram of small) if (large.has(gram)) shared += 1;
  const all = a.size + b.size - shared;
  return all === 0 ? 0 : shared / all;
}
