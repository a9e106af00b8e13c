/**
 * Running heads, running feet and page numbers: lines that repeat on most pages, at the same height, near an
 * edge of the paper. Digits are masked before comparing, so a page number does not make two feet different.
 */
import type { VisualLine } from './visual-line.js';

/** Part of the page height at each edge where furniture may stand. */
const edge = 0.12;
/** A line that stands on at least this part of the pages (and on two) is furniture. */
const share = 0.5;

export interface PageSize {
  /** 1-based. */
  page: number;
  /** Edges of the paper, points. */
  left: number;
  right: number;
  bottom: number;
  top: number;
}

/** Feet of single-page prints, which cannot repeat: a page number alone, or between two short words. */
const lonelyFoot = /^(?:-?\s*\d{1,4}\s*-?|법제처\s+\d+\s+국가법령정보센터)$/;

/** Splits the lines of a document into its text and its page furniture. */
export function separateFurniture(
  lines: readonly VisualLine[],
  pages: readonly PageSize[],
): { body: VisualLine[]; furniture: VisualLine[] } {
  const sizes = new Map(pages.map((page) => [page.page, page]));
  const inEdge = (line: VisualLine) => {
    const page = sizes.get(line.page);
    if (!page) return false;
    const height = page.top - page.bottom;
    return line.y > page.top - edge * height || line.y < page.bottom + edge * height;
  };
  const keyOf = (line: VisualLine) => `${Math.round(line.y / 2)}|${line.text.replace(/\d+/g, '#')}`;
  const pagesOf = new Map<string, Set<number>>();
  for (const line of lines) {
    if (!inEdge(line)) continue;
    const key = keyOf(line);
    const seen = pagesOf.get(key) ?? new Set<number>();
    pagesOf.set(key, seen.add(line.page));
  }
  const least = Math.max(2, share * pages.length);
  const body: VisualLine[] = [];
  const furniture: VisualLine[] = [];
  for (const line of lines) {
    const repeated = (pagesOf.get(keyOf(line))?.size ?? 0) >= least;
    const lonely = inEdge(line) && lonelyFoot.test(line.text);
    (repeated || lonely ? furniture : body).push(line);
  }
  return { body, furniture };
}
