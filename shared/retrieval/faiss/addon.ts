/** Loads FAISS: the one file through which the native library enters. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../errors.js';
import {
  type FaissIndex,
  type FaissModule,
  type FaissNodeModule,
  type IndexClass,
  MetricType,
} from './faiss-module.js';

interface NativeModule {
  Index: IndexClass;
  faissVersion: string;
  scanVariant: FaissModule['scanVariant'];
  setOmpThreads(n: number): void;
}

/** From the sources, and from dist/. */
const addonPaths = ['../../../build/faiss.node', '../../../../build/faiss.node'];

/**
 * Adds the named classes to the native one. The statics `read`, `fromBuffer` and `fromFactory` are inherited:
 * they construct through `this`, and the constructor adopts what was read. So each constructor also checks that
 * the index is of its kind.
 */
function withClasses(native: NativeModule): FaissModule {
  const { Index } = native;

  const check = (index: FaissIndex, name: string, kind: RegExp, metric?: MetricType): void => {
    if (kind.test(index.describe()) && (metric === undefined || metric === index.metricType())) return;
    const message = `${name} cannot hold an index of kind ${index.describe()} with metric ${index.metricType()}: use Index`;
    throw Object.assign(new Error(message), { code: 'INDEX_INVALID' });
  };

  class IndexFlat extends Index {
    constructor(d: number, metric: MetricType = MetricType.METRIC_L2) {
      super(d, 'Flat', metric);
      check(this, 'IndexFlat', /^Flat$/);
    }
  }

  class IndexFlatL2 extends IndexFlat {
    constructor(d: number) {
      super(d, MetricType.METRIC_L2);
      check(this, 'IndexFlatL2', /^Flat$/, MetricType.METRIC_L2);
    }
  }

  class IndexFlatIP extends IndexFlat {
    constructor(d: number) {
      super(d, MetricType.METRIC_INNER_PRODUCT);
      check(this, 'IndexFlatIP', /^Flat$/, MetricType.METRIC_INNER_PRODUCT);
    }
  }

  class IndexIVFFlat extends Index {
    constructor(d: number, nlist: number, metric: MetricType = MetricType.METRIC_L2) {
      super(d, `IVF${nlist},Flat`, metric);
      check(this, 'IndexIVFFlat', /^IVF[^,]+,Flat$/);
    }
  }

  class IndexHNSWFlat extends Index {
    constructor(d: number, m = 32, metric: MetricType = MetricType.METRIC_L2) {
      super(d, `HNSW${m},Flat`, metric);
      check(this, 'IndexHNSWFlat', /^HNSW[0-9]+,Flat$/);
    }
  }

  return {
    source: 'addon',
    faissVersion: native.faissVersion,
    scanVariant: native.scanVariant,
    MetricType,
    Index,
    IndexFlat,
    IndexFlatL2,
    IndexFlatIP,
    IndexIVFFlat,
    IndexHNSWFlat,
    setOmpThreads: native.setOmpThreads,
  };
}

/**
 * Our addon, or undefined; then the reason is appended to `reasons`.
 * Loading is cheap the second time, and works in worker threads.
 */
export function loadFaiss(reasons: string[] = []): FaissModule | undefined {
  const require = createRequire(import.meta.url);
  const path = addonPaths
    .map((at) => fileURLToPath(new URL(at, import.meta.url)))
    .find((at) => existsSync(at));
  if (path === undefined) {
    reasons.push('the FAISS addon is not built: run sh scripts/build-native.sh');
    return undefined;
  }
  try {
    return withClasses(require(path) as NativeModule);
  } catch (error) {
    reasons.push(
      `the FAISS addon cannot be loaded (${messageOf(error)}): run sh scripts/build-native.sh --force`,
    );
    return undefined;
  }
}

/** The npm package faiss-node, where somebody installed it and its prebuilt binary fits. */
export function loadFaissNode(reasons: string[] = []): FaissNodeModule | undefined {
  try {
    const loaded = createRequire(import.meta.url)('faiss-node') as Pick<FaissNodeModule, 'Index'>;
    return { source: 'faiss-node', Index: loaded.Index };
  } catch (error) {
    reasons.push(`faiss-node cannot be loaded (${messageOf(error).split('\n')[0]})`);
    return undefined;
  }
}
