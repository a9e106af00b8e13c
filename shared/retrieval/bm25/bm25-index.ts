/**
 * Search in a frozen BM25 matrix: a query is a sum of a few columns and a top-k. A term that occurs twice in the
 * query counts twice, as in wink. Ties go to the lower row, so the same query always gives the same list.
 */
import { HaetaeError } from '../../errors.js';
import type { Terms } from '../../text/tokenize.js';
import { readBm25 } from './bm25-files.js';
import { ColumnSum, type WeightedColumn } from './column-sum.js';
import type { FrozenBm25 } from './frozen-bm25.js';
import { type Bm25Field, bm25Fields, fieldTerm } from './terms.js';
import { Vocabulary } from './vocabulary.js';

export interface Bm25Hits {
  /** Rows, best first; at most topK, fewer where fewer documents share a term with the query. */
  rows: Uint32Array;
  /** Scores > 0, same order. */
  scores: Float32Array;
}

/** One part of a weighted sum of queries. */
export interface WeightedQuery {
  terms: Terms;
  /** > 0, between 1e-6 and 1e6. */
  weight: number;
}

/** What a field's columns are multiplied by in a query: 0, or 1e-6 to 1e6 (no sum underflows to zero). */
export type FieldWeights = Record<Bm25Field, number>;

/**
 * Chosen on article recall: bigrams at ½ are best, or nearly, on headings, sentences and definitions alike; ¼ to 1
 * differ by less than half a point. Weights of 1 and 1 rank as wink does.
 */
export const defaultFieldWeights: Readonly<FieldWeights> = { morphemes: 1, bigrams: 0.5 };

export class Bm25Index {
  readonly docCount: number;
  readonly termCount: number;
  readonly tokenizerVersion: string;
  private readonly frozen: FrozenBm25;
  private readonly vocabulary: Vocabulary;
  private readonly columnSum: ColumnSum;
  /** Largest entry of each column. [termCount] */
  private readonly maxScores: Float32Array;

  /** `frozen` is trusted where it comes from `decodeBm25` or `freeze`; the vocabulary is checked here. */
  constructor(frozen: FrozenBm25) {
    this.frozen = frozen;
    this.vocabulary = new Vocabulary(frozen);
    this.docCount = frozen.docCount;
    this.termCount = this.vocabulary.size;
    this.tokenizerVersion = frozen.tokenizerVersion;
    this.columnSum = new ColumnSum(frozen, frozen.docCount);
    this.maxScores = maxOfColumns(frozen);
  }

  /**
   * Opens the files of a folder; throws FILE_NOT_FOUND or INDEX_INVALID, the latter also where the index was made
   * with another tokenizer than `tokenizerVersion` (if given): its terms would not meet those of a query.
   */
  static async open(dir: string, tokenizerVersion?: string): Promise<Bm25Index> {
    const frozen = await readBm25(dir);
    if (tokenizerVersion !== undefined && frozen.tokenizerVersion !== tokenizerVersion) {
      throw new HaetaeError(
        'INDEX_INVALID',
        `The BM25 index was made with tokenizer ${frozen.tokenizerVersion}, this is ${tokenizerVersion}. Build it again.`,
        { expected: tokenizerVersion, actual: frozen.tokenizerVersion },
      );
    }
    return new Bm25Index(frozen);
  }

  /** The topK (≥ 1) best documents. Unknown terms and empty queries match nothing. */
  search(query: Terms, topK: number, weights: FieldWeights = defaultFieldWeights): Bm25Hits {
    return this.searchWeighted([{ terms: query, weight: 1 }], topK, weights);
  }

  /** The topK (≥ 1) best documents by a weighted sum of queries: a stem fully, its choices by half. */
  searchWeighted(
    queries: readonly WeightedQuery[],
    topK: number,
    weights: FieldWeights = defaultFieldWeights,
  ): Bm25Hits {
    if (!Number.isInteger(topK) || topK < 1) {
      throw new HaetaeError('RETRIEVAL_PARAMETER', `topK must be a whole number ≥ 1, got ${topK}.`);
    }
    return this.columnSum.best(this.columnsOf(queries, weights), topK);
  }

