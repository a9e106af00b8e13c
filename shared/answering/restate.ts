/** Restates sentences of the evidence as an answer that names its sources. */
import type { Support } from './choice-scorer.js';

/**
 * @param supports sentences to restate, most important first.
 * @param maxLength characters; a sentence that does not fit any more is left out (the first is always kept, cut).
 */
export function restate(supports: readonly Support[], maxLength: number): string {
  const parts: string[] = [];
  let length = 0;
  let lastSource = '';
  for (const { passage, evidence } of supports) {
    const sentence = asStatement(clean(evidence));
    if (sentence === '') continue;
    const source = sourceName(passage.chunk.title, passage.chunk.section, passage.chunk.kind);
    const lead = source === lastSource ? '또한 ' : `${source}에 따르면 `;
    const part = lead + sentence;
    if (parts.length > 0 && length + 1 + part.length > maxLength) continue;
    // A cut must not leave half of a surrogate pair.
    const kept = part.slice(0, maxLength).replace(/[\uD800-\uDBFF]$/, '');
    parts.push(kept);
    length += kept.length + (parts.length > 1 ? 1 : 0);
    lastSource = source;
  }
  return parts.join(' ');
}

function sourceName(title: string, section: string, kind: string): string {
  return kind === 'article' || kind === 'addendum' ? `${title} ${section}` : `「${title}」`;
}

/** Drops item marks, amendment notes, bracketed references and Markdown marks. */
export function clean(text: string): string {
  return text
    .replace(/^\s*(?:제\d+조(?:의\d+)?\s*\([^)]*\)\s*)/u, '')
    .replace(/[<[](?:개정|신설|본조신설|전문개정|제목개정|종전|타법개정|시행일)[^>\]]*[>\]]/gu, '')
    .replace(/\((?:이하|영|법|제\d+)[^)]*\)/gu, '')
    .replace(/^\s*(?:[①-⑳]|\d{1,3}[.)]|[가-하][.)]|[-*•·>#]+)\s*/u, '')
    .replace(/[*_`#|]+/gu, ' ')
    .replace(/\[([^\]]*)\]\([^)]*\)/gu, '$1')
    .replace(/\s+/gu, ' ')
    .trim();
}

/** A noun phrase of a list becomes a sentence; a sentence keeps its end. */
function asStatement(text: string): string {
  if (text === '' || /[.!?。]$/u.test(text)) return text;
  if (/(?:다|요|음|함|임)$/u.test(text)) return `${text}.`;
  return `${text}${endsInConsonant(text) ? '이' : '가'} 해당한다.`;
}

function endsInConsonant(text: string): boolean {
  const code = text.charCodeAt(text.length - 1) - 0xac00;
  return code >= 0 && code <= 11_171 && code % 28 !== 0;
}
