/**
 * The blocks of a document to a `Statute`.
 *
 * Markdown marks articles as headings, and only headings are believed there. A print marks nothing, so starts
 * are recognised by their wording and by their order: main articles ascend; a number that repeats is a variant
 * printed for a later date; a number that falls back is a quotation. Addenda count their articles from 1
 * again, and quote articles of other statutes, so there a start must be the next in the row.
 */
import type { Block, ParsedDocument } from '../documents/document.js';
import {
  type ArticleStart,
  appendixLabel,
  articleStart,
  chapterHeading,
  futureDate,
  isAddendumStart,
  isoDate,
} from './line-roles.js';
import {
  type Addendum,
  type Article,
  type ArticleNumber,
  compareNumbers,
  follows,
  type Statute,
} from './statute.js';

interface Line {
  text: string;
  heading: boolean;
}

/** Lines of a document; a heading block keeps its mark, a paragraph gives one line per line break. */
export function statuteLines(blocks: readonly Block[]): Line[] {
  const lines: Line[] = [];
  for (const block of blocks) {
    if (block.kind === 'table') {
      for (const row of block.rows) lines.push({ text: row.join(' | '), heading: false });
      continue;
    }
    for (const text of block.text.split('\n'))
      if (text.trim() !== '') lines.push({ text: text.trim(), heading: block.kind === 'heading' });
  }
  return lines;
}

export function parseStatute(document: ParsedDocument, title: string): Statute {
  const lines = statuteLines(document.blocks);
  const marked = lines.filter((line) => line.heading && articleStart(line.text)).length >= 2;
  const parser = new Parser(title, marked);
  for (let i = 0; i < lines.length; i++) parser.take(lines[i]!, lines[i + 1]);
  const statute = parser.finish();
  statute.effective = document.effective || effectiveOf(statute.metadata);
  markVariants(statute.articles, statute.effective);
  return statute;
}

/** Date of `[시행 2024. 9. 15.]`, ISO; '' where no line has one. */
export function effectiveOf(lines: readonly string[]): string {
  for (const line of lines) {
    const match = /\[시행\s*(\d{4})\.\s*(\d{1,2})\.\s*(\d{1,2})\.?\s*\]/.exec(line);
    if (match) return isoDate(match[1]!, match[2]!, match[3]!);
  }
  return '';
}

class Parser {
  readonly #statute: Statute;
  readonly #marked: boolean;
  readonly #chapters: (string | undefined)[] = [];
  #last: ArticleNumber = [0];
  #article: Article | undefined;
  #addendum: Addendum | undefined;
  #lastInAddendum: ArticleNumber = [0];
  #appendix: { label: string; text: string } | undefined;

