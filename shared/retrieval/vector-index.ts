/** The contract of a vector index; implementations: the FAISS addon, and an exact scan in JavaScript. */
export interface VectorHits {
  /** Rows, best first; −1 where fewer than k were found. [n · k] */
  labels: BigInt64Array | Int32Array;
  /** Inner products (higher is better), same order. [n · k] */
  distances: Float32Array;
}

export interface VectorIndex {
  readonly dimension: number;
  readonly size: number;
  /** `Flat`, `IVF128,Flat`, `HNSW32`, … as FAISS's index factory writes it. */
  readonly description: string;
  /** Search n queries [n · dimension] off the event loop. */
  searchAsync(queries: Float32Array, k: number, searchParams?: string): Promise<VectorHits>;
}
