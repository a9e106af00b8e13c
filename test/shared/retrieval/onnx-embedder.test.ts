import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { GraphBuilder } from '../../../shared/onnx/onnx-model.js';
import { openEmbedder } from '../../../shared/retrieval/onnx-embedder.js';
import { gaussian } from '../../../training/embedder/gaussian.js';

/** A tiny encoder in the layout of BGE-M3: embedding of id and position, then one linear layer. */
const words = ['<s>', '<pad>', '</s>', '<unk>', '은행', '보안', '금융', '거래', 'query', ':'];
const dim = 4;
const positions = 9;
const normal = gaussian(11);
const random = (n: number) => Float32Array.from({ length: n }, normal);
const wordTable = random(words.length * dim);
const positionTable = random(positions * dim);
const linear = random(dim * dim);

const tokenizerJson = {
  version: '1.0',
  truncation: null,
  padding: { strategy: 'BatchLongest', direction: 'Right', pad_id: 1, pad_type_id: 0, pad_token: '<pad>' },
  added_tokens: [0, 1, 2, 3].map((id) => ({
    id,
    content: words[id]!,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })),
  normalizer: null,
  pre_tokenizer: { type: 'Whitespace' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [
      { SpecialToken: { id: '<s>', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '</s>', type_id: 0 } },
    ],
    pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: {
      '<s>': { id: '<s>', ids: [0], tokens: ['<s>'] },
      '</s>': { id: '</s>', ids: [2], tokens: ['</s>'] },
    },
  },
  decoder: null,
  model: {
    type: 'WordLevel',
    vocab: Object.fromEntries(words.map((word, id) => [word, id])),
    unk_token: '<unk>',
  },
};

interface Variant {
  output?: string;
  idType?: 'int64' | 'int32';
  tokenTypes?: boolean;
}

/** hidden[b, t] = (word[id] + position[t] · mask) · linear */
function encoderGraph({
  output = 'last_hidden_state',
  idType = 'int64',
  tokenTypes = false,
}: Variant): Uint8Array {
  const graph = new GraphBuilder('tiny-encoder');
  const ids = graph.input('input_ids', idType, ['batch', 'length']);
  const mask = graph.input('attention_mask', idType, ['batch', 'length']);
  const int = (name: string, ...values: number[]) =>
    graph.initializer(name, 'int64', [values.length], BigInt64Array.from(values, BigInt));
  const table = graph.initializer('words', 'float32', [words.length, dim], wordTable);
  const places = graph.initializer('positions', 'float32', [positions, dim], positionTable);
  const weight = graph.initializer('linear', 'float32', [dim, dim], linear);
  const length = graph.node('Slice', [graph.node('Shape', [ids]), int('from', 1), int('until', 2)]);
  const place = graph.node('Slice', [places, int('zero', 0), length]);
  const kept = graph.node('Unsqueeze', [
    graph.node('Cast', [mask], { attributes: { to: 1 } }),
    int('last', 2),
  ]);
  let hidden = graph.node('Add', [graph.node('Gather', [table, ids]), graph.node('Mul', [place, kept])]);
  if (tokenTypes) {
    const types = graph.input('token_type_ids', idType, ['batch', 'length']);
    const shift = graph.node('Cast', [types], { attributes: { to: 1 } });
    hidden = graph.node('Add', [hidden, graph.node('Unsqueeze', [shift, 'last'])]);
  }
  const projected = graph.node('MatMul', [hidden, weight]);
  if (output === 'sentence_embedding') {
    graph.node('ReduceMax', [projected, 'from'], { outputs: [output], attributes: { keepdims: 0 } });
    graph.output(output, 'float32', ['batch', dim]);
  } else {
    graph.node('Identity', [projected], { outputs: [output] });
    graph.output(output, 'float32', ['batch', 'length', dim]);
  }
  return graph.build();
}

async function writeFolder(path: string, pooling: unknown, variant: Variant = {}): Promise<string> {
  await mkdir(join(path, 'onnx'), { recursive: true });
  await mkdir(join(path, '1_Pooling'), { recursive: true });
  const files: [string, unknown][] = [
    ['tokenizer.json', tokenizerJson],
    ['tokenizer_config.json', { model_max_length: 1e30, pad_token: '<pad>' }],
    [
      'config.json',
      {
        model_type: 'xlm-roberta',
        hidden_size: dim,
        vocab_size: words.length,
        max_position_embeddings: positions + 2,
        pad_token_id: 1,
      },
    ],
    ['1_Pooling/config.json', pooling],
  ];
  for (const [name, json] of files) {
    await writeFile(join(path, name), JSON.stringify(json));
  }
  await writeFile(join(path, 'onnx/model.onnx'), encoderGraph(variant));
  return path;
}

