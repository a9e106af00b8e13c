/**
 * Hybrid retrieval: BM25 and FAISS side by side, fused; then the statutes that the query names.
 *
 * A multiple-choice question may be the query: its stem counts fully, its choices together count half, so that
 * passages that hold the choices come up without drowning what is asked. Where the query names a statute
 * (`신용정보법 제17조`) or asks for the meaning of a defined term, `citation` is 1 for the chunks that define it, 0.9
 * for the article, 0.15 for the rest of the statute, and the fused score is the mean of both: what the question
 * points at is found whatever its words are.
 *
 * Where vectors fail, keyword search answers alone (`degraded`).
 */
import { HaetaeError } from '../errors.js';
import { askedText } from '../question/asked-text.js';
import { splitChoices } from '../question/choices.js';
import type { Terms, Tokenizer } from '../text/tokenize.js';
import type { Chunk } from './chunk.js';
import { DefinitionDirectory } from './definition-directory.js';
import type { Embedder } from './embedder.js';
import { type FusedHit, fuseMinMax, fuseReciprocalRank, type RankedList } from './fusion.js';
import type { KeywordIndex } from './keyword-index.js';
import type { Reranker } from './reranker.js';
import type { Passage, Retrieval, RetrieveOptions, Retriever } from './retriever.js';
import { StatuteDirectory } from './statute-mention.js';
import type { VectorIndex } from './vector-index.js';

export interface RetrievalDefaults {
  topK: number;
  candidates: number;
  fusion: 'minmax' | 'rrf';
  weights: { bm25: number; faiss: number };
  rrfK: number;
  searchParams: string;
  rerank: boolean;
}

export interface HybridRetrieverParts {
  chunks: readonly Chunk[];
  tokenizer: Tokenizer;
  keywords: KeywordIndex;
  vectors: VectorIndex;
  /** The chunk of each vector: a chunk has one vector a window. [vectors.size] */
  rowOfVector: Uint32Array;
  embedder: Embedder;
  reranker: Reranker;
  defaults: RetrievalDefaults;
}

const choicesWeight = 0.5;
/** What a chunk gains that defines the term asked for, is the article named, or belongs to the statute named. */
const citationOf = { definition: 1, article: 0.9, statute: 0.15 } as const;
/** Vectors fetched for each chunk wanted, since several windows of a chunk may be among the nearest. */
const windowsPerRow = 2;
/** Passages that the reranker sees at least. */
const rerankDepth = 20;

export class HybridRetriever implements Retriever {
  readonly #parts: HybridRetrieverParts;
  readonly #directory: StatuteDirectory;
  readonly #definitions: DefinitionDirectory;
  readonly #rowsOfTitle = new Map<string, number[]>();
  readonly #rowsOfArticle = new Map<string, number[]>();

