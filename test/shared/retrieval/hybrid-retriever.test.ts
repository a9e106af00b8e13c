import t from 'tap';
import { HaetaeError } from '../../../shared/errors.js';
import type { Chunk } from '../../../shared/retrieval/chunk.js';
import { HybridRetriever, type HybridRetrieverParts } from '../../../shared/retrieval/hybrid-retriever.js';
import type { Retrieval } from '../../../shared/retrieval/retriever.js';
import type { VectorIndex } from '../../../shared/retrieval/vector-index.js';
import { countingIndex, smallChunk, wordTokenizer } from '../../fixtures/small-search.js';

const article = (section: string, heading: string, content: string, title = '전자금융거래법'): Chunk =>
  smallChunk(`${title}#${section}`, content, { kind: 'article', title, section, heading });

const chunks = [
  smallChunk('백업', '백업 자료 보관'),
  smallChunk('암호', '백업 암호 키'),
  smallChunk('회의', '회의 기록'),
  article('제2조', '정의', '"접근매체"란 다음을 말한다.'),
  article('제9조', '책임', '손해 배상'),
  article('제2조', '정의', '“접근매체”란 카드를 말한다.', '여신전문금융업법'),
];

/** Windows and their chunks: chunk 1 has two. Cosines with the query come from the list, in this order. */
const rowOfVector = Uint32Array.of(0, 1, 1, 2, 3, 4, 5);

interface SetUp {
  cosines?: number[];
  /** In place of the cosines. */
  searchAsync?: VectorIndex['searchAsync'];
  embed?: () => Promise<Float32Array>;
  rerank?: (query: string, rows: number[]) => number[];
  parts?: Partial<HybridRetrieverParts>;
}

/** What was asked of the parts is kept beside the retriever. */
function setUp({ cosines = [0, 0, 0, 0, 0, 0, 0], searchAsync, embed, rerank, parts }: SetUp = {}) {
  const asked = { embedded: [] as string[], depth: 0, searchParams: '', reranked: [] as number[] };
  const retriever = new HybridRetriever({
    chunks,
    tokenizer: wordTokenizer,
    keywords: countingIndex(chunks.map(({ content }) => content)),
    vectors: {
      dimension: 2,
      size: rowOfVector.length,
      description: 'Flat',
      searchAsync:
        searchAsync ??
        (async (_, k, searchParams = '') => {
          asked.depth = k;
          asked.searchParams = searchParams;
          const order = [...cosines.keys()].sort((a, b) => cosines[b]! - cosines[a]! || a - b).slice(0, k);
          return {
            labels: BigInt64Array.from(order, BigInt),
            distances: Float32Array.from(order, (i) => cosines[i] as number),
          };
        }),
    },
    rowOfVector,
    embedder: {
      dimension: 2,
      fingerprint: 'f',
      embed: async (texts) => {
        asked.embedded.push(...texts);
        return embed ? embed() : Float32Array.of(1, 0);
      },
      countTokens: async (texts) => texts.length,
      close: async () => {},
    },
    reranker: {
      score: async (query, passages) => {
        asked.reranked = passages.map(({ row }) => row);
        return rerank ? rerank(query, asked.reranked) : passages.map(({ scores }) => scores.fused);
      },
    },
    defaults: {
      topK: 3,
      candidates: 5,
      fusion: 'minmax',
      weights: { bm25: 0.7, faiss: 0.3 },
      rrfK: 60,
      searchParams: 'nprobe=4',
      rerank: false,
    },
    ...parts,
  });
  return { retriever, asked };
}

const rows = ({ passages }: Retrieval): number[] => passages.map(({ row }) => row);
const fused = ({ passages }: Retrieval): number[] =>
  passages.map(({ scores }) => Math.round(scores.fused * 1e4) / 1e4);

t.test('the fused score is the weighted sum of both lists, each scaled to 0..1', async (t) => {
  const { retriever, asked } = setUp({ cosines: [0.1, 0.5, 0.4, 0.9, 0.1, 0.1, 0.1] });
  const found = await retriever.retrieve('백업 암호');
  // BM25: chunk 1 has 2 → 1, chunk 0 has 1 → 0. Cosines: 0.9 → 1, 0.5 → 0.5, 0.1 → 0.
  t.strictSame(rows(found), [1, 2, 0]);
  t.strictSame(fused(found), [0.85, 0.3, 0]);
  t.match(found.passages[0], {
    rank: 1,
    chunk: { chunkId: '암호' },
    scores: { bm25: 2, faiss: 0.5, citation: 0, rerank: null },
  });
  t.match(found.passages[1], { rank: 2, scores: { bm25: null } });
  t.equal(found.degraded, false);
  t.equal(asked.searchParams, 'nprobe=4');
  for (const time of Object.values(found.timings)) t.ok(time >= 0);
});

