/**
 * The default embedder, from nothing but the corpus: a static-embedding encoder whose token table is latent
 * semantic analysis.
 *
 * ```
 * texts → BPE vocabulary → TF-IDF matrix A [texts, tokens] → A ≈ U Σ Vᵀ (randomised, truncated)
 * vector of token t = idf_t · V_t · Σ^spectrumPower
 * ```
 *
 * The mean of a text's token vectors is then, up to its length, the projection of its TF-IDF row onto the
 * latent dimensions (with raw instead of logarithmic counts): the graph needs no more than gather, mean and
 * scale.
 */
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

/** Exponent of the singular values in the token vectors. */
const spectrumPower = 0;

export async function buildStaticEmbedder(
  options: BuildStaticEmbedderOptions,
): Promise<StaticEmbedderReport> {
  const { outDir, dimension = 256, vocabSize: size = 16_000, seed, tableType, onProgress } = options;
  const started = performance.now();
  const texts: string[] = [];
  for await (const text of options.texts) {
    texts.push(text);
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
  const table = tokenTable(v, singularValues, idf);

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

/** [vocabSize, dimension], scaled so that the longest row has length 1 (which float16 holds well). */
function tokenTable(v: Float64Array, singularValues: Float64Array, idf: Float64Array): Float32Array {
  const dimension = singularValues.length;
  const scale = Float64Array.from(singularValues, (sigma) => (sigma > 0 ? sigma ** spectrumPower : 0));
  const table = Float64Array.from(
    v,
    (value, i) => value * idf[Math.floor(i / dimension)]! * scale[i % dimension]!,
  );
  let longest = 0;
  for (let start = 0; start < table.length; start += dimension) {
    longest = Math.max(longest, Math.hypot(...table.subarray(start, start + dimension)));
  }
  return Float32Array.from(table, (value) => value / (longest || 1));
}
