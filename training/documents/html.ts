/**
 * HTML to blocks: headings, paragraphs, list items, tables, code; page furniture left out.
 *
 * Left out: script, style, forms, `nav`, `aside`, hidden elements, `header` and `footer` of the page (headings
 * in a header are kept), images (a meaningful alternative text is kept), comments; and blocks that are nothing
 * but navigation: tables of contents (links into the page), lists of links to sibling pages, `[back]`, badges,
 * bare addresses. Links elsewhere become their text. `<br>` is a line break, two make a paragraph.
 * Markdown and DOCX come through here as well, so all three give the same blocks.
 */
import { type DefaultTreeAdapterTypes, parse } from 'parse5';
import { HaetaeError } from '../../shared/errors.js';
import type { Block, DocumentParser, ParsedDocument } from './document.js';
import { textOf } from './text-of.js';

type Node = DefaultTreeAdapterTypes.ChildNode;
type Element = DefaultTreeAdapterTypes.Element;

const dropped = new Set(
  (
    'script style noscript template svg math iframe object embed canvas audio video nav aside form button input ' +
    'select textarea dialog'
  ).split(' '),
);
const blockElements = new Set(
  (
    'address article blockquote body center dd details div dl dt fieldset figcaption figure footer header hr html ' +
    'main p section summary'
  ).split(' '),
);
const furniture = new Set(['header', 'footer']);
/** Link texts that lead somewhere and say nothing. */
const navigationWord =
  /^(?:뒤로|위로|목차|처음으로|이전|다음|링크|여기|참고|back|top|home|up|next|prev(?:ious)?|link|here|toc)$/iu;
const bareAddress = /^(?:[-*•]\s*)?<?(?:https?:\/\/|www\.)\S+>?$/u;
const emptyAlt =
  /^(?:|image\S*|img\S*|icon|logo|badge|photo|picture|figure|screenshot|사진|그림|이미지|설명|로고)$/iu;

/**
 * Blocks of an HTML text, whole page or fragment. `title` is that of `<title>`, or ''. Throws a `RangeError` where
 * elements are nested over 1,000 deep.
 */
export function blocksOfHtml(html: string): { title: string; blocks: Block[] } {
  refuseDeepNesting(html);
  const walker = new Walker();
  walker.children(parse(html).childNodes, 0);
  walker.flush();
  return { title: walker.title, blocks: walker.blocks };
}

/** Open elements at once beyond which a page is hostile: parsing time grows with the square of the nesting. */
const maxDepth = 1000;
const tag = /<(\/?)([a-z][a-z0-9]*)/giu;
/** Elements that need no end tag: many of them in a row are no nesting. */
const endTagOptional = new Set(
  (
    'area base br col embed hr img input link meta source track wbr p li dt dd tr td th thead tbody tfoot option ' +
    'colgroup html head body'
  ).split(' '),
);

/** Throws a `RangeError` for a page that nests too deeply; one pass over the text, before it is parsed. */
function refuseDeepNesting(html: string): void {
  let depth = 0;
  for (const match of html.matchAll(tag)) {
    if (endTagOptional.has((match[2] as string).toLowerCase())) continue;
    depth = match[1] === '' ? depth + 1 : Math.max(0, depth - 1);
    if (depth > maxDepth) throw new RangeError(`more than ${maxDepth} elements are open at once`);
  }
}

/** Text lines of blocks, in order: a table row is one line with its cells separated by ` | `. */
export function linesOfBlocks(blocks: readonly Block[]): string[] {
  return blocks.flatMap((block) =>
    block.kind === 'table' ? block.rows.map((row) => row.join(' | ')) : block.text.split('\n'),
  );
}

export const parseHtml: DocumentParser = async (bytes, path): Promise<ParsedDocument> => {
  const { title, blocks } = blocksOfHtml(textOf(bytes, path));
  if (blocks.length === 0) {
    throw new HaetaeError('DOCUMENT_EMPTY', `${path}: the page holds no text outside its navigation.`, {
      path,
    });
  }
  return { title, effective: '', blocks, lines: linesOfBlocks(blocks), warnings: [] };
};

interface Inline {
  text: string;
  /** Characters of the text that stand in links. */
  linked: number;
  hrefs: string[];
}

