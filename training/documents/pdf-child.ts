/**
 * The program behind `PdfParserProcess`: takes one `PdfRequest` at a time over IPC, answers with a `PdfReply`.
 * Not for use by hand; it ends when its parent goes.
 */
import { HaetaeError, messageOf } from '../../shared/errors.js';
import { loadPdfLibrary, parsePdfWithin } from './pdf.js';
import type { PdfReply, PdfRequest } from './pdf-isolated.js';

const reply = (message: PdfReply) => process.send?.(message);

process.on('disconnect', () => process.exit(0));
process.on('message', (message) => {
  const { bytes, path, limits } = message as PdfRequest;
  parsePdfWithin(bytes, path, limits).then(
    (document) => reply({ document }),
    (error: unknown) =>
      reply({
        error:
          error instanceof HaetaeError
            ? { code: error.code, message: error.message, data: { ...error.data } }
            : { code: 'DOCUMENT_DAMAGED', message: `${path}: ${messageOf(error)}`, data: { path } },
      }),
  );
});
// The library is loaded first, so that its own memory is not counted against the first file.
await loadPdfLibrary();
reply({ ready: true });
