/**
 * Chooses the parser of a file by its first bytes, then by its extension.
 *
 * Magic bytes win over the name: `%PDF-` is a PDF whatever it is called; a ZIP is a DOCX if it holds
 * `word/document.xml`. A file whose bytes contradict its name (`.pdf` without `%PDF-`) is left to the parser of
 * its name, which says what is wrong.
 */
import { extname } from 'node:path';
import { HaetaeError } from '../../shared/errors.js';
import { isStatuteMarkdown, parseStatuteMarkdown } from '../statute/statute-markdown.js';
import { parseControlsJson } from './controls-json.js';
import type { DocumentParser, ParsedDocument } from './document.js';
import { parseDocx } from './docx.js';
import { parseHtml } from './html.js';
import { parseMarkdown } from './markdown.js';
import { parsePdf } from './pdf.js';
import { parsePlainText } from './plain-text.js';

export type DocumentFormat = 'pdf' | 'docx' | 'markdown' | 'html' | 'text' | 'controls';

const byExtension: Readonly<Record<string, DocumentFormat>> = {
  '.pdf': 'pdf',
  '.docx': 'docx',
  '.md': 'markdown',
  '.markdown': 'markdown',
  '.html': 'html',
  '.htm': 'html',
  '.xhtml': 'html',
  '.txt': 'text',
  '.text': 'text',
  '.json': 'controls',
};

const parsers: Readonly<Record<Exclude<DocumentFormat, 'pdf'>, DocumentParser>> = {
  docx: parseDocx,
  markdown: parseMarkdown,
  html: parseHtml,
  text: parsePlainText,
  controls: parseControlsJson,
};

/** Format of a file, or undefined where no parser fits. */
export function formatOf(bytes: Uint8Array, path: string): DocumentFormat | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 1024));
  if (head.subarray(0, 1024).includes('%PDF-')) {
    // the mark may follow a few stray bytes; a text about PDF files is told apart by its name
    if (
      head.subarray(0, 5).toString('latin1') === '%PDF-' ||
      byExtension[extname(path).toLowerCase()] === 'pdf'
    ) {
      return 'pdf';
    }
  }
  if (head.subarray(0, 4).toString('latin1') === 'PK\u0003\u0004') {
    const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return whole.includes('word/document.xml') ? 'docx' : undefined;
  }
  const named = byExtension[extname(path).toLowerCase()];
  if (named === undefined && /^\s*<(?:!doctype html|html)\b/iu.test(head.toString('latin1'))) return 'html';
  return named;
}

/**
 * Parses one file of any known format. Rejects with a `HaetaeError` of the DOCUMENT_* group. `pdf`: the parser
 * for PDFs, where files from outside must be parsed in a process of their own.
 */
export async function parseDocument(
  bytes: Uint8Array,
  path: string,
  signal?: AbortSignal,
  pdf: DocumentParser = parsePdf,
): Promise<{ format: DocumentFormat; document: ParsedDocument }> {
  if (bytes.length === 0) {
    throw new HaetaeError('DOCUMENT_EMPTY', `${path}: the file is empty (0 bytes).`, { path });
  }
  const format = formatOf(bytes, path);
  if (format === undefined) {
    throw new HaetaeError(
      'DOCUMENT_UNSUPPORTED',
      `${path}: the format is not supported. Use PDF, DOCX, Markdown, HTML, plain text, or JSON controls.`,
      { path },
    );
  }
  signal?.throwIfAborted();
  let parser = format === 'pdf' ? pdf : parsers[format];
  if (format === 'markdown' && isStatuteMarkdown(bytes)) parser = parseStatuteMarkdown;
  try {
    return { format, document: await parser(bytes, path, signal) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new HaetaeError(
      'DOCUMENT_TOO_COMPLEX',
      `${path}: the document is nested too deeply to be read (${error.message.split('\n')[0]}). Simplify or split it.`,
      { path },
      { cause: error },
    );
  }
}