  /** @throws HaetaeError RETRIEVAL_DIM_MISMATCH, INDEX_INVALID where the parts do not belong together. */
  constructor(parts: HybridRetrieverParts) {
    const { chunks, keywords, vectors, embedder, rowOfVector } = parts;
    if (vectors.dimension !== embedder.dimension) {
      throw new HaetaeError(
        'RETRIEVAL_DIM_MISMATCH',
        `The index expects ${vectors.dimension} dimensions, the embedder gives ${embedder.dimension}. Rebuild it with: haetae train index --force`,
      );
    }
    if (
      keywords.docCount !== chunks.length ||
      vectors.size !== rowOfVector.length ||
      rowOfVector.some((row) => row >= chunks.length)
    ) {
      throw new HaetaeError(
        'INDEX_INVALID',
        `The bundle holds ${chunks.length} chunks, ${keywords.docCount} BM25 rows, and ${vectors.size} vectors for ${rowOfVector.length} windows of them. Rebuild it with: haetae train index --force`,
      );
    }
    this.#parts = parts;
    const statutes = chunks.filter(
      ({ kind }) => kind === 'article' || kind === 'addendum' || kind === 'appendix',
    );
    this.#directory = new StatuteDirectory(statutes.map(({ title }) => title));
    this.#definitions = new DefinitionDirectory(chunks);
    for (const [row, { title, section, kind }] of chunks.entries()) {
      append(this.#rowsOfTitle, title, row);
      if (kind === 'article') append(this.#rowsOfArticle, `${title}\n${section}`, row);
    }
  }

  async retrieve(query: string, options: RetrieveOptions = {}, signal?: AbortSignal): Promise<Retrieval> {
    const { defaults, tokenizer } = this.#parts;
    const topK = options.topK ?? defaults.topK;
    const candidates = Math.max(topK, options.candidates ?? defaults.candidates);
    const weights = options.weights ?? defaults.weights;
    checkWeights(weights);
    signal?.throwIfAborted();
    const clock = stopwatch();
    const { stem, choices } = splitChoices(query);
    const asked = askedText(stem);
    const stemTerms = tokenizer.tokenize(asked);
    const choiceTerms = choices.map(({ text }) => tokenizer.tokenize(text));
    const tokenizeMs = clock();

    const keywordHits =
      weights.bm25 > 0 ? this.#searchKeywords(stemTerms, choiceTerms, candidates) : emptyList;
    const bm25Ms = clock();
    signal?.throwIfAborted();

    const text = choices.length > 0 ? `${asked}\n${choices.map((choice) => choice.text).join('\n')}` : asked;
    const found = await this.#searchVectors(
      text,
      candidates,
      weights,
      options.searchParams ?? defaults.searchParams,
    );
    signal?.throwIfAborted();
    clock();

    const lists = [keywordHits, found.hits];
    const listWeights = [weights.bm25, weights.faiss];
    const fused =
      (options.fusion ?? defaults.fusion) === 'rrf'
        ? fuseReciprocalRank(lists, listWeights, options.rrfK ?? defaults.rrfK)
        : fuseMinMax(lists, normalised(listWeights));
    let passages = this.#withCitations(stem, fused, candidates).filter(
      ({ scores }) => scores.fused >= (options.threshold ?? 0),
    );
    const fuseMs = clock();
    if (options.rerank ?? defaults.rerank) passages = await this.#rerank(stem, passages, topK, signal);
    const rerankMs = clock();
    signal?.throwIfAborted();
    return {
      passages: passages.slice(0, topK).map((passage, index) => ({ ...passage, rank: index + 1 })),
      degraded: found.degraded,
      timings: { tokenizeMs, bm25Ms, embedMs: found.embedMs, faissMs: found.faissMs, fuseMs, rerankMs },
    };
  }

