import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { openTokenizer } from '../../../shared/lm/tokenizer.js';
import { readFloatTensor } from '../../../shared/onnx/safetensors.js';
import { openSession, type TensorValue } from '../../../shared/onnx/session.js';
import { openEmbedder } from '../../../shared/retrieval/onnx-embedder.js';
import { buildStaticEmbedder } from '../../../training/embedder/build-static-embedder.js';
import { staticEmbeddingGraph, tableAs } from '../../../training/embedder/static-embedding-folder.js';

const topics = [
  ['금융회사', '전자금융거래', '안전성', '확보', '접근매체'],
  ['개인정보', '처리자', '동의', '유출', '통지'],
  ['방화벽', '침입탐지', '네트워크', '패킷', '포트'],
];

/** 60 texts of 8 words, each about one of three topics, with a word of another now and then. */
const texts = Array.from({ length: 60 }, (_, i) =>
  Array.from({ length: 8 }, (_, j) => {
    const topic = j === 7 ? (i * 7 + 1) % 3 : i % 3;
    return topics[topic]![(i * 3 + j * j) % 5];
  }).join(' '),
);
const size = { vocabSize: 400, dimension: 8 };

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

t.test('the folder written is an encoder folder whose vectors are means of its table', async (t) => {
  const outDir = join(t.testdir(), 'embedder');
  const stages: string[] = [];
  const report = await buildStaticEmbedder({
    texts,
    outDir,
    seed: 1,
    ...size,
    onProgress: (stage, done, total) => stages.push(`${stage} ${done}/${total}`),
  });
  t.match(report, { dimension: 8, texts: 60 });
  t.equal(report.singularValues.length, 8);
  t.ok(report.singularValues.every((x, i) => i === 0 || x <= report.singularValues[i - 1]!));
  t.equal(stages.at(-1), 'write 1/1');

  const embedder = await openEmbedder(outDir, { threads: 1 });
  t.teardown(() => embedder.close());
  t.equal(embedder.dimension, 8);
  const { shape, data: table } = await readFloatTensor(join(outDir, 'model.safetensors'), 'embedding.weight');
  t.same(shape, [report.vocabSize, 8]);
  const tokenizer = await openTokenizer(join(outDir, 'tokenizer.json'));
  const inputs = ['개인정보 유출 통지', '방화벽', '접근매체 확보 방화벽 방화벽', '!?', ''];
  const vectors = await embedder.embed(inputs);
  for (const [i, text] of inputs.entries()) {
    const sum = new Array<number>(8).fill(0);
    for (const id of await tokenizer.encode(text)) {
      sum.forEach((_, d) => {
        sum[d]! += table[id * 8 + d]!;
      });
    }
    const norm = Math.hypot(...sum) || 1;
    const actual = vectors.subarray(i * 8, (i + 1) * 8);
    t.ok(Math.max(...sum.map((x, d) => Math.abs(x / norm - actual[d]!))) < 1e-6, text);
  }
  t.same([...vectors.subarray(3 * 8)], new Array(16).fill(0), 'no words: zeros');
});

t.test('texts of one topic are nearer than texts of two, even where they share no word', async (t) => {
  const outDir = t.testdir();
  await buildStaticEmbedder({ texts, outDir, seed: 1, vocabSize: 400, dimension: 3 });
  const embedder = await openEmbedder(outDir, { threads: 1 });
  t.teardown(() => embedder.close());
  const vectors = await embedder.embed(['개인정보 동의', '유출 통지', '네트워크 패킷']);
  const [a, b, c] = [0, 1, 2].map((i) => vectors.subarray(i * 3, (i + 1) * 3)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  t.ok(dot(a, b) > dot(a, c) + 0.3, `${dot(a, b)} > ${dot(a, c)}`);
});

t.test('the same texts and seed write the same bytes, and texts may come as a stream', async (t) => {
  async function* stream() {
    yield* texts;
  }
  const folders = [join(t.testdir(), 'a'), join(t.testdir(), 'b')] as const;
  await buildStaticEmbedder({ texts, outDir: folders[0], seed: 1, ...size });
  await buildStaticEmbedder({ texts: stream(), outDir: folders[1], seed: 1, ...size });
  for (const name of ['model.onnx', 'tokenizer.json', 'model.safetensors', 'config.json']) {
    const [a, b] = await Promise.all(folders.map((folder) => readFile(join(folder, name))));
    t.ok(a!.equals(b!), name);
  }
});

t.test('a corpus with fewer texts than dimensions still gives an embedder', async (t) => {
  const outDir = t.testdir();
  await buildStaticEmbedder({ texts: texts.slice(0, 3), outDir, seed: 1, vocabSize: 400, dimension: 16 });
  const embedder = await openEmbedder(outDir, { threads: 1 });
  t.teardown(() => embedder.close());
  const vector = await embedder.embed([texts[0]!]);
  t.equal(vector.length, 16);
  t.ok(Math.abs(dot(vector, vector) - 1) < 1e-6);
});

t.test('no texts at all is an error', async (t) => {
  await t.rejects(buildStaticEmbedder({ texts: [], outDir: t.testdir(), seed: 1, ...size }), {
    code: 'CONFIG_INVALID',
    message: /no text/,
  });
});

t.test('the graph ignores masked tokens, and a text that is all mask is zeros', async (t) => {
  for (const tableType of ['float32', 'float16', 'int8'] as const) {
    const table = tableAs(tableType, Float32Array.of(3, 4, 0, 8), 2);
    const session = await openSession(staticEmbeddingGraph(table, 2, 2), { threads: 1 });
    const int64 = (...values: number[]): TensorValue => ({
      type: 'int64',
      shape: [3, 2],
      data: BigInt64Array.from(values, BigInt),
    });
    const { sentence_embedding } = await session.run({
      input_ids: int64(0, 1, 0, 1, 1, 1),
      attention_mask: int64(1, 0, 1, 1, 0, 0),
    });
    const n = Math.hypot(3, 12);
    const expected = [0.6, 0.8, 3 / n, 12 / n, 0, 0];
    t.ok(
      expected.every(
        (x, i) => Math.abs(x - Number(sentence_embedding!.data[i])) < (tableType === 'int8' ? 5e-3 : 1e-6),
      ),
      tableType,
    );
    await session.close();
  }
});
