/**
 * A statute to chunks: one article, one chunk; a long one in parts that each repeat the article's heading.
 *
 * `content` is the heading line (`제2조(정의)`) and, below it, the text; taking the first line off every part
 * of an article and joining the rest restores the article. Addenda are cut the same way under
 * `부칙 <…> 제1조`, so that no reader takes a transitional provision for the law itself.
 *
 * `chunkId` = `<title>(<effective>)#<section>`, `@2` for the second part, `(시행 <date>)` for the variant of an
 * article that comes into force later, `~2` where a statute prints a section twice without telling them apart.
 *
 * `qualityScore` says how much a passage can answer by itself: 9 for an article with heading and text, 8
 * without heading, 5 for an appendix, 4 for an addendum, 3 for one that only dates or lists amendments, 1 for
 * a deleted article; 1 less where fewer than 20 tokens are left.
 */
import type { Chunk, ChunkKind } from '../../shared/retrieval/chunk.js';
import { countTokens } from '../../shared/text/token-count.js';
import type { ParsedDocument, SourceEntry } from '../documents/document.js';
import { articleStart, isoDate } from './line-roles.js';
import { parseStatute, statuteLines } from './parse-statute.js';
import { splitText } from './split-text.js';
import type { Addendum, Article, Statute } from './statute.js';

export const statuteLimits = { maxTokens: 600, targetTokens: 500 };

/**
 * True for a document that is a statute: its article starts begin with 제1조, and at least three of them count
 * on (a repealed article may be missing between two).
 */
export function isStatute(document: ParsedDocument): boolean {
  let last = 0;
  let ascending = 0;
  for (const line of statuteLines(document.blocks)) {
    const start = articleStart(line.text);
    if (!start || (!start.certain && start.rest !== '')) continue;
    if (last === 0 && start.number[0] !== 1) return false;
    if (start.number[0]! > last) ascending++;
    last = start.number[0]!;
    if (ascending >= 3) return true;
  }
  return false;
}

/** Cuts a statute into chunks, in the order of the text. */
export function cutStatute(document: ParsedDocument, source: SourceEntry): Chunk[] {
  return chunksOf(parseStatute(document, source.title), source);
}

export function chunksOf(statute: Statute, source: SourceEntry): Chunk[] {
  const effective = statute.effective || source.effective || dateInName(source.path);
  const taken = new Map<string, number>();
  const chunks: Chunk[] = [];
  const emit = (piece: Piece) => {
    const first = `${source.title}${dateSuffix(source.title, effective)}#${piece.section}${piece.variant}`;
    const uses = (taken.get(first) ?? 0) + 1;
    taken.set(first, uses);
    const base = uses === 1 ? first : `${first}~${uses}`;
    const room = countTokens(piece.headingLine);
    const parts = splitText(piece.text, countTokens, {
      maxTokens: statuteLimits.maxTokens - room,
      targetTokens: statuteLimits.targetTokens - room,
    });
    for (const [i, part] of parts.entries()) {
      const content = part.text === '' ? piece.headingLine : `${piece.headingLine}\n${part.text}`;
      const tokenCount = countTokens(content);
      chunks.push({
        chunkId: i === 0 ? base : `${base}@${i + 1}`,
        content,
        source: source.path,
        title: source.title,
        section: piece.section,
        domain: source.domain,
        licence: source.licence,
        effective: piece.effective ?? effective,
        qualityScore: Math.max(0, piece.quality - (tokenCount < 20 ? 1 : 0)),
        tokenCount,
        kind: piece.kind,
        heading: piece.heading,
        publisher: source.publisher,
        url: source.url,
      });
    }
  };
  for (const article of statute.articles) emit(articlePiece(article));
  for (const addendum of statute.addenda) for (const piece of addendumPieces(addendum)) emit(piece);
  for (const appendix of statute.appendices)
    emit({
      section: appendix.label,
      variant: '',
      headingLine: appendix.label,
      heading: '',
      text: appendix.text,
      kind: 'appendix',
      quality: 5,
    });
  return chunks;
}

interface Piece {
  section: string;
  variant: string;
  headingLine: string;
  heading: string;
  text: string;
  kind: ChunkKind;
  quality: number;
  effective?: string;
}

/** `제21조의2(안전성의 확보의무)`, `제12조`, `제8조 부터 제10조까지`. */
export function headingLine(article: Article): string {
  return `${article.label}${article.rangeText ?? ''}${article.heading === '' ? '' : `(${article.heading})`}`;
}

function articlePiece(article: Article): Piece {
  return {
    section: article.label,
    variant: article.hasTwin ? `(시행 ${article.variantEffective})` : '',
    headingLine: headingLine(article),
    heading: article.heading,
    text: article.text,
    kind: 'article',
    quality: article.deleted ? 1 : article.heading === '' ? 8 : 9,
    ...(article.variantEffective === undefined ? {} : { effective: article.variantEffective }),
  };
}

function addendumPieces(addendum: Addendum): Piece[] {
  const common = { variant: '', kind: 'addendum' as const };
  const pieces: Piece[] = [];
  if (addendum.text !== '' || addendum.articles.length === 0)
    pieces.push({
      ...common,
      section: addendum.label,
      headingLine: addendum.label,
      heading: '',
      text: addendum.text,
      quality: 3,
    });
  for (const article of addendum.articles)
    pieces.push({
      ...common,
      section: `${addendum.label} ${article.label}`,
      headingLine: `${addendum.label} ${headingLine(article)}`,
      heading: article.heading,
      text: article.text,
      quality: /시행일|다른 (?:법률|법령|규정)|개정|^$/.test(article.heading) ? 3 : 4,
    });
  return pieces;
}

/** `(2024-09-15)`, unless the title already carries the date. */
function dateSuffix(title: string, effective: string): string {
  return effective === '' || title.includes(effective) ? '' : `(${effective})`;
}

/** Date in a file name such as `전자금융감독규정(2025-02-05).pdf`, ISO; '' where there is none. */
function dateInName(path: string): string {
  const match = /(\d{4})[-._]?(\d{2})[-._]?(\d{2})/.exec(path);
  return match ? isoDate(match[1]!, match[2]!, match[3]!) : '';
}