  /** The best rows by keywords for a stem with each of its choices. */
  searchChoices(stem: Terms, choices: readonly Terms[], topK: number): RankedList[] {
    return choices.map((choice) =>
      this.#parts.keywords.searchWeighted(
        [
          { terms: stem, weight: 1 },
          { terms: choice, weight: 1 },
        ],
        topK,
      ),
    );
  }

  #searchKeywords(stem: Terms, choices: readonly Terms[], topK: number): RankedList {
    const { keywords } = this.#parts;
    const weight = choicesWeight / choices.length;
    return keywords.searchWeighted(
      [{ terms: stem, weight: 1 }, ...choices.map((terms) => ({ terms, weight }))],
      topK,
    );
  }

  async #searchVectors(
    text: string,
    topK: number,
    weights: { bm25: number; faiss: number },
    searchParams: string,
  ): Promise<{ hits: RankedList; degraded: boolean; embedMs: number; faissMs: number }> {
    if (weights.faiss === 0) return { hits: emptyList, degraded: false, embedMs: 0, faissMs: 0 };
    const clock = stopwatch();
    let embedMs = 0;
    try {
      const vector = await this.#parts.embedder.embed([text], 'query');
      embedMs = clock();
      if (vector.every((value) => value === 0))
        return { hits: emptyList, degraded: false, embedMs, faissMs: 0 };
      const { vectors, rowOfVector } = this.#parts;
      const depth = Math.min(topK * windowsPerRow, vectors.size);
      const { labels, distances } = await vectors.searchAsync(vector, depth, searchParams);
      // Best first, so a chunk's first window is its nearest.
      const nearest = new Map<number, number>();
      for (let i = 0; i < labels.length && nearest.size < topK; i++) {
        const row = rowOfVector[Number(labels[i])];
        if (row !== undefined && !nearest.has(row)) nearest.set(row, distances[i] as number);
      }
      const rows = [...nearest.keys()];
      const scores = [...nearest.values()];
      return { hits: { rows, scores }, degraded: false, embedMs, faissMs: clock() };
    } catch (error) {
      // A wrong parameter is the caller's; anything else must not cost the answer.
      if (error instanceof HaetaeError && error.code === 'RETRIEVAL_PARAMETER') throw error;
      if (weights.bm25 === 0) throw error;
      return { hits: emptyList, degraded: true, embedMs, faissMs: clock() };
    }
  }

  #withCitations(stem: string, fused: FusedHit[], candidates: number): Passage[] {
    const bonus = this.#citationBonus(stem);
    const hits = new Map(fused.map((hit) => [hit.row, hit]));
    for (const [row, value] of bonus) {
      if (value > citationOf.statute && !hits.has(row)) hits.set(row, { row, fused: 0, raw: [null, null] });
    }
    const named = bonus.size > 0;
    return [...hits.values()]
      .map(({ row, fused: score, raw }) => {
        const citation = bonus.get(row) ?? 0;
        return {
          rank: 0,
          row,
          chunk: this.#parts.chunks[row] as Chunk,
          scores: {
            bm25: raw[0] ?? null,
            faiss: raw[1] ?? null,
            citation,
            fused: named ? (score + citation) / 2 : score,
            rerank: null,
          },
        };
      })
      .sort((a, b) => b.scores.fused - a.scores.fused || a.row - b.row)
      .slice(0, candidates);
  }

  /** Looks again at the best; what is below keeps its place behind them. */
  async #rerank(
    query: string,
    passages: readonly Passage[],
    topK: number,
    signal: AbortSignal | undefined,
  ): Promise<Passage[]> {
    const depth = Math.max(rerankDepth, topK);
    const best = passages.slice(0, depth);
    const scores = await this.#parts.reranker.score(query, best, signal);
    const reranked = best.map((passage, index): Passage & { order: number } => {
      const rerank = scores[index] as number;
      return { ...passage, scores: { ...passage.scores, rerank }, order: rerank };
    });
    reranked.sort((a, b) => b.order - a.order || a.row - b.row);
    return [...reranked.map(({ order: _, ...passage }) => passage), ...passages.slice(depth)];
  }

  #citationBonus(stem: string): Map<number, number> {
    const bonus = new Map<number, number>();
    const raise = (row: number, value: number): void => {
      bonus.set(row, Math.max(bonus.get(row) ?? 0, value));
    };
    const mentions = this.#directory.mentions(stem);
    for (const { titles, articles } of mentions) {
      for (const title of titles) {
        for (const row of this.#rowsOfTitle.get(title) ?? []) raise(row, citationOf.statute);
        for (const article of articles) {
          for (const row of this.#rowsOfArticle.get(`${title}\n${article}`) ?? [])
            raise(row, citationOf.article);
        }
      }
    }
    // A term may be defined in several statutes: where one is named, that one is meant.
    const named = new Set(mentions.flatMap(({ titles }) => titles));
    for (const row of this.#definitions.lookUp(stem)) {
      if (named.size === 0 || named.has((this.#parts.chunks[row] as Chunk).title))
        raise(row, citationOf.definition);
    }
    return bonus;
  }
}

const emptyList: RankedList = { rows: [], scores: [] };

function append(map: Map<string, number[]>, key: string, row: number): void {
  const rows = map.get(key);
  if (rows) rows.push(row);
  else map.set(key, [row]);
}

function checkWeights({ bm25, faiss }: { bm25: number; faiss: number }): void {
  if (bm25 >= 0 && faiss >= 0 && bm25 + faiss > 0 && bm25 + faiss < Infinity) return;
  throw new HaetaeError(
    'RETRIEVAL_PARAMETER',
    `The fusion weights must be numbers ≥ 0, at least one above 0, else nothing would be searched; got bm25 ${bm25}, faiss ${faiss}.`,
  );
}

/** Weights that sum to 1, so that the fused score stays within 0..1. */
function normalised(weights: readonly number[]): number[] {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** Milliseconds since the call before. */
function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const now = performance.now();
    const elapsed = now - last;
    last = now;
    return elapsed;
  };
}
