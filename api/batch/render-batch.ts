/** Rows of a batch as the text of its answer, piece by piece. */
import type { SubmissionRow } from '../../shared/answering/answer.js';
import { submissionHeader, submissionLine } from '../../shared/question/submission-file.js';
import type { TextEncodingName } from '../../shared/text/decode-text.js';

/** The forms in which a batch can be answered; the first where a request has no preference. */
export const batchMediaTypes = ['text/csv', 'application/x-ndjson'] as const;
export type BatchMediaType = (typeof batchMediaTypes)[number];

export async function* renderBatch(
  rows: AsyncIterable<SubmissionRow>,
  mediaType: BatchMediaType,
  encoding: TextEncodingName,
): AsyncGenerator<string, void, undefined> {
  if (mediaType === 'text/csv') yield submissionHeader(encoding);
  for await (const row of rows)
    yield mediaType === 'text/csv' ? submissionLine(row) : `${JSON.stringify(row)}\n`;
}
