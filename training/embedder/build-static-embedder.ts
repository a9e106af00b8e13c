/**
 * The default embedder, from nothing but the corpus: a static-embedding encoder whose token table is latent
 * semantic analysis.
 *
 * ```
 * texts → BPE vocabulary → TF-IDF matrix A [texts, tokens] → A ≈ U Σ Vᵀ (randomised, truncated)
 * vector of token t = idf_t · unit(V_t)
 * ```
 *
 * V_t is the token's direction in the latent space. With the row's own length (plain LSA) rare tokens all but
 * vanish from a text's mean, and they are what a question is about: at unit length times idf, MRR on questions
 * taken from the corpus rose from 0.68 to 0.80. Tokens no text has get
 * zeros. The graph needs no more than gather, mean and scale.
 */
import { HaetaeError } from '../../shared/errors.js';
import { parseTokenizer } from '../../shared/lm/tokenizer.js';
import { randomizedSvd } from './randomized-svd.js';
import { type TableType, writeStaticEmbeddingFolder } from './static-embedding-folder.js';
import { buildTfidf } from './tfidf.js';
import { padToken, trainBpe } from './train-bpe.js';

export interface BuildStaticEmbedderOptions {
  /** Texts of the corpus, one per row of the TF-IDF matrix: what will be embedded later, or pieces of it. */
  texts: AsyncIterable<string> | Iterable<string>;
  /** Folder to write; made where absent. */
  outDir: string;
  /** Entries of the vocabulary at most (default 16,000). */
  vocabSize?: number;
  /** Default 256. */
  dimension?: number;
  seed: number;
  /** Element type of the stored table (default float16: half the size, the same ranking). */
  tableType?: TableType;
  onProgress?: (stage: 'vocabulary' | 'tfidf' | 'svd' | 'write', done: number, total: number) => void;
}

export interface StaticEmbedderReport {
  vocabSize: number;
  dimension: number;
  /** Texts, and entries of the TF-IDF matrix that are not zero. */
  texts: number;
  nonZeros: number;
  /** Largest first. [dimension] */
  singularValues: number[];
  seconds: number;
}

export async function buildStaticEmbedder(
  options: BuildStaticEmbedderOptions,
): Promise<StaticEmbedderReport> {
  const { outDir, dimension = 256, vocabSize: size = 16_000, seed, tableType, onProgress } = options;
  const started = performance.now();
  const texts: string[] = [];
  for await (const text of options.texts) {
    texts.push(text);
  }
  if (texts.length === 0) {
    throw new HaetaeError(
      'CONFIG_INVALID',
      'There is no text to build the embedder from. Prepare documents first.',
    );
  }
  onProgress?.('vocabulary', 0, 1);
  const tokenizerJson = await trainBpe(texts, size);
  onProgress?.('vocabulary', 1, 1);

  const tokenizer = await parseTokenizer(JSON.stringify(tokenizerJson), 'the new vocabulary');
  const { vocabSize } = tokenizer;
  const documents: number[][] = [];
  for (let start = 0; start < texts.length; start += 1024) {
    documents.push(...(await tokenizer.encodeBatch(texts.slice(start, start + 1024))));
    onProgress?.('tfidf', Math.min(start + 1024, texts.length), texts.length);
  }
  const { matrix, idf } = buildTfidf(documents, { vocabSize });

  const { singularValues, v } = randomizedSvd(matrix, {
    rank: dimension,
    seed,
    onProgress: (done, total) => onProgress?.('svd', done, total),
  });
  const table = tokenTable(v, dimension, idf);

  onProgress?.('write', 0, 1);
  const embedding = { table, vocabSize, dimension, tokenizer: tokenizerJson, padToken };
  await writeStaticEmbeddingFolder(outDir, embedding, tableType);
  onProgress?.('write', 1, 1);
  return {
    vocabSize,
    dimension,
    texts: texts.length,
    nonZeros: matrix.col.length,
    singularValues: [...singularValues],
    seconds: (performance.now() - started) / 1000,
  };
}

/**
 * [vocabSize, dimension]: the direction of V_t, as long as idf_t relative to the largest idf.
 * A token whose row of V is nothing but rounding has no direction, and gets zeros.
 */
function tokenTable(v: Float64Array, dimension: number, idf: Float64Array): Float32Array {
  const norms = idf.map((_, token) => {
    let square = 0;
    for (let e = token * dimension; e < (token + 1) * dimension; e++) {
      square += v[e]! * v[e]!;
    }
    return Math.sqrt(square);
  });
  const largest = { norm: norms.reduce((a, b) => Math.max(a, b)), idf: idf.reduce((a, b) => Math.max(a, b)) };
  const factors = norms.map((norm, token) =>
    norm > 1e-9 * largest.norm ? idf[token]! / largest.idf / norm : 0,
  );
  return Float32Array.from(v, (value, e) => value * factors[Math.floor(e / dimension)]!);
}
