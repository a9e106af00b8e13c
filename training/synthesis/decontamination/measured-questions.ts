/** The files of questions that are measured on: read only to keep them out of the training data. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { HaetaeError } from '../../../shared/errors.js';
import { readAnsweredQuestions } from '../../../shared/evaluation/answered-questions.js';
import { splitChoices } from '../../../shared/question/choices.js';
import { parseQuestionFile } from '../../../shared/question/question-file.js';

export interface MeasuredFile {
  path: string;
  sha256: string;
  questions: MeasuredQuestion[];
}

export interface MeasuredQuestion {
  /** Of the file; where it has none, `row 1`, … */
  id: string;
  /** Stem; stem and choices; answer in words. Each in parts. */
  texts: (readonly string[])[];
}

/** @throws HaetaeError FILE_NOT_FOUND, or CSV_… naming the row */
export async function readMeasuredFile(path: string): Promise<MeasuredFile> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new HaetaeError(
      'FILE_NOT_FOUND',
      `${path} cannot be read. Correct synthesize.decontaminate.files: questions that are measured on must be known to be kept out.`,
      { path },
      { cause: error },
    );
  });
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { path, sha256, questions: await readRows(path, bytes) };
}

/** A question file, or one of questions with answers and no IDs. */
async function readRows(path: string, bytes: Uint8Array): Promise<MeasuredQuestion[]> {
  try {
    const { rows } = await parseQuestionFile(bytes, { maxRows: Number.POSITIVE_INFINITY });
    return rows.map(({ id, question }) => ({ id, texts: questionTexts(question) }));
  } catch (error) {
    if (!(error instanceof HaetaeError && error.code === 'CSV_MISSING_COLUMN')) throw error;
    const rows = await readAnsweredQuestions(path);
    return rows.map(({ question, answer }, index) => ({
      id: `row ${index + 1}`,
      texts: [...questionTexts(question), ...(/^\d*$/u.test(answer) ? [] : [[answer]])],
    }));
  }
}

function questionTexts(question: string): (readonly string[])[] {
  const { stem, choices } = splitChoices(question);
  return choices.length === 0 ? [[stem]] : [[stem], [stem, ...choices.map(({ text }) => text)]];
}
