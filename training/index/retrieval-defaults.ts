/** How the default bundle searches; a request may ask for otherwise. */
import type { BundleManifest } from '../../shared/bundle/manifest.js';

export const retrievalDefaults: BundleManifest['retrieval'] = {
  topK: 5,
  candidates: 100,
  fusion: 'minmax',
  weights: { bm25: 0.7, faiss: 0.3 },
  rrfK: 60,
  searchParams: '',
  rerank: true,
};