class Walker {
  title = '';
  readonly blocks: Block[] = [];
  #inline: Inline = { text: '', linked: 0, hrefs: [] };
  /** Where the next text goes: a list item with its mark, or a paragraph. */
  #item: { mark: string; depth: number } | undefined;
  #inLink = false;

  children(nodes: readonly Node[], depth: number): void {
    for (const node of nodes) this.#visit(node, depth);
  }

  #visit(node: Node, depth: number): void {
    if (node.nodeName === '#text' && 'value' in node) this.#text(node.value.replace(/\s+/gu, ' '));
    else if ('tagName' in node) this.#element(node, depth);
  }

  #element(element: Element, depth: number): void {
    const name = element.tagName;
    if (name === 'title' && element.parentNode?.nodeName === 'head') {
      this.title = tidy(textContent(element));
    } else if (name === 'head') {
      this.children(element.childNodes, depth);
    } else if (dropped.has(name) || isHidden(element) || attribute(element, 'role') === 'navigation') {
      return;
    } else if (furniture.has(name) && !insideArticle(element)) {
      for (const heading of headingsIn(element)) this.#heading(heading);
    } else if (/^h[1-6]$/u.test(name)) {
      this.#heading(element);
    } else if (name === 'ul' || name === 'ol') {
      this.#list(element, depth);
    } else if (name === 'table') {
      this.#table(element);
    } else if (name === 'pre') {
      this.flush();
      const text = textContent(element).replace(/^\n+|\s+$/gu, '');
      if (text !== '') this.blocks.push({ kind: 'code', text });
    } else if (name === 'br') {
      this.#inline.text = `${this.#inline.text.replace(/ +$/u, '')}\n`;
    } else if (name === 'img') {
      const alt = tidy(attribute(element, 'alt') ?? '');
      if (!this.#inLink && isMeaningfulAlt(alt)) this.#text(`${alt} `);
    } else if (name === 'a') {
      this.#link(element, depth);
    } else if (blockElements.has(name)) {
      this.flush();
      this.children(element.childNodes, depth);
      this.flush();
    } else {
      this.children(element.childNodes, depth);
    }
  }

  #text(text: string): void {
    const inline = this.#inline;
    const joined = inline.text === '' || inline.text.endsWith('\n') ? text.trimStart() : text;
    inline.text += inline.text.endsWith(' ') ? joined.trimStart() : joined;
    if (this.#inLink) inline.linked += joined.replace(/\s/gu, '').length;
  }

  #link(element: Element, depth: number): void {
    const outer = this.#inLink;
    this.#inLink = true;
    const href = attribute(element, 'href');
    if (href !== undefined) this.#inline.hrefs.push(href);
    this.children(element.childNodes, depth);
    this.#inLink = outer;
  }

  #heading(element: Element): void {
    this.flush();
    this.#item = undefined;
    const text = tidy(textContent(element));
    if (text !== '') this.blocks.push({ kind: 'heading', level: Number(element.tagName[1]), text });
  }

  #list(list: Element, depth: number): void {
    this.flush();
    if (isContents(list)) return;
    const ordered = list.tagName === 'ol';
    let number = Number.parseInt(attribute(list, 'start') ?? '1', 10) || 1;
    for (const child of list.childNodes) {
      if ('tagName' in child && child.tagName === 'li') {
        this.#item = { mark: ordered ? `${number}. ` : '', depth };
        number += 1;
        this.children(child.childNodes, depth + 1);
        this.flush();
        this.#item = undefined;
      } else {
        this.#visit(child, depth + 1);
      }
    }
    this.flush();
  }

  #table(table: Element): void {
    this.flush();
    const rows = rowsOf(table).filter((row) => row.some((cell) => cell !== ''));
    if (rows.length === 0) return;
    if (rows.every((row) => row.length === 1)) {
      for (const row of rows) this.blocks.push({ kind: 'paragraph', text: row[0] as string });
    } else {
      this.blocks.push({ kind: 'table', rows });
    }
  }

  /** Ends the open paragraph or list item. */
  flush(): void {
    const inline = this.#inline;
    this.#inline = { text: '', linked: 0, hrefs: [] };
    for (const part of inline.text.split(/\n\s*\n/u)) {
      const text = part.replace(/[ \t]*\n[ \t]*/gu, '\n').trim();
      if (text === '' || isNavigation(text, inline)) continue;
      if (this.#item !== undefined) {
        this.blocks.push({ kind: 'list-item', text: this.#item.mark + text, depth: this.#item.depth });
        this.#item = undefined;
      } else {
        this.blocks.push({ kind: 'paragraph', text });
      }
    }
  }
}

function isNavigation(text: string, inline: Inline): boolean {
  if (!/[\p{L}\p{N}]/u.test(text) || bareAddress.test(text)) return true;
  const visible = inline.text.replace(/[\s|/·•:\-–,()[\]]/gu, '').length;
  if (inline.hrefs.length === 0 || inline.linked < visible * 0.9) return false;
  const words = text.split(/[\s|/·•]+/u).filter((word) => word !== '');
  if (words.every((word) => navigationWord.test(word))) return true;
  return (
    inline.hrefs.every((href) => href.startsWith('#')) ||
    (inline.hrefs.length >= 5 && allInside(inline.hrefs))
  );
}

function allInside(hrefs: readonly string[]): boolean {
  return hrefs.every((href) => !/^[a-z]+:/iu.test(href));
}

/** A table of contents: four in five of its items hold a link into the same page. */
function isContents(list: Element): boolean {
  const hrefs = descendants(list, 'a').map((a) => attribute(a, 'href') ?? '');
  const items = list.childNodes.filter((node) => node.nodeName === 'li').length;
  const local = hrefs.filter((href) => href.startsWith('#')).length;
  return items > 0 && local >= items * 0.8 && local >= hrefs.length * 0.8;
}

function rowsOf(table: Element): string[][] {
  return descendants(table, 'tr').map((row) =>
    row.childNodes.flatMap((cell) =>
      'tagName' in cell && (cell.tagName === 'td' || cell.tagName === 'th') ? [tidy(textContent(cell))] : [],
    ),
  );
}

function descendants(element: Element, name: string): Element[] {
  const found: Element[] = [];
  const stack: Node[] = [...element.childNodes].reverse();
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (!('tagName' in node)) continue;
    if (node.tagName === name) found.push(node);
    stack.push(...[...node.childNodes].reverse());
  }
  return found;
}