const clsPooling = {
  word_embedding_dimension: dim,
  pooling_mode_cls_token: true,
  pooling_mode_mean_tokens: false,
};
const meanPooling = {
  word_embedding_dimension: dim,
  pooling_mode_cls_token: false,
  pooling_mode_mean_tokens: true,
};

/** The same in plain JavaScript: token vectors of one text, special tokens included. */
function hiddenStates(text: string): number[][] {
  const inner = text.split(/\s+/).filter(Boolean);
  const ids = ['<s>', ...inner.slice(0, positions - 2), '</s>'].map((word) =>
    Math.max(words.indexOf(word), 0),
  );
  return ids.map((id, place) =>
    Array.from({ length: dim }, (_, j) =>
      Array.from({ length: dim }, (_, k) => k).reduce(
        (sum, k) => sum + (wordTable[id * dim + k]! + positionTable[place * dim + k]!) * linear[k * dim + j]!,
        0,
      ),
    ),
  );
}

function unit(vector: number[]): number[] {
  const norm = Math.hypot(...vector);
  return vector.map((x) => x / norm);
}

const mean = (rows: number[][]) =>
  rows[0]!.map((_, j) => rows.reduce((sum, row) => sum + row[j]!, 0) / rows.length);

function closeTo(t: Test, actual: Float32Array, expected: number[][], title: string): void {
  const flat = expected.flat();
  t.equal(actual.length, flat.length);
  t.ok(Math.max(...flat.map((x, i) => Math.abs(x - actual[i]!))) < 1e-5, title); // float32 sums
}

// Mixed lengths, so that batches are padded and re-ordered; the last is longer than the model's nine places.
const texts = [
  '금융 거래 보안 은행',
  '은행',
  '보안 금융',
  '은행 보안 금융 거래',
  '은행 은행 은행 은행 은행 은행 은행 은행 은행 은행 거래 거래',
];

t.test('a BGE-M3 layout with cls and with mean pooling embeds as plain arithmetic does', async (t) => {
  const pools: [string, unknown, (rows: number[][]) => number[]][] = [
    ['cls', clsPooling, (rows) => rows[0]!],
    ['mean', meanPooling, mean],
    ['lasttoken', { pooling_mode_lasttoken: true }, (rows) => rows.at(-1)!],
    ['mean by its new name', { pooling_mode: 'mean' }, mean],
  ];
  for (const [name, pooling, pool] of pools) {
    const embedder = await openEmbedder(await writeFolder(t.testdir(), pooling), {
      threads: 1,
      batchSize: 3,
    });
    t.equal(embedder.dimension, dim);
    t.match(embedder.fingerprint, /^[0-9a-f]{64}$/);
    closeTo(
      t,
      await embedder.embed(texts),
      texts.map((text) => unit(pool(hiddenStates(text)))),
      name,
    );
    t.same(await embedder.embed([]), new Float32Array(0));
    await embedder.close();
  }
});

t.test('int32 inputs, token types and other output names are found by name', async (t) => {
  const variants: Variant[] = [
    { idType: 'int32' },
    { tokenTypes: true },
    { output: 'token_embeddings' },
    { output: 'sentence_embedding' },
  ];
  for (const variant of variants) {
    const folder = await writeFolder(t.testdir(), meanPooling, variant);
    if (variant.output === 'sentence_embedding') {
      await rm(join(folder, '1_Pooling'), { recursive: true }); // the graph pools: nothing to read
    }
    const embedder = await openEmbedder(folder, { threads: 1 });
    const max = (rows: number[][]) => rows[0]!.map((_, j) => Math.max(...rows.map((row) => row[j]!)));
    const pool = variant.output === 'sentence_embedding' ? max : mean;
    closeTo(
      t,
      await embedder.embed(texts.slice(0, 1)),
      [unit(pool(hiddenStates(texts[0]!)))],
      JSON.stringify(variant),
    );
    await embedder.close();
  }
});