  constructor(title: string, marked: boolean) {
    this.#marked = marked;
    this.#statute = {
      title,
      effective: '',
      articles: [],
      addenda: [],
      appendices: [],
      metadata: [],
      chapters: [],
      warnings: [],
    };
  }

  take(line: Line, next: Line | undefined): void {
    if (this.#takesAddendum(line)) return;
    const appendix =
      this.#marked || this.#statute.articles.length === 0 ? undefined : appendixLabel(line.text);
    if (appendix && !this.#addendum?.articles.length && this.#isLoneAppendix(line.text)) {
      this.#appendix = { label: appendix, text: line.text };
      this.#statute.appendices.push(this.#appendix);
      this.#article = undefined;
      return;
    }
    if (!this.#addendum && !this.#appendix && this.#takesChapter(line, next)) return;
    if (this.#takesArticle(line)) return;
    this.#takeText(line.text);
  }

  finish(): Statute {
    for (const article of this.#statute.articles) settle(article);
    for (const addendum of this.#statute.addenda) {
      addendum.text = addendum.text.trim();
      for (const article of addendum.articles) settle(article);
    }
    return this.#statute;
  }

  /** An appendix of its own, not a sentence that begins with a reference to one. */
  #isLoneAppendix(text: string): boolean {
    return !/[다]\.$/.test(text) && text.length < 120 && this.#addendum !== undefined;
  }

  #takesAddendum(line: Line): boolean {
    if (!isAddendumStart(line.text)) return false;
    this.#article = undefined;
    this.#appendix = undefined;
    this.#lastInAddendum = [0];
    if (line.heading && /^부\s?칙$/.test(line.text)) {
      // A Markdown heading above all addenda; each of them follows with its own line.
      this.#addendum ??= { label: '부칙', text: '', articles: [] };
      this.#statute.chapters.push(line.text);
      return true;
    }
    this.#addendum = { label: line.text, text: '', articles: [] };
    this.#statute.addenda.push(this.#addendum);
    return true;
  }

  #takesChapter(line: Line, next: Line | undefined): boolean {
    if (this.#marked && !line.heading) return false;
    const chapter = chapterHeading(line.text);
    if (!chapter) return false;
    if (!this.#marked && next) {
      const headed = chapterHeading(next.text) ?? articleStart(next.text);
      if (!headed && !isAddendumStart(next.text) && !/^[[<]/.test(next.text)) return false;
    }
    this.#chapters.length = chapter.level;
    this.#chapters[chapter.level] = chapter.text;
    this.#statute.chapters.push(chapter.text);
    this.#article = undefined;
    return true;
  }

  #takesArticle(line: Line): boolean {
    const start = articleStart(line.text);
    if (!start || this.#appendix) return false;
    if (this.#addendum) {
      if (line.heading && this.#marked) return this.#open(start, this.#addendum.articles);
      if (!follows(this.#lastInAddendum, start.number)) return false;
      this.#lastInAddendum = start.lastNumber ?? start.number;
      return this.#open(start, this.#addendum.articles);
    }
    if (this.#marked) return line.heading && this.#open(start, this.#statute.articles);
    const order = compareNumbers(start.number, this.#last);
    if (!start.certain && !follows(this.#last, start.number)) return false;
    if (order < 0) {
      this.#statute.warnings.push(`${start.label} after ${this.#article?.label ?? '?'} was read as text`);
      return false;
    }
    this.#last = start.lastNumber ?? start.number;
    return this.#open(start, this.#statute.articles);
  }

  #open(start: ArticleStart, into: Article[]): true {
    this.#article = {
      label: start.label,
      number: start.number,
      ...(start.rangeText === undefined ? {} : { rangeText: start.rangeText }),
      heading: start.heading,
      chapterPath: into === this.#statute.articles ? this.#chapters.filter((c) => c !== undefined) : [],
      text: start.rest,
      deleted: start.deleted,
    };
    into.push(this.#article);
    return true;
  }

  #takeText(text: string): void {
    const target = this.#appendix ?? this.#article ?? this.#addendum;
    if (target) target.text += (target.text === '' ? '' : '\n') + text;
    else if (this.#statute.articles.length === 0) this.#statute.metadata.push(text);
    else this.#statute.chapters.push(text);
    if (target && target === this.#addendum && !this.#statute.addenda.includes(this.#addendum))
      this.#statute.addenda.push(this.#addendum);
  }
}

function settle(article: Article): void {
  article.text = article.text.trim();
  if (/^삭\s?제\s*(?:[<＜([.]|$)/.test(article.text)) article.deleted = true;
}

/**
 * Articles that close with their own date of effect (`[시행일: 2025. 10. 2.] 제31조의2`, naming the article as a
 * whole) are the text to come; where the statute prints the article twice, the other one is in force.
 */
function markVariants(articles: readonly Article[], effective: string): void {
  for (let i = 0; i < articles.length; i++) {
    const article = articles[i]!;
    const twin = [articles[i - 1], articles[i + 1]].some(
      (other) => other && compareNumbers(other.number, article.number) === 0,
    );
    for (const line of article.text.split('\n')) {
      const date = futureDate(line);
      const whole = line.slice(line.indexOf(']') + 1).trim() === article.label;
      if (date !== '' && (twin || (whole && date > effective))) article.variantEffective = date;
    }
    if (article.variantEffective !== undefined) article.hasTwin = twin;
  }
}
