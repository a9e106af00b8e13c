/** The parts of the suite, in the order in which they run; each is loaded in its own process only. */
import type { BenchPart } from './report.js';

interface PartEntry {
  about: string;
  load: () => Promise<BenchPart>;
  /** Needs nothing that `npm run setup` makes; not among `retrieval`. */
  isApart?: boolean;
  /** Needs what it makes, and has nothing to do with retrieval. */
  isAlone?: boolean;
}

export const parts: Readonly<Record<string, PartEntry>> = {
  classify: {
    about: 'the classifier, per call',
    load: async () => (await import('./classify.js')).benchClassify,
  },
  hybrid: {
    about: 'hybrid retrieval on the active bundle, with one thread and with all cores',
    load: async () => (await import('./hybrid.js')).benchHybrid,
  },
  'hybrid-100k': {
    about: 'hybrid retrieval over 100,000 chunks, most of them synthetic',
    load: async () => (await import('./hybrid-100k.js')).benchHybrid100k,
  },
  bm25: {
    about: 'the frozen BM25 against wink and bm25s',
    load: async () => (await import('./bm25.js')).bm25Part,
  },
  faiss: {
    about: "exact vector search against Python's FAISS",
    load: async () => (await import('./faiss.js')).faissPart,
  },
  batch: {
    about: 'the question file through HTTP: rate, event-loop delay, memory',
    load: async () => (await import('./batch.js')).benchBatch,
  },
  ready: {
    about: 'from the start of the program to /livez and /readyz',
    load: async () => (await import('./ready.js')).benchReady,
  },
  'hot-load': {
    about: 'changing the bundle fifty times under load (2 minutes)',
    load: async () => (await import('./hot-load.js')).benchHotLoad,
    isAlone: true,
  },
  lm: {
    about: 'the language model: int4 against float32 and llama.cpp, choices, serving (9 minutes)',
    load: async () => (await import('./lm.js')).benchLm,
    isApart: true,
  },
  train: {
    about: 'training of 1M to 100M parameters beside the GEMM peak and PyTorch (7 minutes)',
    load: async () => (await import('./train.js')).benchTrain,
    isApart: true,
  },
};
