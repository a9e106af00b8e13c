/**
 * Text to sentences that a span can hold: whole ones; a sentence longer than `max` tokens is cut after clauses
 * (`，` `,` `;`), then between words, at last between characters, since something must give.
 */
import { splitSentences } from '../../shared/text/sentences.js';
import { countTokens } from '../../shared/text/token-count.js';
import type { Sentence } from './pack-sentences.js';

/** Sentences of one paragraph. `max`: tokens (≥ 10) that no sentence may exceed. */
export function sentencesOf(text: string, max: number, separator = '\n'): Sentence[] {
  const sentences: Sentence[] = [];
  let before = separator;
  for (const sentence of splitSentences(text)) {
    for (const part of shortEnough(sentence, max)) {
      const trimmed = part.trimEnd();
      if (trimmed.trim() !== '') {
        sentences.push({
          text: before === '' ? trimmed : trimmed.trimStart(),
          separator: before,
          tokens: countTokens(trimmed),
          endsParagraph: false,
        });
      }
      before = /\n\s*$/u.test(part) ? '\n' : /\s$/u.test(part) ? ' ' : '';
    }
  }
  const last = sentences.at(-1);
  if (last !== undefined) last.endsParagraph = true;
  return sentences;
}

function shortEnough(sentence: string, max: number): string[] {
  if (countTokens(sentence) <= max) return [sentence];
  for (const boundary of [/(?<=[，,;；、])/u, /(?<=\s)(?=\S)/u]) {
    const parts = packed(sentence.split(boundary), max);
    if (parts.length > 1) return parts.flatMap((part) => shortEnough(part, max));
  }
  const length = Math.max(1, Math.floor(sentence.length / Math.ceil((countTokens(sentence) / max) * 1.2)));
  const characters = Array.from(sentence);
  const parts: string[] = [];
  for (let i = 0; i < characters.length; i += length) parts.push(characters.slice(i, i + length).join(''));
  return parts.length > 1 ? parts : [sentence];
}

/** Joins neighbouring clauses again while they fit. */
function packed(clauses: readonly string[], max: number): string[] {
  const parts: string[] = [];
  let tokens = 0;
  for (const clause of clauses) {
    const own = countTokens(clause);
    if (parts.length > 0 && tokens + own <= max) {
      parts[parts.length - 1] += clause;
      tokens += own;
    } else {
      parts.push(clause);
      tokens = own;
    }
  }
  return parts;
}