t.test('weights count by their ratio, and a list of weight 0 is not searched', async (t) => {
  const cosines = [0.1, 0.5, 0.4, 0.9, 0.1, 0.1, 0.1];
  const { retriever, asked } = setUp({ cosines });
  t.strictSame(
    fused(await retriever.retrieve('백업 암호', { weights: { bm25: 0.35, faiss: 0.15 } })),
    [0.85, 0.3, 0],
  );
  asked.embedded.length = 0;
  const words = await retriever.retrieve('백업 암호', { weights: { bm25: 0.2, faiss: 0 } });
  t.strictSame([rows(words), fused(words), asked.embedded], [[1, 0], [1, 0], []]);
  const vectors = await retriever.retrieve('백업 암호', { weights: { bm25: 0, faiss: 1 }, topK: 2 });
  t.strictSame(
    [rows(vectors), fused(vectors)],
    [
      [2, 1],
      [1, 0.5],
    ],
  );
  t.equal(vectors.passages[1]?.scores.bm25, null);
});

t.test('weights that search nothing are refused, whatever the fusion', async (t) => {
  const { retriever } = setUp();
  for (const fusion of ['minmax', 'rrf'] as const)
    for (const weights of [
      { bm25: 0, faiss: 0 },
      { bm25: -1, faiss: 2 },
      { bm25: Number.NaN, faiss: 1 },
    ])
      await t.rejects(retriever.retrieve('백업', { fusion, weights }), { code: 'RETRIEVAL_PARAMETER' });
});

t.test('rank fusion adds reciprocal ranks, scaled to 0..1', async (t) => {
  const { retriever } = setUp({ cosines: [0.1, 0.5, 0.4, 0.9, 0, 0, 0] });
  const found = await retriever.retrieve('백업 암호', {
    fusion: 'rrf',
    rrfK: 1,
    weights: { bm25: 0.5, faiss: 0.5 },
  });
  // Chunk 1: (1/2 + 1/3) / 1, chunk 2: (1/2) / 1, chunk 0: (1/3 + 1/4) / 1, each times ½ over ½.
  t.strictSame(rows(found), [1, 0, 2]);
  t.strictSame(fused(found), [0.8333, 0.5833, 0.5]);
});

t.test('topK, candidates and threshold cut the list', async (t) => {
  const { retriever, asked } = setUp({ cosines: [0.1, 0.5, 0.4, 0.9, 0.2, 0.2, 0.2] });
  t.equal((await retriever.retrieve('백업 암호', { topK: 1 })).passages.length, 1);
  const two = await retriever.retrieve('백업 암호', { candidates: 2, topK: 2 });
  t.equal(asked.depth, 4, 'twice the candidates, since a chunk may have several windows');
  t.equal(two.passages.length, 2);
  await retriever.retrieve('백업 암호', { candidates: 1, topK: 3 });
  t.equal(asked.depth, 6, 'no fewer candidates than passages wanted');
  t.strictSame(rows(await retriever.retrieve('백업 암호', { threshold: 0.3 })), [1, 2]);
  t.strictSame(rows(await retriever.retrieve('백업 암호', { threshold: 0.9 })), []);
});

t.test('several windows of a chunk count once, by the nearest', async (t) => {
  const { retriever } = setUp({ cosines: [0.1, 0.6, 0.9, 0.8, 0, 0, 0] });
  const { passages } = await retriever.retrieve('모름', { weights: { bm25: 0, faiss: 1 } });
  t.strictSame(
    passages.map(({ row, scores }) => [row, Math.fround(scores.faiss as number)]),
    [
      [1, Math.fround(0.9)],
      [2, Math.fround(0.8)],
      [0, Math.fround(0.1)],
    ],
  );
});

t.test('labels that name no vector are skipped', async (t) => {
  const { retriever } = setUp({
    searchAsync: async () => ({ labels: Int32Array.of(3, -1, -1), distances: Float32Array.of(0.5, 0, 0) }),
  });
  t.strictSame(rows(await retriever.retrieve('모름')), [2]);
});

t.test('stem and choices are searched together, the choices for half', async (t) => {
  const { retriever, asked } = setUp();
  const words = { weights: { bm25: 1, faiss: 0 } };
  const found = await retriever.retrieve('다음 중 백업에 대한 설명으로 옳은 것은?\n1 회의\n2 암호', words);
  t.strictSame(
    found.passages.map(({ row, scores }) => [row, scores.bm25]),
    [
      [1, 1.25],
      [0, 1],
      [2, 0.25],
    ],
  );
  await retriever.retrieve('다음 중 백업에 대한 설명으로 옳은 것은?\n1 회의\n2 암호');
  t.strictSame(asked.embedded, ['백업\n회의\n암호'], 'without the words that only ask');
});

t.test('each choice can be searched with the stem', async (t) => {
  const lists = setUp().retriever.searchChoices(
    wordTokenizer.tokenize('백업'),
    ['암호', '회의 기록'].map((text) => wordTokenizer.tokenize(text)),
    2,
  );
  t.strictSame(
    lists.map((list) => Array.from(list.rows)),
    [
      [1, 0],
      [2, 0],
    ],
  );
});

