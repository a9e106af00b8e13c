/** Loads one bundle into a runtime: everything is opened and checked here, so that no request meets a surprise. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ChoiceModel, parseChoiceModel } from '../answering/choice-model.js';
import { CombinedChoiceScorer, combinedFeatureNames } from '../answering/combined-choice-scorer.js';
import { featureNames } from '../answering/evidence-features.js';
import { EvidenceScorer } from '../answering/evidence-scorer.js';
import { EvidenceSource } from '../answering/evidence-source.js';
import { EvidenceOpenAnswerer } from '../answering/open-answer.js';
import { Orchestrator } from '../answering/orchestrator.js';
import { StudentChoiceScorer, type StudentMode } from '../answering/student-choice-scorer.js';
import { StudentOpenAnswerer } from '../answering/student-open-answerer.js';
import { HaetaeError } from '../errors.js';
import { Bm25Index } from '../retrieval/bm25/bm25-index.js';
import type { Chunk } from '../retrieval/chunk.js';
import { readChunks } from '../retrieval/chunk-file.js';
import type { Embedder } from '../retrieval/embedder.js';
import { openVectorIndex } from '../retrieval/faiss/open-vector-index.js';
import { HybridRetriever } from '../retrieval/hybrid-retriever.js';
import { openEmbedder } from '../retrieval/onnx-embedder.js';
import { CoverReranker } from '../retrieval/reranker.js';
import { readVectorRows } from '../retrieval/vector-rows.js';
import { createTokenizer, tokenizerVersion } from '../text/tokenize.js';
import { type Bundle, manifestHash, readBundle } from './bundle-store.js';
import { chatWith, type LoadedStudent, loadStudent } from './load-student.js';
import type { AnsweringMode } from './manifest.js';
import type { LoadOptions, Runtime } from './runtime.js';

/** Below this a search is over before a second thread has woken. */
const chunksPerSearchThread = 50_000;

/** What the runtime is made of; programs that measure or fit look inside, the engine does not. */
export interface LoadedParts {
  chunks: Chunk[];
  retriever: HybridRetriever;
  scorer: EvidenceScorer;
  embedder: Embedder;
  /** Scores choices by the student in any of its modes; null without one. */
  studentScorer: ((mode: StudentMode) => StudentChoiceScorer) | null;
}

/**
 * @param options.choiceModel takes the place of the bundle's own: for fitting and comparing models.
 * @param options.mode takes the place of the bundle's own: for comparing modes.
 * @throws HaetaeError BUNDLE_NOT_FOUND, BUNDLE_INVALID, INDEX_INVALID, MODEL_INVALID; MODEL_NOT_LOADED where the mode
 * needs a student and the bundle has none
 */
