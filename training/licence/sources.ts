/**
 * `sources.csv`: what is known about each document from outside it.
 *
 * Columns (any order, further ones ignored): path,title,publisher,license,effective,url,domain. `path` is
 * relative to the raw folder with forward slashes; names are compared after NFC, since some file systems
 * decompose Hangul.
 */
import { parse } from 'csv-parse/sync';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import { decodeText } from '../../shared/text/decode-text.js';
import type { SourceEntry } from '../documents/document.js';
import { isoDate } from '../documents/markdown.js';
import { licenceName } from '../../shared/licence/licence-name.js';

const columns = ['path', 'title', 'publisher', 'license', 'effective', 'url', 'domain'] as const;
type Row = Record<(typeof columns)[number], string>;

/** Parses the table. Throws `SOURCES_INVALID`, naming the row; several rows for one path are named together. */
export function readSources(bytes: Uint8Array, name = 'sources.csv'): Map<string, SourceEntry> {
  const decoded = decodeText(bytes);
  if (decoded === undefined) throw invalid(`${name} is neither UTF-8 nor CP949 text. Save it as UTF-8.`);
  let records: { record: Row; info: { lines: number } }[];
  try {
    records = parse(decoded.text, {
      columns: (header: string[]) => checkedHeader(header, name),
      info: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as typeof records;
  } catch (error) {
    if (error instanceof HaetaeError) throw error;
    throw invalid(`${name} is not valid CSV: ${messageOf(error)}. Correct that row.`);
  }
  const entries = new Map<string, SourceEntry>();
  const lines = new Map<string, number[]>();
  for (const { record, info } of records) {
    const entry = entryOf(record, info.lines, name);
    lines.set(entry.path, [...(lines.get(entry.path) ?? []), info.lines]);
    entries.set(entry.path, entry);
  }
  const repeated = [...lines].filter(([, rows]) => rows.length > 1);
  if (repeated.length > 0) {
    const list = repeated.map(([path, rows]) => `${path} (lines ${rows.join(', ')})`).join('; ');
    throw invalid(`${name} has more than one row for: ${list}. Keep one row a file.`, { repeated });
  }
  return entries;
}

function checkedHeader(header: string[], name: string): string[] {
  const found = header.map((column) => column.trim().toLowerCase());
  const missing = columns.filter((column) => !found.includes(column));
  if (missing.length > 0) {
    throw invalid(
      `${name} lacks the column${missing.length > 1 ? 's' : ''} ${missing.join(', ')}; ` +
        `its first row is ${JSON.stringify(header.join(',')).slice(0, 120)}.`,
    );
  }
  return found;
}

function entryOf(record: Row, line: number, name: string): SourceEntry {
  const path = record.path.normalize('NFC');
  if (path === '' || path.startsWith('/') || /\\|^[A-Za-z]:/u.test(path) || path.split('/').some(isDots)) {
    throw invalid(
      `${name}, line ${line}: the path ${JSON.stringify(record.path)} is not a relative path with forward slashes.`,
      { line },
    );
  }
  if (record.title === '') throw invalid(`${name}, line ${line}: ${path} has no title.`, { line });
  const effective = record.effective === '' ? '' : isoDate(record.effective);
  if (record.effective !== '' && effective === '') {
    throw invalid(
      `${name}, line ${line}: the effective date of ${path} is ${JSON.stringify(record.effective)}; write YYYY-MM-DD.`,
      { line },
    );
  }
  return {
    path,
    title: record.title.normalize('NFC'),
    publisher: record.publisher,
    licence: licenceName(record.license),
    effective,
    url: record.url,
    domain: record.domain,
  };
}

function isDots(part: string): boolean {
  return part === '' || part === '.' || part === '..';
}

function invalid(message: string, data: Record<string, unknown> = {}): HaetaeError {
  return new HaetaeError('SOURCES_INVALID', message, data);
}
