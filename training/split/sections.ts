/**
 * Blocks to sections: the heading path, and the blocks under it; then small neighbours merged.
 *
 * The title of the document is no part of a path. It is what the document says itself; else its only heading
 * of the highest level, where it opens the document. Sections are merged, in order, while one of the two is
 * below `min` tokens, both together stay within `max`, and they are related (same parent, or one contains the
 * other). A crumb (below a quarter of `min`) joins its relative even beyond `max`: the packer cuts both together.
 * A document that fits one chunk becomes one section.
 */
import { countTokens } from '../../shared/text/token-count.js';
import type { Block, ParsedDocument } from '../documents/document.js';

export type ContentBlock = Exclude<Block, { kind: 'heading' }>;

export interface Part {
  path: string[];
  blocks: ContentBlock[];
  tokens: number;
}

export interface Section {
  /** Heading path that all parts share. */
  path: string[];
  parts: Part[];
  tokens: number;
}

/**
 * Title of the document ('' where it has none of its own) and its parts in order; parts without content are left
 * out. `mainHeading` is the first heading of the highest level, for documents whose other names say nothing.
 */
export function partsOf(document: ParsedDocument): { title: string; mainHeading: string; parts: Part[] } {
  const titleAt = titleHeading(document.blocks);
  const parts: Part[] = [];
  let open: { level: number; text: string }[] = [];
  let part: Part = { path: [], blocks: [], tokens: 0 };
  const close = (): void => {
    if (part.blocks.length > 0) parts.push(part);
  };
  for (const [i, block] of document.blocks.entries()) {
    if (block.kind === 'heading') {
      if (i === titleAt) continue;
      close();
      open = [
        ...open.filter((heading) => heading.level < block.level),
        { level: block.level, text: headingText(block.text) },
      ];
      part = {
        path: open.map((heading) => heading.text).filter((text) => text !== ''),
        blocks: [],
        tokens: 0,
      };
    } else {
      part.blocks.push(block);
      part.tokens += blockTokens(block);
    }
  }
  close();
  const heading = titleAt === -1 ? undefined : document.blocks[titleAt];
  const title = document.title || (heading?.kind === 'heading' ? headingText(heading.text) : '');
  const headings = document.blocks.filter((block) => block.kind === 'heading');
  const highest = Math.min(...headings.map((block) => block.level));
  const mainHeading = headingText(headings.find((block) => block.level === highest)?.text ?? '');
  return { title, mainHeading, parts };
}

/** Merges small neighbouring parts. `min`, `max`: tokens. */
export function mergeParts(parts: readonly Part[], min: number, max: number): Section[] {
  const total = parts.reduce((sum, part) => sum + part.tokens + headingTokens(part), 0);
  if (parts.length > 0 && total <= max) {
    return [{ path: commonPath(parts.map((part) => part.path)), parts: [...parts], tokens: total }];
  }
  const sections: Section[] = [];
  for (const part of parts) {
    const tokens = part.tokens + headingTokens(part);
    const open = sections.at(-1);
    if (open !== undefined && related(open, part) && joinable(open.tokens, tokens, min, max)) {
      open.parts.push(part);
      open.path = commonPath([open.path, part.path]);
      open.tokens += tokens;
    } else {
      sections.push({ path: part.path, parts: [part], tokens });
    }
  }
  return sections;
}

/** Index of the heading that is the document's title, or −1. */
function titleHeading(blocks: readonly Block[]): number {
  const first = blocks.findIndex((block) => block.kind === 'heading');
  const heading = blocks[first];
  if (heading?.kind !== 'heading' || first > 2) return -1;
  const rivals = blocks.filter((block) => block.kind === 'heading' && block.level <= heading.level);
  return rivals.length === 1 ? first : -1;
}

/** `배경. ` → `배경`, `[참고사항]` → `참고사항`. */
function headingText(text: string): string {
  return text
    .replace(/\s+/gu, ' ')
    .replace(/^\[([^\][]*)\]$/u, '$1')
    .replace(/[\s.:：]+$/u, '')
    .trim();
}

function joinable(open: number, next: number, min: number, max: number): boolean {
  if (open < min / 4 || next < min / 4) return true;
  return open < min && open + next <= max;
}

function related(section: Section, part: Part): boolean {
  const a = section.path;
  const b = part.path;
  const common = commonPath([a, b]).length;
  const shorter = Math.min(a.length, b.length);
  return common === shorter || common === shorter - 1;
}

export function commonPath(paths: readonly (readonly string[])[]): string[] {
  const [first = [], ...others] = paths;
  let length = first.length;
  for (const path of others) {
    let same = 0;
    while (same < length && path[same] === first[same]) same += 1;
    length = same;
  }
  return first.slice(0, length);
}

function headingTokens(part: Part): number {
  return countTokens(part.path.at(-1) ?? '');
}

export function blockTokens(block: ContentBlock): number {
  if (block.kind === 'table') return block.rows.reduce((sum, row) => sum + countTokens(row.join(' | ')), 0);
  return countTokens(block.text);
}
