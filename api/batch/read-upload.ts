/** The bytes of the question file in a request: its body, or the one file of a multipart form. */
import type { FastifyRequest } from 'fastify';
import { HaetaeError, messageOf } from '../../shared/errors.js';

/** Other fields of the form are ignored. Throws `REQUEST_INVALID` for no file or several. */
export async function readUpload(request: FastifyRequest): Promise<Uint8Array> {
  if (!request.isMultipart()) return request.body instanceof Uint8Array ? request.body : new Uint8Array();
  const { file, files } = await readForm(request).catch((error: unknown) => {
    if (error instanceof Error && 'statusCode' in error) throw error;
    throw new HaetaeError(
      'REQUEST_INVALID',
      `The multipart form is broken: ${messageOf(error)}.`,
      {},
      { cause: error },
    );
  });
  if (file !== undefined && files === 1) return file;
  throw new HaetaeError(
    'REQUEST_INVALID',
    `The form holds ${files === 0 ? 'no file' : `${files} files`}. Send one question file, e.g. curl -F file=@questions.csv`,
  );
}

async function readForm(request: FastifyRequest): Promise<{ file: Uint8Array | undefined; files: number }> {
  let file: Uint8Array | undefined;
  let files = 0;
  for await (const part of request.parts()) {
    if (part.type !== 'file') continue;
    files += 1;
    if (files === 1) file = await part.toBuffer();
    else part.file.resume();
  }
  return { file, files };
}
