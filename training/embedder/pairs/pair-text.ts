/** What pairs are made of: an article of a statute, a control, a section of a guide. */
import type { Chunk } from '../../../shared/retrieval/chunk.js';
import { passageWindows } from '../../../shared/retrieval/passage-windows.js';
import { splitSentences } from '../../../shared/text/sentences.js';

export type PairText = Pick<Chunk, 'title' | 'section' | 'heading' | 'content' | 'kind'>;

/** References to provisions, notes of amendments, item marks: they tell where a sentence stands, not what it says. */
const citation =
  /[「『][^」』]*[」』](?:\s*제\s?\d+조(?:의\d+)?)?|제\s?\d+조(?:의\d+)?(?:제\d+항)?(?:제\d+호)?(?:[가-하]목)?|[<[][^>\]]*[>\]]|\([^)]*\)|[①-⑳]/gu;

export function withoutCitations(text: string): string {
  return text.replace(citation, ' ').replace(/\s+/gu, ' ').trim();
}

/** Title without the date of its version. */
export function undated(title: string): string {
  return title.replace(/\s*\(\d{4}-\d{2}-\d{2}\)$/u, '');
}

/**
 * A stem without the statute and the article that it names: served, those are looked up and need no vector. What
 * stands in brackets behind an article is its heading, and stays.
 */
export function withoutNames(stem: string, title: string): string {
  return stem
    .replaceAll(undated(title), ' ')
    .replace(/제\s?\d+조(?:의\d+)?(?:제\d+항)?(?:제\d+호)?/gu, ' ')
    .replace(/[「」『』()]/gu, ' ')
    .replace(/\s+/gu, ' ')
    .trim();
}

/** The content without the line that names it. */
export function bodyOf({ section, heading, content }: PairText): string {
  const heads = [`${section}(${heading})`, `${section} ${heading}`, heading, section];
  const head = heads.find((it) => it.trim() !== '' && content.startsWith(it));
  return head === undefined ? content : content.slice(head.length).trim();
}

export interface Stretch {
  /** As it is embedded to be searched: what stands above it, then the text. */
  passage: string;
  /** The text alone. */
  text: string;
}

/** The stretches that get vectors of their own (see `passage-windows.ts`), of the body alone. */
export function stretchesOf(chunk: PairText): Stretch[] {
  const lead = leadOf(chunk);
  const content = bodyOf(chunk);
  if (content === '') return [];
  return passageWindows({ ...emptyChunk, title: lead, heading: lead, content }).map((passage) => ({
    passage,
    text: passage.slice(lead.length + 1),
  }));
}

/** What a reader sees above a stretch. */
export function leadOf({ heading, title }: PairText): string {
  return heading || title;
}

/** Sentences of a stretch that say something of their own, citations removed. */
export function sentencesOf(text: string): string[] {
  return splitSentences(text)
    .map(withoutCitations)
    .filter((sentence) => sentence.length >= minSentenceLength);
}

const minSentenceLength = 25;

const emptyChunk: Chunk = {
  ...{ chunkId: '', content: '', source: '', title: '', section: '', domain: '', licence: '', effective: '' },
  ...{ qualityScore: 0, tokenCount: 0, kind: 'article', heading: '', publisher: '', url: '' },
};