  /** The score of every document, 0 where it shares no term with the query. [docCount] */
  scoreAll(query: Terms, weights: FieldWeights = defaultFieldWeights): Float32Array {
    return this.columnSum.all(this.columnsOf([{ terms: query, weight: 1 }], weights));
  }

  /** Documents that hold the term, 0..docCount. */
  docFreq(term: string, field: Bm25Field = 'morphemes'): number {
    const id = this.vocabulary.idOf(fieldTerm(field, term));
    const { indptr } = this.frozen;
    return id < 0 ? 0 : (indptr[id + 1] as number) - (indptr[id] as number);
  }

  /** Does the document hold the term? A binary search in the term's column. */
  holds(row: number, term: string, field: Bm25Field = 'morphemes'): boolean {
    const id = this.vocabulary.idOf(fieldTerm(field, term));
    if (id < 0) return false;
    const { indptr, rows } = this.frozen;
    let low = indptr[id] as number;
    let high = indptr[id + 1] as number;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((rows[middle] as number) < row) low = middle + 1;
      else high = middle;
    }
    return low < (indptr[id + 1] as number) && rows[low] === row;
  }

  /** ln(k + (N − df + ½)/(df + ½)), ≥ 0; a term of no document has the largest. */
  idf(term: string, field: Bm25Field = 'morphemes'): number {
    const docFreq = this.docFreq(term, field);
    return Math.log(this.frozen.params.k + (this.docCount - docFreq + 0.5) / (docFreq + 0.5));
  }

  /** Terms of a document, both fields. */
  docLength(row: number): number {
    const length = this.frozen.docLengths[row];
    if (length === undefined) {
      throw new HaetaeError('RETRIEVAL_PARAMETER', `Row ${row} is not one of ${this.docCount} documents.`);
    }
    return length;
  }

  /** The query's columns, greatest bound first; the weight counts a term as often as the query does. */
  private columnsOf(queries: readonly WeightedQuery[], weights: FieldWeights): WeightedColumn[] {
    const wrong = queries.find(({ weight }) => !(weight >= 1e-6 && weight <= 1e6));
    if (wrong) {
      throw new HaetaeError(
        'RETRIEVAL_PARAMETER',
        `The weight of a query must be 1e-6 to 1e6, got ${wrong.weight}.`,
      );
    }
    const columns = new Map<number, number>();
    for (const field of bm25Fields) {
      const weight = weights[field];
      if (weight === 0) continue;
      if (!(weight >= 1e-6 && weight <= 1e6)) {
        throw new HaetaeError(
          'RETRIEVAL_PARAMETER',
          `The weight of ${field} must be 0 or 1e-6 to 1e6, got ${weight}.`,
        );
      }
      for (const query of queries) {
        for (const term of query.terms[field]) {
          const id = this.vocabulary.idOf(fieldTerm(field, term));
          if (id >= 0) columns.set(id, (columns.get(id) ?? 0) + weight * query.weight);
        }
      }
    }
    return Array.from(columns, ([id, weight]) => ({
      id,
      weight,
      bound: weight * (this.maxScores[id] as number),
    })).sort((x, y) => y.bound - x.bound || x.id - y.id);
  }
}

function maxOfColumns({ indptr, scores }: FrozenBm25): Float32Array {
  const largest = new Float32Array(indptr.length - 1);
  for (let term = 0; term < largest.length; term += 1) {
    const end = indptr[term + 1] as number;
    let max = 0;
    for (let entry = indptr[term] as number; entry < end; entry += 1)
      max = Math.max(max, scores[entry] as number);
    largest[term] = max;
  }
  return largest;
}
