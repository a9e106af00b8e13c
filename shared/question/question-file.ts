/**
 * The question file: CSV whose header names `ID` and `Question`, in any order, beside any other columns.
 *
 * UTF-8 with or without a byte-order mark, or CP949 as Korean Excel writes it (UTF-16 only with a mark); LF, CRLF or CR; cells quoted
 * as in RFC 4180, so a question may run over several lines (its line breaks arrive as LF). Everything that is
 * wrong with a file is found here, before any question is answered, and the error names the row (1 is the
 * first after the header) and the line of the file on which the row starts.
 */
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CsvError, type Parser, parse } from 'csv-parse';
import { HaetaeError } from '../errors.js';
import { type DecodedText, decodeText, type TextEncodingName } from '../text/decode-text.js';

export interface QuestionRow {
  id: string;
  question: string;
  /** Line of the file (1-based) on which the row starts. */
  line: number;
}

export interface QuestionFile {
  rows: QuestionRow[];
  encoding: TextEncodingName;
  /** The line break of the header. */
  eol: '\n' | '\r\n' | '\r';
}

export interface QuestionFileLimits {
  maxRows: number;
}

/** Characters handed to the parser before other work gets a turn: a few milliseconds' worth. */
const sliceChars = 8_192;

/**
 * Parses a whole question file, yielding to the event loop between slices.
 *
 * Throws `CSV_EMPTY`, `CSV_ENCODING`, `CSV_MISSING_COLUMN`, `CSV_MALFORMED`, `CSV_DUPLICATE_ID`,
 * `CSV_EMPTY_CELL` or `CSV_TOO_MANY_ROWS`.
 */
export async function parseQuestionFile(
  bytes: Uint8Array,
  limits: QuestionFileLimits,
): Promise<QuestionFile> {
  const { text, encoding } = decode(bytes);
  const table = new QuestionTable(limits.maxRows);
  const parser = parse({
    skip_empty_lines: true,
    record_delimiter: '\n',
    on_record: (record: string[], context) => {
      table.add(record, context.lines, context.empty_lines);
      return null;
    },
  });
  const closed = once(parser.resume(), 'end');
  closed.catch(() => undefined);
  try {
    for (const slice of slicesOf(text)) {
      await written(parser, slice);
      await nextTurn();
    }
    parser.end();
    await closed;
  } catch (error) {
    parser.destroy();
    throw error instanceof CsvError ? malformed(error, table) : error;
  }
  return { rows: table.finish(), encoding, eol: eolOf(text) };
}

function written(parser: Parser, slice: string): Promise<void> {
  return new Promise((resolve, reject) => {
    parser.write(slice, (error) => (error ? reject(error) : resolve()));
  });
}

function decode(bytes: Uint8Array): DecodedText {
  if (bytes.length === 0) throw empty('it has no bytes');
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  const nul = isUtf16 ? -1 : bytes.indexOf(0);
  if (nul !== -1) throw holdsNul(new TextDecoder('latin1').decode(bytes.subarray(0, nul)));
  const decoded = decodeText(bytes);
  if (decoded === undefined) {
    throw new HaetaeError(
      'CSV_ENCODING',
      'The question file is neither valid UTF-8 nor valid CP949. Save it as "CSV UTF-8" and send it again.',
    );
  }
  const nulChar = decoded.text.indexOf('\u0000');
  if (nulChar !== -1) throw holdsNul(decoded.text.slice(0, nulChar));
  return decoded;
}

function holdsNul(before: string): HaetaeError {
  const line = before.split(/\r\n|\r|\n/u).length;
  return new HaetaeError(
    'CSV_MALFORMED',
    `Line ${line} of the question file holds a NUL character: it is no text file. Save it as "CSV UTF-8".`,
    { line },
  );
}

/** The text with every line break as LF, in slices. */
function* slicesOf(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    let end = Math.min(start + sliceChars, text.length);
    if (text.charCodeAt(end - 1) === 13 && text.charCodeAt(end) === 10) end += 1;
    const slice = text.slice(start, end);
    yield slice.includes('\r') ? slice.replaceAll(/\r\n?/gu, '\n') : slice;
    start = end;
  }
}

function eolOf(text: string): QuestionFile['eol'] {
  return (/\r\n|\r|\n/u.exec(text)?.[0] ?? '\n') as QuestionFile['eol'];
}

/** The rows so far, and the checks that need to see more than one of them. */
class QuestionTable {
  readonly #rows: QuestionRow[] = [];
  readonly #lineOfId = new Map<string, number>();
  readonly #maxRows: number;
  #columns: { id: number; question: number } | undefined;
  #cellsOfHeader = 0;
  #lastLine = 0;
  #emptyLines = 0;

