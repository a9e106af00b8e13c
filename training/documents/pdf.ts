/**
 * PDF to a `ParsedDocument`: text by position, page furniture removed, wrapped lines joined, tables kept.
 *
 * Uses the legacy build of pdf.js, which runs in Node without a browser and, without a worker file, in the
 * calling thread; nothing is fetched (character maps and standard fonts come from the package's own folder).
 * A hostile file can block the thread or exhaust memory inside one call into the library, where no limit below
 * can act: files from outside go through `parsePdfIsolated`, which runs this module in a child process.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import type { Block, DocumentParser, ParsedDocument } from './document.js';
import { joinLines } from './join-lines.js';
import { type PageSize, separateFurniture } from './page-furniture.js';
import { tableRows } from './table-rows.js';
import { type PositionedText, type VisualLine, visualLines } from './visual-line.js';

export interface PdfLimits {
  maxBytes: number;
  maxPages: number;
  /** Text items of the whole document. */
  maxItems: number;
  /** Operators of the whole document. */
  maxOperators: number;
  timeoutMs: number;
}

export const defaultPdfLimits: PdfLimits = {
  maxBytes: 64 * 1024 * 1024,
  maxPages: 3000,
  maxItems: 2_000_000,
  maxOperators: 20_000_000,
  timeoutMs: 60_000,
};

type PdfJs = typeof import('pdfjs-dist/legacy/build/pdf.mjs');
type PdfDocument = Awaited<ReturnType<PdfJs['getDocument']>['promise']>;

let library: Promise<PdfJs> | undefined;

/** Loads pdf.js, once per process. */
export function loadPdfLibrary(): Promise<PdfJs> {
  library ??= import('pdfjs-dist/legacy/build/pdf.mjs');
  return library;
}

/** Parses a PDF in this process, with the default limits. */
export const parsePdf: DocumentParser = (bytes, path, signal) =>
  parsePdfWithin(bytes, path, defaultPdfLimits, signal);

/**
 * Parses a PDF in this process. Rejects with DOCUMENT_EMPTY (no bytes), DOCUMENT_DAMAGED (truncated, or not a
 * PDF), DOCUMENT_ENCRYPTED, DOCUMENT_SCANNED (images only), DOCUMENT_UNREADABLE (no text, or garbage) or
 * DOCUMENT_TOO_COMPLEX (a limit was passed).
 */
export async function parsePdfWithin(
  bytes: Uint8Array,
  path: string,
  limits: PdfLimits,
  signal?: AbortSignal,
): Promise<ParsedDocument> {
  checkEnvelope(bytes, path, limits);
  const deadline = performance.now() + limits.timeoutMs;
  const document = await openDocument(bytes, path);
  try {
    if (document.numPages > limits.maxPages)
      throw tooComplex(path, `it has ${document.numPages} pages, ${limits.maxPages} are allowed`);
    const lines: VisualLine[] = [];
    const pages: PageSize[] = [];
    let items = 0;
    let operators = 0;
    let images = 0;
    for (let n = 1; n <= document.numPages; n++) {
      signal?.throwIfAborted();
      if (performance.now() > deadline) throw tooComplex(path, `it took more than ${limits.timeoutMs} ms`);
      const page = await readPage(document, n, path);
      items += page.items.length;
      operators += page.operators;
      images += page.images;
      if (items > limits.maxItems) throw tooComplex(path, `it has more than ${limits.maxItems} text items`);
      if (operators > limits.maxOperators)
        throw tooComplex(path, `it has more than ${limits.maxOperators} drawing operators`);
      lines.push(...visualLines(page.items, page.widths, n));
      pages.push({ page: n, ...page.size });
    }
    checkReadable(lines, images, document.numPages, path);
    return { ...assemble(lines, pages), warnings: emptyPages(lines, pages) };
  } finally {
    await document.loadingTask.destroy();
  }
}

