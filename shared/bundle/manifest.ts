/**
 * The manifest of a bundle: `models/<id>/manifest.json`, then the files it names. A bundle is complete or absent:
 * it is written to a temporary folder, synced, and renamed. `models/current` is one line, the active id.
 */
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { HaetaeError } from '../errors.js';
import { FusionMethod } from '../retrieval/retriever.js';

export const bundleFormatVersion = 1;

const RelativePath = Type.String({
  minLength: 1,
  maxLength: 500,
  // No drive letter, no control character: `.` stops at a line break, behind which `/../` would hide.
  pattern: '^(?!/|[A-Za-z]:)(?!.*(^|/)\\.\\.(/|$))[^\\\\\\u0000-\\u001f]+$',
});

export const BundleManifest = Type.Object(
  {
    formatVersion: Type.Literal(bundleFormatVersion),
    id: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$' }),
    createdAt: Type.String({ description: 'ISO 8601' }),
    parent: Type.Union([Type.String(), Type.Null()], { description: 'Bundle this one replaces' }),
    student: Type.Union([RelativePath, Type.Null()], { description: 'Model folder of the student' }),
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
    }),
    prompt: Type.Union([Type.String(), Type.Null()]),
    answering: Type.Object({
      mode: Type.Union([
        Type.Literal('evidence'),
        Type.Literal('label'),
        Type.Literal('continuation'),
        Type.Literal('verify'),
      ]),
      model: RelativePath,
      evidencePassages: Type.Integer({ minimum: 1, description: 'Passages handed to the scorer' }),
    }),
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
  if (validator.Check(value)) return value;
  const [first] = validator.Errors(value);
  throw new HaetaeError(
    'BUNDLE_INVALID',
    `${where}: ${first?.instancePath || '/'} ${first?.message ?? 'does not fit'}. Rebuild the bundle with: haetae train index`,
    { path: first?.instancePath },
  );
}
