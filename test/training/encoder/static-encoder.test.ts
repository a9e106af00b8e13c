import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { parseTokenizer } from '../../../shared/lm/tokenizer.js';
import { seededRandom } from '../../../shared/random.js';
import { openEmbedder } from '../../../shared/retrieval/onnx-embedder.js';
import { Tape } from '../../../training/autodiff/tape.js';
import { buildTrainingGraph, openTrainingGraph } from '../../../training/autodiff/training-graph.js';
import { padToken, trainBpe } from '../../../training/embedder/train-bpe.js';
import {
  addContrastiveObjective,
  contrastiveFeeds,
  type TextIds,
} from '../../../training/encoder/contrastive-objective.js';
import {
  encodeTexts,
  projectionName,
  type StaticEncoderConfig,
  staticEncoderParameters,
  tableName,
} from '../../../training/encoder/static-encoder.js';
import { exportStaticEncoder, readStaticEncoder } from '../../../training/encoder/static-encoder-folder.js';
import { initialiseParameters } from '../../../training/model/initialise-parameters.js';
import { AdamW } from '../../../training/optimizer/adamw.js';
import { ParameterMemory } from '../../../training/optimizer/parameter-memory.js';
import { difference, floats, kernelSets, runGraph, size } from '../losses/run-graph.js';

interface Case {
  vocab: number;
  dimension: number;
  out: number;
  batch: number;
  each: number;
  length: number;
  temperature: number;
  symmetric: boolean;
  table: number[];
  projection: number[] | null;
  ids: number[];
  counts: number[];
  loss: number;
  dTable: number[];
  dProjection: number[] | null;
}
const { encoder: cases } = JSON.parse(
  readFileSync(new URL('../../reference/training/losses.json', import.meta.url), 'utf8'),
) as { encoder: Case[] };

/** Ids padded to a length, as batches have them. */
function padded(texts: readonly (readonly number[])[], length: number): TextIds {
  const ids = new BigInt64Array(texts.length * length);
  const mask = new Uint8Array(texts.length * length);
  for (const [row, text] of texts.entries()) {
    for (const [i, id] of text.slice(0, length).entries()) {
      ids[row * length + i] = BigInt(id);
      mask[row * length + i] = 1;
    }
  }
  return { ids, mask, texts: texts.length, length };
}

/** The graph's loss by parameters with these names. */
function build(
  tape: Tape,
  config: StaticEncoderConfig,
  shape: Parameters<typeof addContrastiveObjective>[2],
  options: Parameters<typeof addContrastiveObjective>[4],
) {
  const parameters = staticEncoderParameters(config).map(({ name, shape: own }) => tape.parameter(name, own));
  const weights = (name: string) => parameters.find((it) => it.name === name)!;
  return { loss: addContrastiveObjective(tape, config, shape, weights, options), parameters };
}

for (const kernels of kernelSets) {
  t.test(`${kernels}: the loss and the gradients of table and projection are PyTorch's`, async (t) => {
    for (const it of cases) {
      const config = {
        vocabSize: it.vocab,
        dimension: it.dimension,
        projection: it.projection ? it.out : null,
      };
      const texts = it.counts.map((count, i) => it.ids.slice(i * it.length, i * it.length + count));
      const batch = {
        queries: padded(texts.slice(0, it.batch), it.length),
        passages: padded(texts.slice(it.batch), it.length),
      };
      const shape = {
        pairs: it.batch,
        passagesPerQuery: it.each,
        queryLength: it.length,
        passageLength: it.length,
      };
      for (const share of [1, 0.25]) {
        const run = await runGraph(
          (tape) => build(tape, config, shape, it),
          {
            ...contrastiveFeeds(batch, share),
            [tableName]: floats(it.table, it.vocab, it.dimension),
            ...(it.projection ? { [projectionName]: floats(it.projection, it.out, it.dimension) } : {}),
          },
          { kernels },
        );
        const scaled = (values: number[]) => values.map((value) => share * value);
        const what = `${it.each} passages${it.symmetric ? ', symmetric' : ''}, share ${share}`;
        // Scores are divided by a temperature of 0.05.
        t.ok(difference([run.loss], [share * it.loss]) < 1e-5, what);
        t.ok(difference(run.gradients.get(tableName)!, scaled(it.dTable)) < 3e-5, what);
        if (it.dProjection) {
          t.ok(difference(run.gradients.get(projectionName)!, scaled(it.dProjection)) < 3e-5, what);
        }
      }
    }
  });
}

