/**
 * Question files with answers: CSV with `Question` and `Answer` (or `Reference`), other columns kept as they are. UTF-8
 * with or without a byte-order mark, or CP949 as Korean Excel writes it.
 */
import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { HaetaeError, messageOf } from '../errors.js';
import { decodeText } from '../text/decode-text.js';

export interface AnsweredQuestion {
  question: string;
  /** Trimmed; '' where the cell is empty. */
  answer: string;
  /** All columns of the row. */
  columns: Readonly<Record<string, string>>;
}

/** @throws HaetaeError FILE_NOT_FOUND, CSV_ENCODING, CSV_MALFORMED, CSV_MISSING_COLUMN */
export async function readAnsweredQuestions(path: string): Promise<AnsweredQuestion[]> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new HaetaeError(
      'FILE_NOT_FOUND',
      `${path} cannot be read. Name a CSV file with Question and Answer.`,
      { path },
      { cause: error },
    );
  });
  const decoded = decodeText(bytes);
  if (decoded === undefined) {
    throw new HaetaeError(
      'CSV_ENCODING',
      `${path} is neither valid UTF-8 nor valid CP949. Save it as "CSV UTF-8".`,
      { path },
    );
  }
  const { header, rows } = parseRows(decoded.text, path);
  const answerColumn = header.includes('Answer') ? 'Answer' : 'Reference';
  for (const [column, name] of [
    ['Question', 'Question'],
    [answerColumn, 'Answer'],
  ] as const) {
    if (header.includes(column)) continue;
    throw new HaetaeError(
      'CSV_MISSING_COLUMN',
      `${path} lacks the column ${name}: its header reads ${JSON.stringify(header.join(',').slice(0, 100))}. Question and Answer are both needed to measure.`,
      { path, column: name },
    );
  }
  return rows.map((columns) => ({
    question: columns.Question as string,
    answer: (columns[answerColumn] as string).trim(),
    columns,
  }));
}

function parseRows(text: string, path: string): { header: string[]; rows: Record<string, string>[] } {
  let header: string[] = [];
  const columns = (names: string[]): string[] => {
    header = names.map((name) => name.trim());
    return header;
  };
  try {
    const rows: Record<string, string>[] = parse(text, { columns, skip_empty_lines: true });
    return { header, rows };
  } catch (error) {
    throw new HaetaeError(
      'CSV_MALFORMED',
      `${path} is not valid CSV: ${messageOf(error)}. Save it again with every cell quoted.`,
      { path },
      { cause: error },
    );
  }
}
