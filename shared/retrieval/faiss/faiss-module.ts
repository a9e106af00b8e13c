/**
 * FAISS in JavaScript: the class and method names of the npm package `faiss-node` 0.5.1, plus typed arrays,
 * search off the event loop, parameters per search, memory-mapped files, and errors instead of aborts.
 *
 * Errors are ordinary `Error`s whose `code` is one of RETRIEVAL_PARAMETER (an argument), RETRIEVAL_DIM_MISMATCH,
 * INDEX_INVALID (a damaged file), FILE_NOT_FOUND, FAISS_ERROR (everything else).
 *
 * Vectors are row-major, [n · d]; NaN and Infinity are refused everywhere. Where a call takes
 * `Float32Array | number[]`, a plain array gives plain arrays back, as faiss-node does.
 */

/** Values of faiss/MetricType.h. */
export const MetricType = {
  METRIC_INNER_PRODUCT: 0,
  METRIC_L2: 1,
  METRIC_L1: 2,
  METRIC_Linf: 3,
  METRIC_Lp: 4,
  METRIC_Canberra: 20,
  METRIC_BrayCurtis: 21,
  METRIC_JensenShannon: 22,
} as const;
export type MetricType = (typeof MetricType)[keyof typeof MetricType];

export interface TypedHits {
  /** Row numbers, −1 where fewer than k were found. BigInt only where an id does not fit 32 bits. [n · k] */
  labels: Int32Array | BigInt64Array;
  /** Inner products (best = highest) or distances (best = lowest); ±3.4e38 beside a −1. [n · k] */
  distances: Float32Array;
}
export interface PlainHits {
  labels: number[];
  distances: number[];
}

export interface FaissIndex {
  ntotal(): number;
  getDimension(): number;
  isTrained(): boolean;
  metricType(): MetricType;
  /** As FAISS's index factory writes it: `Flat`, `IVF128,Flat`, `HNSW32,Flat`. */
  describe(): string;
  /** True where the vectors stay in the file; such an index is read-only. */
  isMapped(): boolean;
  /** Waits for searches in flight. */
  add(x: Float32Array | readonly number[]): void;
  train(x: Float32Array | readonly number[]): void;
  /** Blocks. k 1 to 2^31 − 1, n · k at most 2^27. */
  search(x: Float32Array, k: number, params?: string): TypedHits;
  search(x: readonly number[], k: number, params?: string): PlainHits;
  /**
   * Searches in libuv's thread pool. The queries are copied at once, so the caller may reuse the array. Sees
   * the index as it is when the search runs. Wrong arguments throw at once, everything later rejects.
   */
  searchAsync(x: Float32Array | readonly number[], k: number, params?: string): Promise<TypedHits>;
  /**
   * Defaults of later searches, `nprobe=16,efSearch=64` (also `quantizer_efSearch`), each 1 to 65,536. They are
   * written with the index. A known parameter that this kind of index lacks is ignored, so that one string can
   * serve every index; an unknown one is an error.
   */
  setParameters(params: string): void;
  getParameters(): string;
  /** Rows `row` to `row + n − 1`. [n · d] */
  reconstruct(row: number, n?: number): Float32Array;
  /** Returns how many were removed. In a flat index the rows behind move up. HNSW cannot. */
  removeIds(ids: readonly number[] | Int32Array): number;
  /** Moves all vectors of `other` behind ours; `other` is empty afterwards. */
  mergeFrom(other: FaissIndex): void;
  reset(): void;
  /** Complete or absent: written beside, synced, renamed. */
  write(fname: string): void;
  toBuffer(): Buffer;
}

export interface ReadOptions {
  /**
   * Leave the vectors in the file. Works for flat inner-product indices and for inverted lists; everything else
   * is read into memory. The file must be replaced by rename, never changed in place.
   */
  mmap?: boolean;
}

export interface IndexStatics<T extends FaissIndex> {
  readonly prototype: T;
  read(fname: string, options?: ReadOptions): T;
  fromBuffer(src: Uint8Array): T;
}
/** (d, descriptor = `Flat`, metric = L2) */
export interface IndexClass extends IndexStatics<FaissIndex> {
  new (d: number, descriptor?: string, metric?: MetricType): FaissIndex;
  fromFactory(dims: number, descriptor: string, metric?: MetricType): FaissIndex;
}
/** The factory's descriptor is fixed by the class. */
export interface FlatClass extends IndexStatics<FaissIndex> {
  new (d: number, metric?: MetricType): FaissIndex;
}
export interface FixedFlatClass extends IndexStatics<FaissIndex> {
  new (d: number): FaissIndex;
}
/** (d, number of lists, metric = L2) */
export interface IvfFlatClass extends IndexStatics<FaissIndex> {
  new (d: number, nlist: number, metric?: MetricType): FaissIndex;
}
/** (d, links per node = 32, metric = L2) */
export interface HnswClass extends IndexStatics<FaissIndex> {
  new (d: number, m?: number, metric?: MetricType): FaissIndex;
}

export interface FaissModule {
  readonly source: 'addon';
  readonly faissVersion: string;
  /** Instructions the exact inner-product scan uses on this CPU. */
  readonly scanVariant: 'avx512' | 'avx2' | 'baseline';
  readonly MetricType: typeof MetricType;
  readonly Index: IndexClass;
  readonly IndexFlat: FlatClass;
  readonly IndexFlatL2: FixedFlatClass;
  readonly IndexFlatIP: FixedFlatClass;
  readonly IndexIVFFlat: IvfFlatClass;
  readonly IndexHNSWFlat: HnswClass;
  /** Threads of each later operation in this JavaScript thread, ≥ 1. Default 1. BLAS's count is the process's. */
  setOmpThreads(n: number): void;
}

/** What is used of faiss-node where only that is there: synchronous, plain arrays, one leak per search. */
export interface FaissNodeModule {
  readonly source: 'faiss-node';
  readonly Index: {
    read(fname: string): {
      ntotal(): number;
      getDimension(): number;
      search(x: number[], k: number): { labels: number[]; distances: number[] };
    };
  };
}