/** Questions and answers that share no word: what links them can only be learnt. */
const topics = [
  ['비밀번호 변경 주기', '암호는 분기마다 새로 정하여야 한다'],
  ['해킹 사고 보고', '침해가 발생하면 지체 없이 금융위원회에 알린다'],
  ['개인정보 파기 시점', '보유 기간이 지난 고객 자료를 없앤다'],
  ['망 분리 대상', '업무용 전산실 단말은 인터넷과 끊어 놓는다'],
  ['접근 권한 회수', '퇴직자의 계정을 즉시 말소한다'],
  ['백업 보관 장소', '예비 사본을 떨어진 곳에 둔다'],
  ['출입 통제 기록', '들어온 사람의 이름과 시각을 남긴다'],
  ['외주 인력 관리', '용역 직원에게 서약서를 받는다'],
] as const;
const fillers = ['은행', '카드', '보험', '증권', '조합', '금고', '캐피탈', '저축'];

t.test('training lifts retrieval, and the folder serves what was trained', async (t) => {
  const work = t.testdir();
  const queries = topics.flatMap(([query]) => fillers.map((filler) => `${filler} ${query}`));
  const passages = topics.flatMap(([, passage]) => fillers.map((filler) => `${passage} ${filler}`));
  const tokenizer = await trainBpe([...queries, ...passages], 500);
  const encoder = await parseTokenizer(JSON.stringify(tokenizer), 'the toy vocabulary');
  const [queryIds, passageIds] = [await encoder.encodeBatch(queries), await encoder.encodeBatch(passages)];
  const config = { vocabSize: encoder.vocabSize, dimension: 24, projection: 16 };
  const parameters = staticEncoderParameters(config);
  const memory = ParameterMemory.allocate(parameters, { accumulate: false });
  initialiseParameters(parameters, memory.parameters, 3);
  const before = await recallInFolder(join(work, 'before'));

  const shape = { pairs: topics.length, passagesPerQuery: 1, queryLength: 16, passageLength: 24 };
  const tape = new Tape('encoder');
  const graph = buildTrainingGraph(tape, build(tape, config, shape, { temperature: 0.1, symmetric: true }));
  const session = await openTrainingGraph(graph, { threads: 1 });
  t.teardown(() => session.close());
  const adamw = new AdamW(memory, {
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0,
    maxGradNorm: null,
  });
  const random = seededRandom(1);
  const losses: number[] = [];
  for (let step = 0; step < 60; step++) {
    // One question of each topic, with a filler of its own; the last filler is only ever asked in the test.
    const at = topics.map((_, topic) => topic * fillers.length + Math.floor(random() * (fillers.length - 1)));
    const pick = (ids: number[][], length: number) =>
      padded(
        at.map((i) => ids[i]!),
        length,
      );
    const batch = { queries: pick(queryIds, 16), passages: pick(passageIds, 24) };
    const fed = Object.fromEntries(
      parameters.map(({ name, shape: own }) => [name, floats(memory.parameters.get(name)!, ...own)]),
    );
    const { loss } = await session.run({ ...fed, ...contrastiveFeeds(batch, 1) }, memory.gradients);
    losses.push(loss);
    adamw.step(0.02);
  }
  t.ok(losses.at(-1)! < losses[0]! / 10, `${losses[0]} → ${losses.at(-1)}`);

  const folder = join(work, 'after');
  const after = await recallInFolder(folder);
  t.ok(before < 0.5 && after === 1, `recall@1 from ${before} to ${after}`);

  const read = await readStaticEncoder(folder);
  t.same(read.config, { vocabSize: config.vocabSize, dimension: 16, projection: null });
  t.same([read.padToken, read.tokenizer.model.vocab[padToken]], [padToken, 0]);

  /** Exports, opens as the API does, checks a vector against the graph's, and asks for unseen wordings. */
  async function recallInFolder(outDir: string): Promise<number> {
    const tokens = { tokenizer, padToken };
    await exportStaticEncoder(outDir, config, memory.parameters, tokens, 'float32');
    const embedder = await openEmbedder(outDir, { threads: 1 });
    const asked = topics.map((_, topic) => queries[(topic + 1) * fillers.length - 1]!);
    const texts = topics.map(([, passage]) => passage);
    const [q, p] = [await embedder.embed(asked, 'query'), await embedder.embed(texts, 'passage')];
    await embedder.close();
    const ids = padded(await encoder.encodeBatch(asked), 16);
    const run = await runGraph(
      (graphTape) => {
        const own = parameters.map(({ name, shape: dims }) => graphTape.input(name, dims));
        const weights = (name: string) => own.find((it) => it.name === name)!;
        const input = graphTape.input('query_ids', [ids.texts, 16], 'int64');
        const tokenWeights = graphTape.input('query_weights', [ids.texts, 16]);
        const vectors = encodeTexts(graphTape, config, weights, input, tokenWeights);
        return { loss: graphTape.scalar(0), metrics: { vectors }, parameters: [] };
      },
      {
        ...contrastiveFeeds({ queries: ids, passages: ids }, 1),
        ...Object.fromEntries(
          parameters.map(({ name, shape: dims }) => [name, floats(memory.parameters.get(name)!, ...dims)]),
        ),
      },
    );
    t.ok(difference(q, run.metrics.vectors!.data as Float32Array) < 1e-5, 'served as trained');
    const width = size([config.projection]);
    const score = (i: number, j: number) => {
      let sum = 0;
      for (let d = 0; d < width; d++) sum += q[i * width + d]! * p[j * width + d]!;
      return sum;
    };
    const found = topics.filter((_, i) => topics.every((_, j) => j === i || score(i, i) > score(i, j)));
    return found.length / topics.length;
  }
});