  constructor(maxRows: number) {
    this.#maxRows = maxRows;
  }

  /** A complete record, the line it ends on, and the blank lines of the file so far. */
  add(record: string[], endLine: number, emptyLines: number): void {
    const line = this.nextLine(emptyLines);
    this.#lastLine = endLine;
    this.#emptyLines = emptyLines;
    if (this.#columns === undefined) {
      this.#columns = columnsOf(record);
      this.#cellsOfHeader = record.length;
      return;
    }
    const row = this.#rows.length + 1;
    const at = `Row ${row} (line ${line})`;
    const id = record[this.#columns.id]?.trim() ?? '';
    const question = record[this.#columns.question] ?? '';
    for (const [column, cell] of Object.entries({ ID: id, Question: question.trim() })) {
      if (cell !== '') continue;
      throw new HaetaeError(
        'CSV_EMPTY_CELL',
        `${at} of the question file has an empty ${column}. Fill it in, or remove the row.`,
        {
          row,
          line,
          column,
        },
      );
    }
    const firstLine = this.#lineOfId.get(id);
    if (firstLine !== undefined) {
      throw new HaetaeError(
        'CSV_DUPLICATE_ID',
        `${at} of the question file repeats the ID ${quote(id)} of line ${firstLine}. Give every row its own ID.`,
        { row, line, id, firstLine },
      );
    }
    if (row > this.#maxRows) {
      throw new HaetaeError(
        'CSV_TOO_MANY_ROWS',
        `The question file has more than ${this.#maxRows} rows. Split it, or raise HAETAE_MAX_ROWS.`,
        { maxRows: this.#maxRows },
      );
    }
    this.#lineOfId.set(id, line);
    this.#rows.push({ id, question, line });
  }

  /** Line on which the record after the last complete one starts. */
  nextLine(emptyLines: number): number {
    return this.#lastLine + 1 + Math.max(0, emptyLines - this.#emptyLines);
  }

  get cellsOfHeader(): number {
    return this.#cellsOfHeader;
  }

  /** Number of the next row; 0 is the header. */
  get nextRow(): number {
    return this.#columns === undefined ? 0 : this.#rows.length + 1;
  }

  finish(): QuestionRow[] {
    if (this.#columns === undefined) throw empty('it holds nothing but blank lines');
    if (this.#rows.length === 0) throw empty('it has a header and no row');
    return this.#rows;
  }
}

function columnsOf(header: string[]): { id: number; question: number } {
  const names = header.map((name) => name.trim());
  const indexOf = (wanted: string): number => {
    const index = names.indexOf(wanted);
    if (index === -1) {
      throw new HaetaeError(
        'CSV_MISSING_COLUMN',
        `Line 1 of the question file has no column ${wanted}: it reads ${names.map(quote).join(', ')}. ` +
          'The header must name ID and Question, spelt so and separated by a comma.',
        { line: 1, column: wanted },
      );
    }
    if (names.lastIndexOf(wanted) !== index) {
      throw new HaetaeError(
        'CSV_MALFORMED',
        `Line 1 of the question file names the column ${wanted} twice.`,
        { line: 1 },
      );
    }
    return index;
  };
  return { id: indexOf('ID'), question: indexOf('Question') };
}

function malformed(error: CsvError, table: QuestionTable): HaetaeError {
  const line = table.nextLine(Number(error.empty_lines ?? 0));
  const row = table.nextRow;
  const where = row === 0 ? `The header (line ${line})` : `Row ${row} (line ${line})`;
  return new HaetaeError(
    'CSV_MALFORMED',
    `${where} of the question file ${reasonOf(error, table.cellsOfHeader)}.`,
    { row, line },
    { cause: error },
  );
}

function reasonOf(error: CsvError, cellsOfHeader: number): string {
  switch (error.code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return 'opens a quote that is never closed: put a second quote at the end of the cell';
    case 'CSV_INVALID_CLOSING_QUOTE':
      return 'has text after the closing quote of a cell, or a quote left open before it: double the quotes inside a cell';
    case 'INVALID_OPENING_QUOTE':
      return 'has a quote inside a cell that does not begin with one: quote the whole cell and double the quotes inside it';
    case 'CSV_RECORD_INCONSISTENT_FIELDS_LENGTH': {
      const got = Array.isArray(error.record) ? error.record.length : 'a different number of';
      return `has ${got} cells where the header has ${cellsOfHeader}: quote cells that contain commas or line breaks`;
    }
    default:
      return `cannot be parsed: ${error.message}`;
  }
}

function empty(reason: string): HaetaeError {
  return new HaetaeError(
    'CSV_EMPTY',
    `The question file is empty: ${reason}. Send a header (ID,Question) and at least one row.`,
  );
}

/** What came, short enough for a message. */
function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
