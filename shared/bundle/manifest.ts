/**
 * The manifest of a bundle: `models/<id>/manifest.json`, then the files it names. A bundle is complete or absent:
 * it is written to a temporary folder, synced, and renamed. `models/current` is one line, the active id.
 */
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { HaetaeError } from '../errors.js';
import { ModelFingerprint } from '../lm/fingerprint.js';
import { FusionMethod } from '../retrieval/retriever.js';

export const bundleFormatVersion = 1;

const RelativePath = Type.String({
  minLength: 1,
  maxLength: 500,
  // No drive letter, no control character: `.` stops at a line break, behind which `/../` would hide.
  pattern: '^(?!/|[A-Za-z]:)(?!.*(^|/)\\.\\.(/|$))[^\\\\\\u0000-\\u001f]+$',
});

/** The student language model of a bundle; bundles made before there was one have null in its place. */
const Student = Type.Object(
  {
    path: RelativePath,
    contextLength: Type.Integer({
      minimum: 64,
      description: 'Longest prompt and output together, tokens: what the cache is made for',
    }),
    slots: Type.Integer({ minimum: 1, maximum: 64, description: 'Sequences that are worked on at once' }),
    fingerprint: ModelFingerprint,
    name: Type.String({ description: 'What it is called outside, e.g. on its hub' }),
    licence: Type.String({ description: 'SPDX id, or NOASSERTION' }),
    released: Type.Union([Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' }), Type.Null()], {
      description: 'When its weights were published',
    }),
  },
  { additionalProperties: false },
);
export type StudentEntry = Static<typeof Student>;

export const AnsweringMode = Type.Union([
  Type.Literal('evidence'),
  Type.Literal('label'),
  Type.Literal('continuation'),
  Type.Literal('verify'),
  Type.Literal('combined'),
]);
export type AnsweringMode = Static<typeof AnsweringMode>;

export const BundleManifest = Type.Object(
  {
    formatVersion: Type.Literal(bundleFormatVersion),
    id: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$' }),
    createdAt: Type.String({ description: 'ISO 8601' }),
    parent: Type.Union([Type.String(), Type.Null()], { description: 'Bundle this one replaces' }),
    student: Type.Union([Student, Type.Null()]),
    tokenizer: Type.Union([RelativePath, Type.Null()], { description: 'tokenizer.json of the student' }),
    embedder: Type.Object({
      path: RelativePath,
      dimension: Type.Integer({ minimum: 1 }),
      fingerprint: Type.String(),
    }),
    index: Type.Object({
      chunks: RelativePath,
      bm25: RelativePath,
      vectors: RelativePath,
      vectorRows: RelativePath,
      chunkCount: Type.Integer({ minimum: 1 }),
      vectorIndex: Type.String({ description: 'As the FAISS index factory writes it' }),
      recallAt10: Type.Number({
        minimum: 0,
        maximum: 1,
        description: 'Of the vector index against exact search',
      }),
      tokenizerVersion: Type.String({
        description: 'Version of the BM25 tokenisation the index was built with',
      }),
      inputsHash: Type.String({ description: 'sha256 of what the index was built from' }),
    }),
    retrieval: Type.Object({
      topK: Type.Integer({ minimum: 1 }),
      candidates: Type.Integer({ minimum: 1 }),
      fusion: FusionMethod,
      weights: Type.Object({ bm25: Type.Number(), faiss: Type.Number() }),
      rrfK: Type.Integer({ minimum: 1 }),
      searchParams: Type.String(),
      rerank: Type.Boolean(),
      reranker: Type.Optional(
        Type.Union([Type.Literal('cover'), Type.Literal('student')], {
          description: 'What scores the best passages of a search; default cover: a student takes seconds',
        }),
      ),
    }),
    prompt: Type.Union([Type.String(), Type.Null()], {
      description: 'Id of the prompts the student is asked with (see student-prompt.ts)',
    }),
    answering: Type.Object({
      mode: AnsweringMode,
      model: RelativePath,
      combined: Type.Optional(
        Type.Unsafe<string>({
          ...RelativePath,
          description: 'Choice model of evidence and student together',
        }),
      ),
      open: Type.Optional(
        Type.Union([Type.Literal('evidence'), Type.Literal('student')], {
          description:
            'Who answers open questions; default: the student, unless choices are answered by evidence',
        }),
      ),
      evidencePassages: Type.Integer({ minimum: 1, description: 'Passages handed to the scorer' }),
      studentPassages: Type.Optional(
        Type.Integer({ minimum: 0, description: 'Of these, how many the student reads; default 3' }),
      ),
      calibration: Type.Optional(
        Type.Object(
          {
            temperature: Type.Number({
              exclusiveMinimum: 0,
              description: 'Of the softmax over the choices, fitted for `mode`',
            }),
            questions: Type.Integer({ minimum: 0, description: 'It was fitted on; 0: a default' }),
            negativeLogLikelihood: Type.Number(),
            expectedCalibrationError: Type.Number(),
          },
          { additionalProperties: false },
        ),
      ),
    }),
    /** Questions that the loaded bundle must answer as it did when it was made (see `probes.ts`). */
    probes: Type.Optional(RelativePath),
    metrics: Type.Record(Type.String(), Type.Number()),
    licences: Type.Array(
      Type.Object({
        licence: Type.String(),
        publisher: Type.String(),
        documents: Type.Integer(),
        url: Type.String(),
      }),
    ),
    files: Type.Array(
      Type.Object({
        path: RelativePath,
        bytes: Type.Integer({ minimum: 0 }),
        sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
      }),
    ),
  },
  { additionalProperties: false },
);
export type BundleManifest = Static<typeof BundleManifest>;

