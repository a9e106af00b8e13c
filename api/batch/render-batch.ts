/** Rows of a batch as the text of its answer, piece by piece. */
import type { SubmissionRow } from '../../shared/answering/answer.js';
import { submissionHeader, submissionLine } from '../../shared/question/submission-file.js';
import type { TextEncodingName } from '../../shared/text/decode-text.js';
import type { BatchMediaType } from './negotiate.js';

export async function* renderBatch(
  rows: AsyncIterable<SubmissionRow>,
  mediaType: BatchMediaType,
  encoding: TextEncodingName,
): AsyncGenerator<string, void, undefined> {
  if (mediaType === 'text/csv') yield submissionHeader(encoding);
  for await (const row of rows)
    yield mediaType === 'text/csv' ? submissionLine(row) : `${JSON.stringify(row)}\n`;
}