function headingsIn(element: Element): Element[] {
  return ['h1', 'h2', 'h3'].flatMap((name) => descendants(element, name));
}

function textContent(element: Element): string {
  let text = '';
  for (const node of element.childNodes) {
    if (node.nodeName === '#text' && 'value' in node) text += node.value;
    else if (!('tagName' in node)) continue;
    else if (
      node.tagName === 'br' ||
      node.tagName === 'p' ||
      node.tagName === 'li' ||
      node.tagName === 'div'
    ) {
      text += `${node.tagName === 'br' ? '' : textContent(node)}\n`;
    } else if (node.tagName === 'img') {
      const alt = attribute(node, 'alt') ?? '';
      if (isMeaningfulAlt(alt)) text += alt;
    } else if (!dropped.has(node.tagName)) text += textContent(node);
  }
  return text;
}

/** An alternative text in words: not a file name, not `icon`, and more than one word of Latin letters. */
function isMeaningfulAlt(alt: string): boolean {
  if (emptyAlt.test(alt) || /\.(?:png|jpe?g|gif|svg|webp)$/iu.test(alt)) return false;
  return /\p{Script=Hangul}{2}/u.test(alt) || /\p{L}{2}\S*\s+\S*\p{L}{2}/u.test(alt);
}

function insideArticle(element: Element): boolean {
  for (let node = element.parentNode; node !== null; node = 'parentNode' in node ? node.parentNode : null) {
    if (node.nodeName === 'article' || node.nodeName === 'main') return true;
  }
  return false;
}

function isHidden(element: Element): boolean {
  return (
    attribute(element, 'hidden') !== undefined ||
    /display:\s*none|visibility:\s*hidden/u.test(attribute(element, 'style') ?? '')
  );
}

function attribute(element: Element, name: string): string | undefined {
  return element.attrs.find((attr) => attr.name === name)?.value;
}

function tidy(text: string): string {
  return text.replace(/\s+/gu, ' ').trim();
}