/** What can be told from the bytes alone. */
function checkEnvelope(bytes: Uint8Array, path: string, limits: PdfLimits): void {
  if (bytes.length === 0)
    throw new HaetaeError('DOCUMENT_EMPTY', `${path}: the file has 0 bytes. Fetch it again or remove it.`, {
      path,
    });
  if (bytes.length > limits.maxBytes)
    throw tooComplex(path, `it has ${bytes.length} bytes, ${limits.maxBytes} are allowed`);
  const latin = (from: number, to: number) => Buffer.from(bytes.subarray(from, to)).toString('latin1');
  if (!latin(0, 1024).includes('%PDF-'))
    throw damaged(path, 'it does not begin with %PDF-, so it is not a PDF');
  if (!latin(Math.max(0, bytes.length - 4096), bytes.length).includes('%%EOF'))
    throw damaged(path, 'its end (%%EOF) is missing, so it was cut off');
}

async function openDocument(bytes: Uint8Array, path: string): Promise<PdfDocument> {
  const pdfjs = await loadPdfLibrary();
  const folder = dirname(createRequire(import.meta.url).resolve('pdfjs-dist/package.json'));
  const asset = (name: string) => `${join(folder, name)}/`;
  try {
    return await pdfjs.getDocument({
      data: new Uint8Array(bytes), // the library takes possession of the buffer
      isEvalSupported: false,
      useSystemFonts: false,
      disableFontFace: true,
      stopAtErrors: false,
      cMapUrl: asset('cmaps'),
      cMapPacked: true,
      standardFontDataUrl: asset('standard_fonts'),
      wasmUrl: pathToFileURL(asset('wasm')).href,
      verbosity: pdfjs.VerbosityLevel.ERRORS,
    }).promise;
  } catch (error) {
    if (error instanceof Error && error.name === 'PasswordException')
      throw new HaetaeError(
        'DOCUMENT_ENCRYPTED',
        `${path}: a password is needed to open it. Save it without a password.`,
        { path },
      );
    throw damaged(path, messageOf(error));
  }
}

interface PageText {
  items: PositionedText[];
  widths: Map<string, Map<string, number>>;
  size: Omit<PageSize, 'page'>;
  operators: number;
  images: number;
}

async function readPage(document: PdfDocument, n: number, path: string): Promise<PageText> {
  const { OPS } = await loadPdfLibrary();
  try {
    const page = await document.getPage(n);
    const [left, bottom, right, top] = page.view as [number, number, number, number];
    const operatorList = await page.getOperatorList();
    const widths = new Map<string, Map<string, number>>();
    let images = 0;
    let font = '';
    for (let i = 0; i < operatorList.fnArray.length; i++) {
      const fn = operatorList.fnArray[i];
      const args: unknown = operatorList.argsArray[i];
      if (fn === OPS.setFont) font = String((args as unknown[])[0]);
      else if (fn === OPS.showText) noteWidths(widths, font, (args as unknown[])[0]);
      else if (
        fn === OPS.paintImageXObject ||
        fn === OPS.paintInlineImageXObject ||
        fn === OPS.paintImageMaskXObject
      )
        images++;
    }
    const content = await page.getTextContent({ disableNormalization: true });
    const items: PositionedText[] = [];
    for (const item of content.items) {
      if (!('str' in item) || item.str === '') continue;
      const transform = item.transform as number[];
      items.push({
        str: item.str,
        x: transform[4] ?? 0,
        y: transform[5] ?? 0,
        width: item.width,
        height: item.height || Math.hypot(transform[2] ?? 0, transform[3] ?? 0),
        fontName: item.fontName,
      });
    }
    page.cleanup();
    return {
      items,
      widths,
      size: { left, right, bottom, top },
      operators: operatorList.fnArray.length,
      images,
    };
  } catch (error) {
    throw damaged(path, `page ${n} cannot be read (${messageOf(error)})`);
  }
}

