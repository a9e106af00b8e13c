/**
 * `POST /batch`: a question file in, its answers out, row by row in input order.
 *
 * Whatever is wrong with the file is said before the first byte; from then on every row is written, by the
 * fallback if need be. The stream follows the reader's pace, and a reader who leaves stops the work.
 */
import { Readable } from 'node:stream';
import multipart from '@fastify/multipart';
import { answerBatch } from '../../shared/answering/answer-batch.js';
import { HaetaeError } from '../../shared/errors.js';
import { parseQuestionFile } from '../../shared/question/question-file.js';
import type { App, Services } from '../app.js';
import { readUpload } from '../batch/read-upload.js';
import { batchMediaTypes, renderBatch } from '../batch/render-batch.js';
import { clientSignal } from '../client-signal.js';
import { negotiate } from '../negotiate.js';
import { problems, ref } from '../schemas/components.js';

const csvExample =
  'ID,Question\nTEST_000,"금융투자업의 구분에 해당하지 않는 것은?\n1 소비자금융업\n2 투자자문업"\n';

const schema = {
  tags: ['batch'],
  summary: 'Answer a file of questions',
  description:
    'The file is CSV with a header that names `ID` and `Question`; UTF-8 or CP949; at most HAETAE_MAX_ROWS rows. ' +
    'One row comes back for every row sent, in the same order. A question that cannot be answered in time gets ' +
    "the fallback's answer.",
  body: {
    content: {
      'text/csv': { schema: { type: 'string', examples: [csvExample] } },
      'multipart/form-data': {
        schema: {
          type: 'object',
          properties: { file: { type: 'string', contentMediaType: 'text/csv' } },
          required: ['file'],
        },
      },
    },
  },
  response: {
    200: {
      description: 'The answers: CSV unless `Accept` prefers NDJSON, which has one SubmissionRow per line',
      content: {
        'text/csv': { schema: { type: 'string', examples: ['ID,Answer\nTEST_000,1\n'] } },
        'application/x-ndjson': { schema: ref('SubmissionRow') },
      },
    },
    ...problems(
      'REQUEST_INVALID',
      'CSV_EMPTY',
      'CSV_ENCODING',
      'CSV_MISSING_COLUMN',
      'CSV_MALFORMED',
      'CSV_DUPLICATE_ID',
      'CSV_EMPTY_CELL',
      'NOT_ACCEPTABLE',
      'CSV_TOO_MANY_ROWS',
      'REQUEST_TOO_LARGE',
      'UNSUPPORTED_MEDIA_TYPE',
      'ENGINE_BUSY',
    ),
  },
};

/** Longer than any question may take, so that only a reader who does not read reaches it. */
const stalledReaderMs = 11 * 60_000;

export async function addBatch(app: App, { config, answers, clock }: Services): Promise<void> {
  let running = 0;

  await app.register(async (scope) => {
    const { bodyLimitBytes: bodyLimit } = config;
    scope.removeContentTypeParser(/^application\/(?:[\w.-]+\+)?json$/u);
    scope.addContentTypeParser('text/csv', { parseAs: 'buffer', bodyLimit }, (_, body, done) =>
      done(null, body),
    );
    await scope.register(multipart, {
      limits: { fileSize: bodyLimit, files: 4, fields: 32, fieldSize: 65_536 },
    });

    const options = { schema, bodyLimit, validatorCompiler: () => () => true };
    scope.post('/batch', options, async (request, reply) => {
      const mediaType = negotiate(request.headers.accept, batchMediaTypes);
      if (mediaType === undefined) {
        throw new HaetaeError(
          'NOT_ACCEPTABLE',
          `A batch can be answered as ${batchMediaTypes.join(' or ')}; the request accepts only ${JSON.stringify(request.headers.accept)}.`,
        );
      }
      const file = await parseQuestionFile(await readUpload(request), { maxRows: config.maxRows });
      if (running >= config.maxBatches) {
        throw new HaetaeError(
          'ENGINE_BUSY',
          `${running} batches are being answered already. Try again later.`,
        );
      }
      running += 1;
      const ended = clientSignal(reply);
      // A reader who takes nothing for minutes would hold its slot for ever.
      reply.raw.setTimeout(stalledReaderMs, () => reply.raw.destroy());
      reply.raw.once('close', () => {
        running -= 1;
      });
      const rows = answerBatch(file.rows, answers, {
        concurrency: config.batchConcurrency,
        deadlineMs: config.batchDeadlineMs,
        questionDeadlineMs: config.questionDeadlineMs,
        signal: ended,
        clock,
      });
      const charset = mediaType === 'text/csv' ? '; charset=utf-8' : '';
      reply.header('content-type', `${mediaType}${charset}`);
      reply.header('vary', 'accept');
      if (mediaType === 'text/csv')
        reply.header('content-disposition', 'attachment; filename="submission.csv"');
      return reply.send(Readable.from(renderBatch(rows, mediaType, file.encoding), { objectMode: true }));
    });
  });
}
