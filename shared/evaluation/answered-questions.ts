/** Question files with answers: UTF-8 CSV with `Question` and `Answer`, other columns kept as they are. */
import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { HaetaeError, messageOf } from '../errors.js';

export interface AnsweredQuestion {
  question: string;
  answer: string;
  /** All columns of the row. */
  columns: Readonly<Record<string, string>>;
}

/** @throws HaetaeError FILE_NOT_FOUND, CSV_MALFORMED, CSV_MISSING_COLUMN */
export async function readAnsweredQuestions(path: string): Promise<AnsweredQuestion[]> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new HaetaeError(
      'FILE_NOT_FOUND',
      `${path} cannot be read. Name a CSV file with Question and Answer.`,
      { path },
      { cause: error },
    );
  });
  return parseRows(bytes, path).map((columns, index) => {
    const { Question: question, Answer: answer } = columns;
    if (question === undefined || answer === undefined) {
      throw new HaetaeError(
        'CSV_MISSING_COLUMN',
        `${path} row ${index + 1} lacks ${question === undefined ? 'Question' : 'Answer'}. Both columns are needed to measure.`,
      );
    }
    return { question, answer: answer.trim(), columns };
  });
}

function parseRows(bytes: Uint8Array, path: string): Record<string, string>[] {
  try {
    return parse(Buffer.from(bytes), { columns: true, bom: true, skip_empty_lines: true });
  } catch (error) {
    throw new HaetaeError(
      'CSV_MALFORMED',
      `${path} is not valid CSV: ${messageOf(error)}. Save it again with every cell quoted.`,
      { path },
      { cause: error },
    );
  }
}
