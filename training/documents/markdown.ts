/**
 * Markdown (GitHub flavour, with YAML front matter) to blocks.
 *
 * The front matter gives title (`제목`, `title`) and effective date (`시행일자`, `effective`); a malformed one
 * is left out with a warning. The body goes through HTML, so inline HTML is read as such; what only looks like
 * a tag (`List<String>`, `<stdio.h>`) stays text. Kramdown attributes (`{: …}`) are dropped.
 * `lines` are the lines of the source without Markdown marks: statutes are written one item a line, which
 * Markdown's paragraphs would join.
 */
import { Marked } from 'marked';
import { parse as parseYaml } from 'yaml';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import type { DocumentParser, ParsedDocument } from './document.js';
import { blocksOfHtml } from './html.js';
import { textOf } from './text-of.js';

const htmlElement =
  /^<(?:!--|\/?(?:a|abbr|article|aside|b|blockquote|body|br|center|cite|code|dd|del|details|div|dl|dt|em|figcaption|figure|font|footer|h[1-6]|head|header|hr|html|i|iframe|img|ins|kbd|li|link|main|mark|meta|nav|ol|p|pre|q|s|samp|script|section|small|span|strike|strong|style|sub|summary|sup|svg|table|tbody|td|tfoot|th|thead|title|tr|tt|u|ul|var|video)(?=[\s/>]))/iu;

const marked = new Marked({ gfm: true }).use({
  renderer: {
    // only what the lexer took for a tag comes here: an unknown one is text that happens to stand in brackets
    html: ({ text }) =>
      text.replace(/<[^>]*>?/gu, (tag) => (htmlElement.test(tag) || tag === '<' ? tag : escapeHtml(tag))),
  },
});

export const parseMarkdown: DocumentParser = async (bytes, path): Promise<ParsedDocument> => {
  const warnings: string[] = [];
  const { meta, body } = frontMatter(textOf(bytes, path), warnings);
  const source = body.replace(/\{:[^}\n]*\}/gu, '');
  refuseDeepNesting(source);
  const { blocks } = blocksOfHtml(await marked.parse(source));
  if (blocks.length === 0) {
    throw new HaetaeError('DOCUMENT_EMPTY', `${path}: the document holds no text besides its front matter.`, {
      path,
    });
  }
  return {
    title: textField(meta, ['제목', 'title']),
    effective: isoDate(textField(meta, ['시행일자', 'effective'])),
    blocks,
    lines: source
      .split('\n')
      .map(plainLine)
      .filter((line) => line !== ''),
    warnings,
  };
};

/** Columns of indentation and marks of lists and quotes before the text of a line, beyond which a text is hostile. */
const maxPrefix = 400;
const prefix = /^[ \t>*+\-\d.)]*(?=[^\s>*+\-\d.)])/gmu;

/** Throws a `RangeError` for lists and quotes nested hundreds deep: time and memory grow with the cube of the depth. */
function refuseDeepNesting(source: string): void {
  for (const [before] of source.matchAll(prefix)) {
    if (before.length > maxPrefix && /[>*+-]|\d[.)]/u.test(before))
      throw new RangeError('hundreds of lists or quotes are open at once');
  }
}

function frontMatter(text: string, warnings: string[]): { meta: Record<string, unknown>; body: string } {
  const match = /^\s*---[ \t]*\n([\s\S]*?)\n---[ \t]*(?:\n|$)/u.exec(text);
  if (match === null) return { meta: {}, body: text };
  const body = text.slice(match[0].length);
  try {
    const meta: unknown = parseYaml(match[1] as string, { maxAliasCount: 20 });
    if (typeof meta === 'object' && meta !== null && !Array.isArray(meta)) {
      return { meta: meta as Record<string, unknown>, body };
    }
    // `---` lines that enclose no mapping are rulers around text
    return { meta: {}, body: text };
  } catch (error) {
    warnings.push(`front matter is not valid YAML: ${messageOf(error).split('\n')[0]}`);
    return { meta: {}, body };
  }
}

function textField(meta: Record<string, unknown>, names: readonly string[]): string {
  for (const name of names) {
    const value = Object.hasOwn(meta, name) ? meta[name] : undefined;
    if (typeof value === 'string' && value.trim() !== '') return value.replace(/\s+/gu, ' ').trim();
  }
  return '';
}

/** `2025-04-23`, `2025. 4. 23.`, `20250423` → `2025-04-23`; anything else → ''. */
export function isoDate(text: string): string {
  const match = /^(\d{4})(?:[-./]\s?(\d{1,2})[-./]\s?(\d{1,2})\.?|(\d{2})(\d{2}))$/u.exec(text.trim());
  if (match === null) return '';
  const month = Number(match[2] ?? match[4]);
  const day = Number(match[3] ?? match[5]);
  if (month < 1 || month > 12 || day < 1 || day > 31) return '';
  return `${match[1]}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}

/** One line of Markdown as a reader sees it. */
function plainLine(line: string): string {
  return line
    .replace(/<(?:img|br|hr)\b[^>]*>|<\/(?:img|br)>/giu, ' ')
    .replace(/!\[[^\]]*\]\([^)]*\)/gu, '')
    .replace(/\[([^\]]+)\]\((?:https?:|\/|#)[^)]*\)/gu, '$1')
    .replace(/^\s*#{1,6}\s+/u, '')
    .replace(/^\s*\|(.*)\|\s*$/u, (_, cells: string) =>
      /^[\s|:-]*$/u.test(cells)
        ? ''
        : cells
            .split('|')
            .map((cell) => cell.trim())
            .join(' | '),
    )
    .replace(/\*\*([^*]+)\*\*/gu, '$1')
    .replace(/\\([!-/:-@[-`{-~])/gu, '$1')
    .trim();
}

function escapeHtml(text: string): string {
  return text.replace(/&/gu, '&amp;').replace(/</gu, '&lt;').replace(/>/gu, '&gt;');
}
