/**
 * The named schemas of the API: the shared contracts under the names that `openapi.yaml` gives them, and the
 * schema of a problem. Routes refer to them by `$ref`, so each is written out once.
 */
import Type, { type TSchema } from 'typebox';
import { AnswerResult, SubmissionRow } from '../../shared/answering/answer.js';
import { type ErrorCode, errorTable } from '../../shared/errors.js';
import { Classification } from '../../shared/question/question.js';
import type { App } from '../app.js';
import { problemMediaType } from '../problem.js';
import { BundleEntry } from './bundles.js';
import { ChatCompletion, ChatCompletionChunk, EmbeddingList, Model, OpenAiError } from './open-ai.js';
import { RetrievalSchema } from './retrieval.js';
import { TrainingRun, TrainingRunSummary } from './training-runs.js';

export const ProblemSchema = Type.Object(
  {
    type: Type.String({ description: 'URN of the kind of problem' }),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String({ description: 'What was wrong, what came, what to do' }),
    code: Type.Enum(Object.keys(errorTable)),
    requestId: Type.String(),
    instance: Type.String({ description: 'Path of the request' }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({ field: Type.String({ description: 'JSON pointer' }), message: Type.String() }),
      ),
    ),
    data: Type.Optional(
      Type.Object(
        {},
        { additionalProperties: true, description: 'Facts, e.g. row and line of a question file' },
      ),
    ),
  },
  { description: 'RFC 9457 problem details' },
);

const components = {
  AnswerResult,
  Bundle: BundleEntry,
  ChatCompletion,
  ChatCompletionChunk,
  Classification,
  EmbeddingList,
  Model,
  OpenAiError,
  Problem: ProblemSchema,
  Retrieval: RetrievalSchema,
  SubmissionRow,
  TrainingRun,
  TrainingRunSummary,
} satisfies Record<string, TSchema>;

export function addComponents(app: App): void {
  for (const [$id, schema] of Object.entries(components)) app.addSchema({ ...schema, $id });
}

/** A reference to one of them. */
export function ref(name: keyof typeof components): { $ref: string } {
  return { $ref: `${name}#` };
}

/** The `response` entries of the errors a route can end with, by their codes. */
export function problems(...codes: ErrorCode[]): Record<number, object> {
  return errorsAs(problemMediaType, 'Problem', codes);
}

/** The same under `/v1`, where errors have OpenAI's form. */
export function openAiErrors(...codes: ErrorCode[]): Record<number, object> {
  return errorsAs('application/json', 'OpenAiError', codes);
}

function errorsAs(
  mediaType: string,
  schema: keyof typeof components,
  codes: readonly ErrorCode[],
): Record<number, object> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of [...codes, 'INTERNAL' as const]) {
    const { status } = errorTable[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, same]) => [
      status,
      {
        description: same.map((code) => `\`${code}\`: ${errorTable[code].title}`).join('. '),
        content: { [mediaType]: { schema: ref(schema) } },
      },
    ]),
  );
}