t.test('a text without tokens is zeros, and harms no gradient', async (t) => {
  const config = { vocabSize: 5, dimension: 3, projection: null };
  const shape = { pairs: 2, passagesPerQuery: 1, queryLength: 4, passageLength: 4 };
  const batch = { queries: padded([[1, 2], []], 4), passages: padded([[3], [4, 1]], 4) };
  const run = await runGraph((tape) => build(tape, config, shape, { temperature: 0.1 }), {
    ...contrastiveFeeds(batch, 1),
    [tableName]: floats(
      Array.from({ length: 15 }, (_, i) => Math.sin(i)),
      5,
      3,
    ),
  });
  t.ok(Number.isFinite(run.loss));
  const gradient = run.gradients.get(tableName)!;
  t.ok(gradient.every((value) => Math.abs(value) < 100));
  t.same(Array.from(gradient.subarray(0, 3)), [0, 0, 0], 'padding learns nothing');
});

t.test('a folder of another kind, or a damaged one, is an error that says so', async (t) => {
  const folder = join(t.testdir(), 'encoder');
  const tokenizer = await trainBpe(['가나다'], 300);
  const config = { vocabSize: 300, dimension: 2, projection: null };
  const values = new Map([[tableName, new Float32Array(600)]]);
  await exportStaticEncoder(folder, config, values, { tokenizer, padToken });
  t.same((await readStaticEncoder(folder)).config, config);
  const short = new Map([[tableName, new Float32Array(9)]]);
  await t.rejects(exportStaticEncoder(folder, config, short, { tokenizer, padToken }), RangeError);
  const set = (json: unknown) => writeFile(join(folder, 'config.json'), JSON.stringify(json));
  await set({ model_type: 'static-embedding', vocab_size: 300, hidden_size: 3 });
  await t.rejects(readStaticEncoder(folder), { code: 'MODEL_INVALID', message: /table is \[300, 2\]/ });
  await set({ model_type: 'bert' });
  await t.rejects(readStaticEncoder(folder), { code: 'MODEL_INVALID', message: /model_type "bert"/ });
  await t.rejects(readStaticEncoder(join(folder, 'none')), { code: 'MODEL_INVALID' });
});
