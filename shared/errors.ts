/**
 * The one table of error codes.
 *
 * Every error a user can meet is a `HaetaeError` whose code stands here. The message says what was wrong,
 * what came, and what to do. `status` is the HTTP status the API answers with (RFC 9457 body); programs exit
 * with 1 (2 for wrong usage). `title` is the short, fixed text of the problem type.
 */
export const errorTable = {
  // questions and question files
  QUESTION_EMPTY: { status: 400, title: 'The question is empty' },
  QUESTION_TOO_LONG: { status: 413, title: 'The question is too long' },
  CSV_EMPTY: { status: 400, title: 'The question file is empty' },
  CSV_ENCODING: { status: 400, title: 'The question file is neither UTF-8 nor CP949' },
  CSV_MISSING_COLUMN: { status: 400, title: 'The question file lacks a column' },
  CSV_MALFORMED: { status: 400, title: 'The question file is not valid CSV' },
  CSV_DUPLICATE_ID: { status: 400, title: 'The question file repeats an ID' },
  CSV_EMPTY_CELL: { status: 400, title: 'The question file has an empty ID or Question' },
  CSV_TOO_MANY_ROWS: { status: 413, title: 'The question file has too many rows' },
  // requests
  REQUEST_INVALID: { status: 400, title: 'The request does not fit its schema' },
  REQUEST_TIMEOUT: { status: 408, title: 'The request did not arrive in time' },
  REQUEST_TOO_LARGE: { status: 413, title: 'The request body is too large' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'The media type is not supported' },
  NOT_ACCEPTABLE: { status: 406, title: 'None of the accepted media types can be produced' },
  UNAUTHORIZED: { status: 401, title: 'The request carries no valid key' },
  FORBIDDEN: { status: 403, title: 'This is not permitted' },
  NOT_FOUND: { status: 404, title: 'There is nothing at this path' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'The method is not allowed here' },
  INTERNAL: { status: 500, title: 'Internal error' },
  // engine
  ENGINE_UNAVAILABLE: { status: 503, title: 'The engine is not ready' },
  ENGINE_CRASHED: { status: 503, title: 'The engine stopped while it worked on this request' },
  ENGINE_TIMEOUT: { status: 504, title: 'The engine did not answer in time' },
  ENGINE_BUSY: { status: 503, title: 'The engine has too much to do' },
  CANCELLED: { status: 499, title: 'The client closed the request' },
  // bundles and model folders
  BUNDLE_NOT_FOUND: { status: 503, title: 'There is no such bundle' },
  BUNDLE_INVALID: { status: 500, title: 'The bundle is not valid' },
  BUNDLE_CHECKSUM: { status: 500, title: 'A file of the bundle does not match its checksum' },
  BUNDLE_REFUSED: { status: 409, title: 'The bundle did not come up, or failed its probes' },
  MODEL_INVALID: { status: 500, title: 'The model folder is not valid' },
  MODEL_REFUSED: { status: 400, title: 'The model breaks the rules it was held against' },
  // language model
  MODEL_UNSUPPORTED: { status: 500, title: 'The model is of a kind that is not supported' },
  MODEL_NOT_LOADED: { status: 503, title: 'The active bundle has no language model' },
  LM_CONTEXT_EXCEEDED: { status: 400, title: 'Prompt and output do not fit the context of the model' },
  LM_REQUEST_INVALID: { status: 400, title: 'A parameter of the generation is not valid' },
  // retrieval
  RETRIEVAL_DIM_MISMATCH: { status: 500, title: 'Vector dimensions do not match' },
  RETRIEVAL_PARAMETER: { status: 400, title: 'A retrieval parameter is not valid' },
  FAISS_ERROR: { status: 500, title: 'FAISS refused the operation' },
  INDEX_INVALID: { status: 500, title: 'The index file is not valid' },
  // documents
  DOCUMENT_EMPTY: { status: 400, title: 'The document is empty' },
  DOCUMENT_ENCRYPTED: { status: 400, title: 'The document is encrypted' },
  DOCUMENT_SCANNED: { status: 400, title: 'The document holds images but no text' },
  DOCUMENT_UNREADABLE: { status: 400, title: 'The document holds no readable text' },
  DOCUMENT_DAMAGED: { status: 400, title: 'The document is damaged or truncated' },
  DOCUMENT_TOO_COMPLEX: { status: 400, title: 'The document needs more time or memory than is allowed' },
  DOCUMENT_UNSUPPORTED: { status: 415, title: 'The document format is not supported' },
  DOCUMENT_REFUSED: {
    status: 400,
    title: 'The document is no plain file inside the raw folder, or too large',
  },
  LICENCE_MISSING: { status: 400, title: 'The document has no known licence' },
  LICENCE_NOT_ALLOWED: { status: 400, title: 'The licence of the document is not allowed' },
  SOURCES_INVALID: { status: 400, title: 'The table of sources is not valid' },
  // training
  TRAINING_DATA_INVALID: { status: 400, title: 'The training data are not valid' },
  TRAINING_DIVERGED: { status: 500, title: 'The training run has diverged' },
  TRAINING_MEMORY: { status: 500, title: 'The training run does not fit into memory' },
  TRAINING_VOCABULARY: { status: 400, title: 'Teacher and student have different vocabularies' },
  TRAINING_CACHE_INVALID: { status: 500, title: 'The cache of teacher log-probabilities is not valid' },
  TRAINING_RUNNING: { status: 409, title: 'Another run of this pipeline is at work' },
  TRAINING_RUN_NOT_FOUND: { status: 404, title: 'There is no such run' },
  TRAINING_STAGE_FAILED: { status: 500, title: 'A stage of the pipeline failed' },
  TEACHER_UNAVAILABLE: { status: 502, title: 'The teacher does not answer' },
  TEACHER_REFUSED: { status: 502, title: 'The teacher refuses the request' },
  TEACHER_BUDGET: { status: 402, title: 'The teacher would cost more than is allowed' },
  // programs
  CONFIG_INVALID: { status: 500, title: 'The configuration is not valid' },
  USAGE: { status: 400, title: 'The command line is not valid' },
  FILE_NOT_FOUND: { status: 404, title: 'The file does not exist' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof errorTable;

/** An error with a code of the table, a message for people, and data for programs. */
export class HaetaeError extends Error {
  override readonly name = 'HaetaeError';
  readonly code: ErrorCode;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, data: Record<string, unknown> = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.data = data;
  }

  get status(): number {
    return errorTable[this.code].status;
  }

  get title(): string {
    return errorTable[this.code].title;
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
