/**
 * Content-quality score of a chunk, 0..10, by rule:
 *
 *     10 × length × letters × sentences × kind
 *     length      min(1, tokens / 60), at least 0.3; a text under 8 tokens: 0.05
 *     letters     share of letters and digits among visible characters, 0.5 or less → 0.2, 0.8 or more → 1
 *     sentences   share of visible characters in lines of four words or more, mapped 0 → 0.5, 0.6 or more → 1
 *     kind        0.15 for licences, codes of conduct, contribution and support notes; 0.4 for the front page
 *                 of a repository (README of links); 0.6 for reading lists; 0.85 without any Hangul; else 1
 *
 * Certification controls are complete and short by nature: only `letters` counts. (Statutes are scored where
 * they are cut.)
 */
import type { ChunkKind } from '../../shared/retrieval/chunk.js';
import { countTokens } from '../../shared/text/token-count.js';

const housekeeping =
  /(?:^|__|\/)(?:licen[cs]e|code[_ -]of[_ -]conduct|contributing|security|support|agents|changelog)$|(?:^|[_/-])about[_-]\w+$/iu;
const frontPage = /(?:^|__)(?:README|_?index)(?:\.[^./]*)*$/u;
const readingList = /^(?:참고|참조|출처|reference|further reading|see also|자료|링크)/iu;

/** Score 0..10 with one decimal. `source`: path of the document; `heading`: of the chunk, may be ''. */
export function qualityOf(chunk: {
  content: string;
  source: string;
  heading: string;
  kind: ChunkKind;
}): number {
  const { content, source, heading, kind } = chunk;
  const letters = ramp(lettersShare(content), 0.5, 0.8, 0.2);
  if (kind === 'control') return round(10 * letters);
  const tokens = countTokens(content);
  const length = tokens < 8 ? 0.05 : Math.max(0.3, Math.min(1, tokens / 60));
  const sentences = kind === 'table' ? 1 : ramp(proseShare(content), 0, 0.6, 0.5);
  return round(10 * length * letters * sentences * kindFactor(content, source, heading));
}

function kindFactor(content: string, source: string, heading: string): number {
  const name = source.replace(/\.(?:md|markdown|html?|txt|docx|pdf)$/iu, '');
  if (housekeeping.test(name)) return 0.15;
  if (readingList.test(heading)) return 0.6;
  if (frontPage.test(name) && linkLike(content)) return 0.4;
  return /\p{Script=Hangul}/u.test(content) ? 1 : 0.85;
}

/** Mostly lines of a few words without a sentence end: what is left of a list of links. */
function linkLike(content: string): boolean {
  const lines = content.split('\n').filter((line) => line.trim() !== '');
  return lines.filter((line) => !/[.。?!]/u.test(line)).length > lines.length * 0.6;
}

function lettersShare(content: string): number {
  const visible = content.replace(/\s/gu, '').length;
  return visible === 0 ? 0 : (content.match(/[\p{L}\p{N}]/gu) ?? []).length / visible;
}

function proseShare(content: string): number {
  let all = 0;
  let prose = 0;
  for (const line of content.split('\n')) {
    all += line.length;
    if (line.trim().split(/\s+/u).length >= 4) prose += line.length;
  }
  return all === 0 ? 0 : prose / all;
}

/** Linear from `low` (→ `floor`) to `high` (→ 1). */
function ramp(value: number, low: number, high: number, floor: number): number {
  return floor + (1 - floor) * Math.min(1, Math.max(0, (value - low) / (high - low)));
}

function round(score: number): number {
  return Math.round(Math.min(10, Math.max(0, score)) * 10) / 10;
}