export async function loadRuntime(
  options: LoadOptions & { choiceModel?: ChoiceModel; mode?: AnsweringMode },
): Promise<Runtime & { parts: LoadedParts }> {
  const started = performance.now();
  const bundle = await readBundle(options.modelsDir, options.bundleId);
  const { folder, manifest } = bundle;
  const mode = options.mode ?? manifest.answering.mode;
  if (mode !== 'evidence' && manifest.student === null) throw withoutStudent(manifest.id);
  if (manifest.index.tokenizerVersion !== tokenizerVersion) {
    throw new HaetaeError(
      'BUNDLE_INVALID',
      `Bundle '${manifest.id}' was indexed with tokenisation ${manifest.index.tokenizerVersion}, this program has ${tokenizerVersion}. Rebuild it with: haetae train index`,
    );
  }
  const { combined: combinedPath } = manifest.answering;
  const [tokenizer, chunks, keywords, vectors, rowOfVector, embedder, model, combined] = await Promise.all([
    createTokenizer(),
    readChunks(join(folder, manifest.index.chunks)),
    Bm25Index.open(join(folder, manifest.index.bm25)),
    openVectorIndex(join(folder, manifest.index.vectors), {
      threads: Math.min(options.threads, Math.ceil(manifest.index.chunkCount / chunksPerSearchThread)),
    }),
    readVectorRows(join(folder, manifest.index.vectorRows)),
    openEmbedder(join(folder, manifest.embedder.path), { threads: options.threads }),
    options.choiceModel ??
      readFile(join(folder, manifest.answering.model), 'utf8').then((text) =>
        parseChoiceModel(text, manifest.answering.model, featureNames),
      ),
    combinedPath === undefined
      ? null
      : readFile(join(folder, combinedPath), 'utf8').then((text) =>
          parseChoiceModel(text, combinedPath, combinedFeatureNames),
        ),
  ]);
  if (embedder.fingerprint !== manifest.embedder.fingerprint) {
    throw new HaetaeError(
      'BUNDLE_INVALID',
      `Bundle '${manifest.id}': its vectors were made by another embedder than the one it holds. Rebuild it with: haetae train index --force`,
    );
  }
  const student = manifest.student
    ? await loadStudent(bundle, manifest.student, options).catch(async (error: unknown) => {
        await embedder.close();
        throw error;
      })
    : null;
  const source = new EvidenceSource(chunks, tokenizer, embedder);
  const cover = new CoverReranker(tokenizer, keywords);
  const retriever = new HybridRetriever({
    chunks,
    tokenizer,
    keywords,
    vectors: vectors.index,
    rowOfVector,
    embedder,
    reranker: student && manifest.retrieval.reranker === 'student' ? student.reranker : cover,
    defaults: manifest.retrieval,
  });
  const scorer = new EvidenceScorer({ tokenizer, keywords, embedder, retriever, source, model });
  const evidence = {
    choiceScorer: scorer,
    openAnswerer: new EvidenceOpenAnswerer({ tokenizer, keywords, source }),
  };
  const studentScorer = student && ((as: StudentMode) => choiceScorerOf(student, bundle, scorer, as));
  const byStudent =
    studentScorer && mode !== 'evidence'
      ? {
          choiceScorer:
            mode === 'combined'
              ? combinedScorerOf(bundle, combined, scorer, studentScorer('verify'))
              : studentScorer(mode),
          openAnswerer:
            (manifest.answering.open ?? 'student') === 'evidence'
              ? evidence.openAnswerer
              : new StudentOpenAnswerer({
                  ...student,
                  evidence: evidence.openAnswerer,
                  excerpts: scorer,
                }),
          fallbacks: evidence,
        }
      : evidence;
  const orchestrator = new Orchestrator({
    bundleId: manifest.id,
    retriever,
    ...byStudent,
    evidencePassages: manifest.answering.evidencePassages,
  });
  const reranker = student?.reranker ?? cover;
  return {
    info: {
      bundleId: manifest.id,
      manifestHash: manifestHash(bundle),
      createdAt: manifest.createdAt,
      chunks: chunks.length,
      dimension: embedder.dimension,
      vectorIndex: manifest.index.vectorIndex,
      loadMs: performance.now() - started,
      student: student && { ...student.info, mode },
      warnings: [...vectors.warnings, ...(student?.warnings ?? [])],
    },
    parts: { chunks, retriever, scorer, embedder, studentScorer },
    retrieve: (query, retrieveOptions, signal) => retriever.retrieve(query, retrieveOptions, signal),
    answer: (question, answerOptions, signal, onEvent) =>
      orchestrator.answer(question, answerOptions, signal, onEvent),
    rerank: async ({ query, documents }, signal) => ({
      scores: await reranker.scoreTexts(query, documents, signal),
      scoredBy: student ? 'student' : 'cover',
    }),
    embed: async (texts) => ({
      vectors: await embedder.embed(texts),
      dimension: embedder.dimension,
      tokens: await embedder.countTokens(texts),
    }),
    chat: (request, signal) => {
      if (student) return chatWith(student.model, request, signal);
      throw withoutStudent(manifest.id);
    },
    stats: () => student?.model.stats() ?? null,
    close: async () => {
      await Promise.all([embedder.close(), student?.model.close()]);
    },
  };
}

function withoutStudent(bundleId: string): HaetaeError {
  return new HaetaeError(
    'MODEL_NOT_LOADED',
    `Bundle '${bundleId}' has no language model. Make one that has with: haetae models import FOLDER`,
    { bundleId },
  );
}

/** @throws HaetaeError BUNDLE_INVALID where the bundle has no model for it */
function combinedScorerOf(
  { manifest }: Bundle,
  model: ChoiceModel | null,
  evidence: EvidenceScorer,
  student: StudentChoiceScorer,
): CombinedChoiceScorer {
  if (model) return new CombinedChoiceScorer({ evidence, student, model });
  throw new HaetaeError(
    'BUNDLE_INVALID',
    `Bundle '${manifest.id}' has no model that combines evidence and student (answering.combined). Make it again with: haetae train run`,
    { bundleId: manifest.id },
  );
}

/** The bundle's calibration holds for its own mode. */
function choiceScorerOf(
  student: LoadedStudent,
  { manifest }: Bundle,
  evidence: EvidenceScorer,
  mode: StudentMode,
): StudentChoiceScorer {
  const { mode: own, calibration } = manifest.answering;
  const temperature = mode === own ? (calibration?.temperature ?? 1) : 1;
  return new StudentChoiceScorer({ ...student, mode, temperature, evidence });
}
