/**
 * Proves that cutting lost nothing: reads statutes, cuts them, and accounts for every character.
 *
 *     node --import=tsx training/statute/audit.ts FILE…        a table, one line per statute; exit 1 on a loss
 *
 * Every character that is not white space must stand once in the chunks (without the heading lines that parts
 * repeat), or in a chapter heading, or in the metadata above the first article. Also reported: the number of
 * articles, the first and last, and gaps in the numbering (a repealed article leaves `삭제` behind, so a gap is
 * suspicious, though some statutes do print ranges or drop numbers).
 */
import { readFileSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Chunk } from '../../shared/retrieval/chunk.js';
import type { ParsedDocument, SourceEntry } from '../documents/document.js';
import { PdfParserProcess } from '../documents/pdf-isolated.js';
import { chunksOf, headingLine } from './cut-statute.js';
import { labelOf } from './line-roles.js';
import { parseStatute } from './parse-statute.js';
import { type Article, compareNumbers, follows, type Statute } from './statute.js';
import { parseStatuteMarkdown } from './statute-markdown.js';

export interface StatuteAudit {
  articles: string[];
  /** `제7조 → 제9조`. */
  gaps: string[];
  chunks: number;
  /** Characters, not white space, of the document's lines. */
  characters: number;
  /** Of those, the ones in no chunk, chapter heading or metadata; negative where text is doubled. */
  lost: number;
  /** Sections whose parts, joined, are not the article's text. */
  broken: string[];
  warnings: string[];
}

const solid = (text: string) => text.replace(/\s+/g, '');
const lengthOf = (texts: readonly string[]) => texts.reduce((sum, text) => sum + solid(text).length, 0);

export function auditStatute(document: ParsedDocument, source: SourceEntry): StatuteAudit {
  const statute = parseStatute(document, source.title);
  const chunks = chunksOf(statute, source);
  const headings = lengthOf(headingTexts(statute));
  const characters = lengthOf(document.lines);
  const bodies = lengthOf(chunks.map((chunk) => bodyOf(chunk)));
  const known = headings + bodies + lengthOf(statute.metadata) + lengthOf(statute.chapters);
  return {
    articles: statute.articles.map((article) => article.label),
    gaps: gapsOf(statute.articles),
    chunks: chunks.length,
    characters,
    lost: characters - known,
    broken: brokenSections(statute, chunks),
    warnings: statute.warnings,
  };
}

/** A chunk's text without its heading line. */
export function bodyOf(chunk: Chunk): string {
  const end = chunk.content.indexOf('\n');
  return end < 0 ? '' : chunk.content.slice(end + 1);
}

/** What the document itself prints of the headings: each once, however many parts repeat it. */
function headingTexts(statute: Statute): string[] {
  const articles = [...statute.articles, ...statute.addenda.flatMap((addendum) => addendum.articles)];
  return [...articles.map(headingLine), ...statute.addenda.map((addendum) => addendum.label)];
}

function gapsOf(articles: readonly Article[]): string[] {
  const gaps: string[] = [];
  for (let i = 1; i < articles.length; i++) {
    const before = articles[i - 1]!;
    const after = articles[i]!;
    if (
      before.rangeText === undefined &&
      !follows(before.number, after.number) &&
      compareNumbers(before.number, after.number) !== 0
    )
      gaps.push(`${labelOf(before.number)} → ${labelOf(after.number)}`);
  }
  return gaps;
}

function brokenSections(statute: Statute, chunks: readonly Chunk[]): string[] {
  const bySection = new Map<string, string>();
  for (const chunk of chunks)
    bySection.set(chunk.section, (bySection.get(chunk.section) ?? '') + solid(bodyOf(chunk)));
  const expected = new Map<string, string>();
  const add = (section: string, text: string) =>
    expected.set(section, (expected.get(section) ?? '') + solid(text));
  for (const article of statute.articles) add(article.label, article.text);
  for (const addendum of statute.addenda) {
    if (addendum.text !== '') add(addendum.label, addendum.text);
    for (const article of addendum.articles) add(`${addendum.label} ${article.label}`, article.text);
  }
  return [...expected]
    .filter(([section, text]) => bySection.get(section) !== text)
    .map(([section]) => section);
}

async function main(paths: readonly string[]): Promise<void> {
  const parser = new PdfParserProcess();
  let failures = 0;
  try {
    for (const path of paths) {
      const bytes = readFileSync(path);
      const document =
        extname(path) === '.pdf' ? await parser.parse(bytes, path) : await parseStatuteMarkdown(bytes, path);
      const title = basename(path, extname(path));
      const source = { path, title, publisher: '', licence: '-', effective: '', url: '', domain: 'law' };
      const audit = auditStatute(document, source);
      if (audit.lost !== 0 || audit.broken.length > 0) failures++;
      console.log(
        [
          title,
          `${audit.articles.length} articles ${audit.articles[0]} … ${audit.articles.at(-1)}`,
          `${audit.chunks} chunks`,
          `${audit.characters} characters, ${audit.lost} lost`,
          ...audit.gaps.map((gap) => `gap ${gap}`),
          ...audit.broken.map((section) => `broken ${section}`),
          ...audit.warnings,
        ].join(' | '),
      );
    }
  } finally {
    await parser.close();
  }
  if (failures > 0) process.exitCode = 1;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  await main(process.argv.slice(2));
