/**
 * The questions of a file, to be measured on. Multiple choice and open ones may be mixed; what a row is, its answer
 * says beside its text: an answer in words that is none of the choices belongs to an open question with a list in it.
 *
 * Columns beside Question and Answer: `domain`; `Keyword`, what an open answer has to hold, at commas and spaces;
 * `title` and `section`, the article that the question rests on.
 */
import { HaetaeError, messageOf } from '../errors.js';
import { classify } from '../question/classify.js';
import { type AnsweredQuestion, readAnsweredQuestions } from './answered-questions.js';
import { choiceAnswer } from './choice-answer.js';
import { keywordsOf } from './keyword-recall.js';
import type { MeasuredQuestion } from './measured-question.js';

export interface FileQuestion extends MeasuredQuestion {
  /** 1 is the first after the header. */
  row: number;
  /** 0: an open question. */
  choiceCount: number;
  /** What the columns `title` and `section` name; null where they name nothing. */
  article: { title: string; section: string } | null;
}

export interface FileQuestions {
  questions: FileQuestion[];
  /** Rows without an answer: nothing can be measured on them. */
  unanswered: number;
}

/** @throws HaetaeError FILE_NOT_FOUND; CSV_… or QUESTION_… naming the row */
export async function readFileQuestions(path: string): Promise<FileQuestions> {
  const rows = await readAnsweredQuestions(path);
  const questions = rows.flatMap((row, index) =>
    row.answer === '' ? [] : [fileQuestion(row, index + 1, path)],
  );
  return { questions, unanswered: rows.length - questions.length };
}

function fileQuestion(
  { question, answer, columns }: AnsweredQuestion,
  row: number,
  path: string,
): FileQuestion {
  const { negated, domain, choices } = classified(question, row, path);
  const picked = choices.length === 0 ? undefined : choiceAnswer(answer, choices);
  if (picked === null) {
    throw new HaetaeError(
      'CSV_MALFORMED',
      `${path} row ${row}: the Answer is ${JSON.stringify(answer)}, but the question has the choices 1 to ${choices.length}. Correct the row.`,
      { path, row },
    );
  }
  const isOpen = picked === undefined;
  const [title = '', section = '', named = ''] = [columns.title, columns.section, columns.domain].map(
    (cell) => cell?.trim(),
  );
  return {
    ...{ id: String(row), row, text: question, answer: picked ?? answer, isOpen },
    negated: !isOpen && negated,
    ...{ domain: named || domain, form: '', choiceCount: isOpen ? 0 : choices.length },
    keywords: keywordsOf(columns.Keyword),
    article: title === '' || section === '' ? null : { title, section },
  };
}

function classified(question: string, row: number, path: string): ReturnType<typeof classify> {
  try {
    return classify(question);
  } catch (error) {
    if (!(error instanceof HaetaeError)) throw error;
    throw new HaetaeError(error.code, `${path} row ${row}: ${messageOf(error)}`, { path, row });
  }
}