function noteWidths(widths: Map<string, Map<string, number>>, font: string, glyphs: unknown): void {
  if (!Array.isArray(glyphs)) return;
  const ofFont = widths.get(font) ?? new Map<string, number>();
  widths.set(font, ofFont);
  for (const glyph of glyphs as unknown[]) {
    if (typeof glyph !== 'object' || glyph === null || !('unicode' in glyph) || !('width' in glyph)) continue;
    if (typeof glyph.unicode === 'string' && typeof glyph.width === 'number')
      ofFont.set(glyph.unicode, glyph.width);
  }
}

/** Characters that readable text consists of: letters, digits, marks and common symbols of any script. */
const readable = /[\p{L}\p{N}\p{P}\p{Zs}\p{Sm}\p{Sc}\p{So}\p{M}\p{Sk}]/u;
const leastReadable = 0.8;

function checkReadable(lines: readonly VisualLine[], images: number, pages: number, path: string): void {
  let good = 0;
  let all = 0;
  for (const line of lines) {
    for (const char of line.text) {
      all++;
      const code = char.codePointAt(0)!;
      const privateUse = (code >= 0xe000 && code <= 0xf8ff) || code === 0xfffd;
      if (!privateUse && readable.test(char)) good++;
    }
  }
  if (all === 0 && images >= pages)
    throw new HaetaeError(
      'DOCUMENT_SCANNED',
      `${path}: its ${pages} pages hold images but no text. Run text recognition on it first.`,
      { path, pages, images },
    );
  if (all === 0)
    throw new HaetaeError(
      'DOCUMENT_UNREADABLE',
      `${path}: it opens, but none of its ${pages} pages yields text. Its streams are probably damaged: fetch it again.`,
      { path, pages },
    );
  if (good < leastReadable * all)
    throw new HaetaeError(
      'DOCUMENT_UNREADABLE',
      `${path}: only ${Math.round((100 * good) / all)} % of its characters are readable. Its fonts map to no text, or it is damaged.`,
      { path, readable: good / all },
    );
}

function emptyPages(lines: readonly VisualLine[], pages: readonly PageSize[]): string[] {
  const written = new Set(lines.map((line) => line.page));
  return pages.filter(({ page }) => !written.has(page)).map(({ page }) => `page ${page} yields no text`);
}

function assemble(all: readonly VisualLine[], pages: readonly PageSize[]): ParsedDocument {
  const { body } = separateFurniture(all, pages);
  const blocks: Block[] = [];
  const lines: string[] = [];
  const bodySize = usualSize(body);
  const leastMargin = Math.min(...pages.map((page) => (page.left + page.right) / 2));
  for (const stretch of tableRows(body)) {
    if (stretch.kind === 'table') {
      blocks.push({ kind: 'table', rows: stretch.rows });
      for (const row of stretch.rows) lines.push(row.join(' | '));
      continue;
    }
    for (const line of joinLines(stretch.lines, leastMargin)) {
      const size = line.parts[0]?.size ?? bodySize;
      const isHeading = size >= bodySize * 1.15 && line.text.length <= 120;
      blocks.push(
        isHeading ? { kind: 'heading', level: 1, text: line.text } : { kind: 'paragraph', text: line.text },
      );
      lines.push(line.text);
    }
  }
  const title = blocks.find((block) => block.kind === 'heading')?.text ?? '';
  return { title, effective: '', blocks, lines, warnings: [] };
}

function usualSize(lines: readonly VisualLine[]): number {
  const counts = new Map<number, number>();
  for (const line of lines) counts.set(line.size, (counts.get(line.size) ?? 0) + line.text.length);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 0;
}

function damaged(path: string, reason: string): HaetaeError {
  return new HaetaeError('DOCUMENT_DAMAGED', `${path}: ${reason}. Fetch it again.`, { path });
}

function tooComplex(path: string, reason: string): HaetaeError {
  return new HaetaeError('DOCUMENT_TOO_COMPLEX', `${path}: ${reason}. Split it, or raise the limit.`, {
    path,
  });
}