t.test('the article named comes first, the rest of its statute gains a little', async (t) => {
  const { retriever } = setUp({ cosines: [0.9, 0, 0, 0, 0.1, 0, 0.1] });
  const found = await retriever.retrieve('전자금융거래법 제9조의 백업', { topK: 5 });
  const scores = new Map(found.passages.map(({ row, scores }) => [row, scores]));
  t.equal(found.passages[0]?.row, 0, 'first in both lists: (1 + 0) / 2 > (0 + 0.9) / 2');
  t.match(scores.get(4), { citation: 0.9, fused: 0.45, bm25: null });
  t.equal(scores.get(3)?.citation, 0.15);
  t.equal(scores.get(5)?.citation, 0);
  t.equal(scores.get(0)?.fused, 0.5);
});

t.test('a statute named does not add articles that no list has', async (t) => {
  const { retriever } = setUp();
  const found = await retriever.retrieve('전자금융거래법의 백업', { weights: { bm25: 1, faiss: 0 } });
  t.strictSame(rows(found), [0, 1]);
});

t.test('the definition of the term asked for is found, in the statute named where one is', async (t) => {
  const { retriever } = setUp();
  const words = { weights: { bm25: 1, faiss: 0 } };
  t.strictSame(rows(await retriever.retrieve('접근매체의 정의는 무엇인가?', words)), [3, 5]);
  const named = await retriever.retrieve('여신전문금융업법상 접근매체의 정의는 무엇인가?', words);
  t.strictSame(rows(named), [5]);
  t.match(named.passages[0]?.scores, { citation: 1, fused: 0.5 });
});

t.test('where vectors fail, words answer alone', async (t) => {
  const fail = async (): Promise<never> => {
    throw new Error('out of memory');
  };
  for (const failing of [{ embed: fail }, { searchAsync: fail }]) {
    const { retriever } = setUp(failing);
    const found = await retriever.retrieve('백업 암호');
    t.equal(found.degraded, true);
    t.strictSame(rows(found), [1, 0]);
    await t.rejects(retriever.retrieve('백업', { weights: { bm25: 0, faiss: 1 } }), /out of memory/);
  }
});

t.test('a wrong search parameter is the caller’s', async (t) => {
  const { retriever } = setUp({
    searchAsync: async () => {
      throw new HaetaeError('RETRIEVAL_PARAMETER', 'nprobe=x');
    },
  });
  await t.rejects(retriever.retrieve('백업'), { code: 'RETRIEVAL_PARAMETER' });
});

t.test(
  'a query that no vector stands for is searched by words, and an empty one finds nothing',
  async (t) => {
    const { retriever } = setUp({ embed: async () => new Float32Array(2), cosines: [1, 1, 1, 1, 1, 1, 1] });
    const found = await retriever.retrieve('백업');
    t.strictSame([rows(found), found.degraded], [[0, 1], false]);
    for (const query of ['', ' ', '?!', '…'])
      t.strictSame(rows(await retriever.retrieve(query)), [], JSON.stringify(query));
  },
);

t.test('the reranker sees the stem and re-orders; its scores are told', async (t) => {
  const queries: string[] = [];
  const { retriever, asked } = setUp({
    cosines: [0.1, 0.5, 0.4, 0.9, 0.1, 0, 0],
    rerank: (query, seen) => {
      queries.push(query);
      return seen.map((row) => (row === 0 ? 0.9 : row === 1 ? 0.2 : 0.2));
    },
  });
  const found = await retriever.retrieve('백업 암호\n1 회의\n2 기록', { rerank: true, topK: 2 });
  t.strictSame(queries, ['백업 암호']);
  t.ok(asked.reranked.length > 2, 'more than are returned');
  t.strictSame(
    found.passages.map(({ rank, row, scores }) => [rank, row, scores.rerank]),
    [
      [1, 0, 0.9],
      [2, 1, 0.2],
    ],
  );
  t.notOk('order' in (found.passages[0] as object));
});

t.test('an aborted signal ends the search, before it and between its parts', async (t) => {
  const before = setUp();
  await t.rejects(before.retriever.retrieve('백업', {}, AbortSignal.abort(new Error('gone'))), /gone/);
  t.strictSame(before.asked.embedded, []);
  const controller = new AbortController();
  const during = setUp({
    embed: async () => {
      controller.abort(new Error('gone meanwhile'));
      return Float32Array.of(1, 0);
    },
  });
  await t.rejects(during.retriever.retrieve('백업', {}, controller.signal), /gone meanwhile/);
});

t.test('parts that do not belong together are refused', async (t) => {
  const embedder = {
    dimension: 3,
    fingerprint: 'f',
    embed: async () => new Float32Array(3),
    countTokens: async () => 0,
    close: async () => {},
  };
  t.throws(() => setUp({ parts: { embedder } }), {
    code: 'RETRIEVAL_DIM_MISMATCH',
    message: /expects 2 dimensions, the embedder gives 3/,
  });
  for (const parts of [
    { keywords: countingIndex(['one']) },
    { rowOfVector: Uint32Array.of(0, 1) },
    { rowOfVector: Uint32Array.of(0, 1, 2, 3, 4, 5, 6) },
  ])
    t.throws(() => setUp({ parts }), { code: 'INDEX_INVALID', message: /train index --force/ });
});
