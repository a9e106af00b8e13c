/** The engine over the real decoder and runtime; `lm-engine.test.ts` holds it to its contract in float64. */
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Decoder } from '../../../shared/lm/decoder.js';
import type { EngineLimits } from '../../../shared/lm/engine-limits.js';
import { createLanguageModel } from '../../../shared/lm/lm-engine.js';
import { type OpenDecoderOptions, openDecoder } from '../../../shared/lm/open-decoder.js';
import { quantizeFolder } from '../../../shared/lm/quantize/quantize-folder.js';
import { parseTokenizer } from '../../../shared/lm/tokenizer.js';
import { seededRandom } from '../../../shared/random.js';
import { generateAll, randomTokens } from '../../fixtures/lm-requests.js';
import { type TinyCheckpointOptions, writeTinyCheckpoint } from '../../fixtures/tiny-checkpoint.js';
import { writeTinyExport } from '../../fixtures/tiny-export.js';
import { tinyTokenizer } from '../../fixtures/tiny-tokenizer.js';

/** Differences of float32 sums in another order; the issue allows 1e-4 for scores. */
const tolerance = 1e-4;

/** Makes a model folder below this one. */
type MakeFolder = (folder: string) => Promise<string>;

const checkpoint =
  (options: TinyCheckpointOptions): MakeFolder =>
  (folder) =>
    writeTinyCheckpoint(folder, options);

const int4: MakeFolder = async (folder) => {
  const model = await writeTinyCheckpoint(join(folder, 'float32'), { family: 'llama' });
  const out = join(folder, 'int4');
  const bits = { bits: 4, blockSize: 32, headBits: 8, embedding: 'checkpoint' } as const;
  await quantizeFolder({ model, out, ...bits, method: 'rtn' });
  return out;
};

type Kernels = NonNullable<OpenDecoderOptions['kernels']>;

async function open(
  t: Test,
  makeFolder: MakeFolder,
  kernels: Kernels = 'auto',
  limits: Partial<EngineLimits> = {},
) {
  const folder = await makeFolder(t.testdir());
  const decoder = await openDecoder(folder, { threads: 1, kernels });
  const tokenizer = await parseTokenizer(JSON.stringify(tinyTokenizer().tokenizer), 'the tiny tokenizer');
  const model = createLanguageModel({ decoder, tokenizer, limits });
  t.teardown(() => model.close());
  // a decoder of its own for the naive way: one that is computing takes no other step
  const naive = await openDecoder(folder, { threads: 1, kernels });
  t.teardown(() => naive.close());
  return { model, naive };
}

/** Logits of each position, from one forward pass with an empty cache. */
async function fullForward(decoder: Decoder, tokens: readonly number[]): Promise<Float32Array[]> {
  const cache = decoder.createCache(1, tokens.length);
  const wanted = tokens.map((_, i) => [0, i] as const);
  const { logits } = await decoder.step({ cache, rows: [{ slot: 0, tokens }], wanted });
  const { vocabSize } = decoder.config;
  return tokens.map((_, i) => logits.slice(i * vocabSize, (i + 1) * vocabSize));
}

/** The naive greedy loop. Stops early where the two likeliest are nearer than rounding: either would be right. */
async function naiveGreedy(decoder: Decoder, prompt: readonly number[], count: number): Promise<number[]> {
  const tokens = [...prompt];
  while (tokens.length < prompt.length + count) {
    const logits = (await fullForward(decoder, tokens)).at(-1)!;
    const [first, second] = [...logits.keys()].sort((a, b) => logits[b]! - logits[a]!);
    if (logits[first!]! - logits[second!]! < 1e-5) break;
    tokens.push(first!);
  }
  return tokens.slice(prompt.length);
}

async function naiveScore(decoder: Decoder, prompt: readonly number[], tokens: readonly number[]) {
  const logits = await fullForward(decoder, [...prompt, ...tokens]);
  return tokens.map((token, i) => {
    const row = logits[prompt.length + i - 1]!;
    return row[token]! - Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0));
  });
}

/** Our kernels are used where they are, the runtime's where that is asked for. */
const models: [string, MakeFolder, Kernels?][] = [
  ['qwen2', checkpoint({ family: 'qwen2' })],
  ['mistral with a sliding window', checkpoint({ family: 'mistral', config: { sliding_window: 12 } })],
  ['qwen3', checkpoint({ family: 'qwen3', seed: 3 })],
  ['llama at 4 bits', int4],
  ["qwen2 on the runtime's kernels", checkpoint({ family: 'qwen2' }), 'runtime'],
  ["llama at 4 bits on the runtime's kernels", int4, 'runtime'],
  ['an export by others', (folder) => writeTinyExport(folder)],
];

for (const [name, makeFolder, kernels] of models) {
  t.test(`many requests at once give what each gives naively: ${name}`, async (t) => {
    const limits = {
      maxSlots: 4,
      stepTokens: 32,
      stepTokensBesideDecode: 16,
      turnTokens: 64,
      prefixCacheBytes: 100_000,
    };
    const { model, naive } = await open(t, makeFolder, kernels, limits);
    const random = seededRandom(31);
    const shared = randomTokens(random, 35);
    const requests = Array.from({ length: 12 }, (_, i) => ({
      prompt: [...(i % 3 ? shared : []), ...randomTokens(random, 3 + 4 * i)],
      continuations: Array.from({ length: 5 }, () => randomTokens(random, 1 + Math.floor(random() * 7))),
    }));
    const results = await Promise.all(
      requests.map(async ({ prompt, continuations }, i) => {
        if (i % 4 === 3) {
          for await (const event of model.generate({ prompt, maxNewTokens: 50, ignoreEos: true })) {
            if (event.type === 'token' && random() < 0.2) break;
          }
          return {};
        }
        if (i % 2) return { scores: await model.score({ prompt, continuations }) };
        const request = { prompt, temperature: 0, maxNewTokens: 12, ignoreEos: true };
        return { ids: (await generateAll(model, request)).ids };
      }),
    );
    let compared = 0;
    for (const [i, { prompt, continuations }] of requests.entries()) {
      const { ids, scores } = results[i]!;
      if (ids) {
        const expected = await naiveGreedy(naive, prompt, 12);
        t.strictSame(ids.slice(0, expected.length), expected);
        compared += expected.length;
      }
      for (const [c, score] of scores?.entries() ?? []) {
        const expected = await naiveScore(naive, prompt, continuations[c]!);
        const worst = Math.max(...expected.map((logprob, k) => Math.abs(logprob - score.logprobs[k]!)));
        t.ok(worst < tolerance, `score off by ${worst}`);
      }
    }
    t.ok(compared > 60, `${compared} greedy tokens compared`);
    t.match(model.stats(), { slotsInUse: 0, queued: 0 });
    t.ok(model.stats().cachedTokens >= 64, 'the shared beginning was found');
  });
}

t.test('streams real text through the real tokenizer', async (t) => {
  const { model } = await open(t, checkpoint({ family: 'llama' }));
  const prompt = '전자금융거래법에 따라';
  const { tokens, end } = await generateAll(model, { prompt, temperature: 1.5, seed: 5, maxNewTokens: 40 });
  t.equal(tokens.map(({ text }) => text).join(''), end.text);
  t.equal(end.usage.promptTokens, (await model.tokenizer.encode(prompt, { addSpecialTokens: false })).length);
});