const validator = Compile(BundleManifest);

/** @throws HaetaeError BUNDLE_INVALID naming the first field that does not fit. */
export function parseManifest(text: string, where: string): BundleManifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new HaetaeError(
      'BUNDLE_INVALID',
      `${where} is not JSON. Rebuild the bundle with: haetae train index`,
      {},
      { cause: error },
    );
  }
  const version = (value as { formatVersion?: unknown } | null)?.formatVersion;
  if (version !== undefined && version !== bundleFormatVersion) {
    throw new HaetaeError(
      'BUNDLE_INVALID',
      `${where} is of bundle format ${JSON.stringify(version)}, this program reads ${bundleFormatVersion}. Make the bundle again with this program.`,
      { formatVersion: version },
    );
  }
  if (validator.Check(value)) return checkStudent(value, where);
  const [first] = validator.Errors(value);
  throw new HaetaeError(
    'BUNDLE_INVALID',
    `${where}: ${first?.instancePath || '/'} ${first?.message ?? 'does not fit'}. Rebuild the bundle with: haetae train index`,
    { path: first?.instancePath },
  );
}

/** What no schema says: a mode of the student needs a student, and prompts to ask it with. */
function checkStudent(manifest: BundleManifest, where: string): BundleManifest {
  const { student, prompt, answering, retrieval } = manifest;
  const needs =
    answering.mode !== 'evidence'
      ? `answers by '${answering.mode}'`
      : retrieval.reranker === 'student'
        ? 're-ranks by its student'
        : undefined;
  if (needs !== undefined && student === null) {
    throw new HaetaeError(
      'BUNDLE_INVALID',
      `${where}: the bundle ${needs}, but has no student. Add one with: haetae models import`,
      { path: '/student' },
    );
  }
  if (student !== null && prompt === null) {
    throw new HaetaeError(
      'BUNDLE_INVALID',
      `${where}: the bundle has a student, but /prompt does not say how it is asked. Make it again with: haetae models import`,
      { path: '/prompt' },
    );
  }
  return manifest;
}
