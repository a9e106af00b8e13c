/** Opens an index file with the best means at hand: the addon, faiss-node, or the exact scan. */
import { checkSearch, FlatScan } from '../flat-scan.js';
import { checkSearchParams } from '../search-params.js';
import type { VectorHits, VectorIndex } from '../vector-index.js';
import { loadFaiss, loadFaissNode } from './addon.js';
import { toFaissError } from './faiss-error.js';
import type { FaissIndex, FaissModule, FaissNodeModule, ReadOptions } from './faiss-module.js';

export interface OpenOptions extends ReadOptions {
  /** Threads of one search, ≥ 1; default 1. A setting of the process. */
  threads?: number;
  /** What to use instead of what is installed; `undefined` as a value means: not there. For tests. */
  faiss?: FaissModule | undefined;
  faissNode?: FaissNodeModule | undefined;
}

export interface OpenedVectorIndex {
  index: VectorIndex;
  /** Empty where the addon serves. */
  warnings: string[];
}

/** A FAISS index of the addon under the contract's name. */
export class AddonVectorIndex implements VectorIndex {
  readonly dimension: number;
  readonly size: number;
  readonly description: string;
  readonly #index: FaissIndex;

  constructor(index: FaissIndex) {
    this.#index = index;
    this.dimension = index.getDimension();
    this.size = index.ntotal();
    this.description = index.describe();
  }

  async searchAsync(queries: Float32Array, k: number, searchParams?: string): Promise<VectorHits> {
    try {
      return await this.#index.searchAsync(queries, k, searchParams);
    } catch (error) {
      throw toFaissError(error);
    }
  }
}

type FaissNodeIndex = ReturnType<FaissNodeModule['Index']['read']>;

/** faiss-node aborts on wrong arguments, so they are checked here; it blocks while it searches. */
class FaissNodeVectorIndex implements VectorIndex {
  readonly dimension: number;
  readonly size: number;
  readonly description = 'unknown (faiss-node)';
  readonly #index: FaissNodeIndex;

  constructor(index: FaissNodeIndex) {
    this.#index = index;
    this.dimension = index.getDimension();
    this.size = index.ntotal();
  }

  async searchAsync(queries: Float32Array, k: number, searchParams?: string): Promise<VectorHits> {
    checkSearchParams(searchParams);
    checkSearch(queries, k, this.dimension);
    const n = queries.length / this.dimension;
    const labels = new Int32Array(n * k).fill(-1);
    const distances = new Float32Array(n * k).fill(-3.4028234663852886e38);
    const depth = Math.min(k, this.size);
    if (depth === 0) return { labels, distances };
    try {
      const found = this.#index.search(Array.from(queries), depth);
      for (let q = 0; q < n; q++) {
        labels.set(found.labels.slice(q * depth, (q + 1) * depth), q * k);
        distances.set(found.distances.slice(q * depth, (q + 1) * depth), q * k);
      }
      return { labels, distances };
    } catch (error) {
      throw toFaissError(error);
    }
  }
}

/**
 * Errors: FILE_NOT_FOUND; INDEX_INVALID for a damaged file, and for an IVF or HNSW file where only the exact
 * scan is left.
 */
export async function openVectorIndex(path: string, options: OpenOptions = {}): Promise<OpenedVectorIndex> {
  const reasons: string[] = [];
  const faiss = 'faiss' in options ? options.faiss : loadFaiss(reasons);
  if (faiss) {
    try {
      faiss.setOmpThreads(options.threads ?? 1);
      const index = faiss.Index.read(path, { mmap: options.mmap ?? false });
      return { index: new AddonVectorIndex(index), warnings: [] };
    } catch (error) {
      throw toFaissError(error);
    }
  }
  const faissNode = 'faissNode' in options ? options.faissNode : loadFaissNode(reasons);
  if (faissNode) {
    try {
      const index = new FaissNodeVectorIndex(faissNode.Index.read(path));
      const why = [...reasons, 'faiss-node is used: searches block, leak and ignore searchParams'];
      return { index, warnings: [why.join('; ')] };
    } catch (error) {
      throw toFaissError(error, path);
    }
  }
  const index = await FlatScan.open(path);
  return {
    index,
    warnings: [[...reasons, 'vectors are searched by an exact scan in JavaScript'].join('; ')],
  };
}