t.test('queries and passages get the prompts of the folder', async (t) => {
  const folder = await writeFolder(t.testdir(), meanPooling);
  await writeFile(
    join(folder, 'config_sentence_transformers.json'),
    JSON.stringify({ prompts: { query: 'query : ', document: '거래 ' } }),
  );
  const embedder = await openEmbedder(folder, { threads: 1 });
  t.teardown(() => embedder.close());
  const expected = (text: string) => [unit(mean(hiddenStates(text)))];
  closeTo(t, await embedder.embed(['은행'], 'query'), expected('query : 은행'), 'query');
  closeTo(t, await embedder.embed(['은행'], 'passage'), expected('거래 은행'), 'passage');
  closeTo(t, await embedder.embed(['은행']), expected('거래 은행'), 'passage is the default');
});

t.test('maxTokens shortens texts, and the fingerprint knows', async (t) => {
  const folder = await writeFolder(t.testdir(), meanPooling);
  const whole = await openEmbedder(folder, { threads: 1 });
  const again = await openEmbedder(folder, { threads: 1 });
  const short = await openEmbedder(folder, { threads: 1, maxTokens: 3 });
  t.same(await short.embed(['은행 보안 거래']), await whole.embed(['은행']));
  t.equal(await short.countTokens(['은행 보안 거래', '은행']), 6, 'tokens are counted as they are read');
  t.equal(await whole.countTokens(['은행 보안 거래', '은행']), 8);
  t.equal(again.fingerprint, whole.fingerprint);
  t.not(short.fingerprint, whole.fingerprint);
  await writeFile(join(folder, '1_Pooling/config.json'), JSON.stringify(clsPooling));
  const pooled = await openEmbedder(folder, { threads: 1 });
  t.not(pooled.fingerprint, whole.fingerprint);
  await Promise.all([whole, again, short, pooled].map((it) => it.close()));
});

t.test('a folder that cannot work is MODEL_INVALID, with the name of what is wrong', async (t) => {
  const cases: [string, (folder: string) => Promise<unknown>, RegExp][] = [
    ['no graph', (it) => rm(join(it, 'onnx/model.onnx')), /onnx\/model\.onnx is missing/],
    ['no tokenizer', (it) => rm(join(it, 'tokenizer.json')), /tokenizer\.json is missing/],
    ['no pooling', (it) => rm(join(it, '1_Pooling/config.json')), /1_Pooling\/config\.json is missing/],
    ['damaged JSON', (it) => writeFile(join(it, 'config.json'), '{'), /config\.json is not JSON/],
    [
      'JSON of another kind',
      (it) => writeFile(join(it, 'config.json'), '[]'),
      /config\.json is not a JSON object/,
    ],
    [
      'damaged tokenizer',
      (it) => writeFile(join(it, 'tokenizer.json'), '{}'),
      /tokenizer\.json is not a tokenizer/,
    ],
    [
      'damaged graph',
      (it) => writeFile(join(it, 'onnx/model.onnx'), 'no graph'),
      /model\.onnx cannot be loaded/,
    ],
    [
      'two poolings',
      (it) =>
        writeFile(
          join(it, '1_Pooling/config.json'),
          '{"pooling_mode_cls_token":true,"pooling_mode_max_tokens":true}',
        ),
      /cls \+ max/,
    ],
    [
      'pooling unknown here',
      (it) => writeFile(join(it, '1_Pooling/config.json'), '{"pooling_mode_weightedmean_tokens":true}'),
      /pooling_mode_weightedmean_tokens/,
    ],
    [
      'wrong width',
      (it) => writeFile(join(it, 'config.json'), '{"hidden_size":5}'),
      /4 dimensions.*hidden_size 5/,
    ],
    [
      'small table',
      (it) => writeFile(join(it, 'config.json'), '{"vocab_size":9}'),
      /10 entries, more than the 9/,
    ],
    [
      'an output of no known name',
      (it) => writeFile(join(it, 'onnx/model.onnx'), encoderGraph({ output: 'logits' })),
      /the graph gives logits/,
    ],
  ];
  for (const [title, spoil, message] of cases) {
    const folder = await writeFolder(t.testdir(), meanPooling);
    await spoil(folder);
    await t.rejects(openEmbedder(folder, { threads: 1 }), { code: 'MODEL_INVALID', message }, title);
  }
  await t.rejects(openEmbedder('/nowhere', { threads: 1 }), { code: 'MODEL_INVALID' });
});
