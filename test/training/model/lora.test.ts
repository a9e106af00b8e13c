import { join } from 'node:path';
import t from 'tap';
import { HaetaeError } from '../../../shared/errors.js';
import { Checkpoint } from '../../../shared/lm/checkpoint.js';
import { readDecoderConfig } from '../../../shared/lm/decoder-config.js';
import type { DecoderConfig } from '../../../shared/lm/model-config.js';
import { seededRandom } from '../../../shared/random.js';
import { gemm, mul, sumAll } from '../../../training/autodiff/expressions.js';
import { checkGradients } from '../../../training/autodiff/gradient-check.js';
import { Tape } from '../../../training/autodiff/tape.js';
import { buildTrainingGraph } from '../../../training/autodiff/training-graph.js';
import { decoderParameters } from '../../../training/model/decoder-parameters.js';
import { initialiseParameters } from '../../../training/model/initialise-parameters.js';
import { loadParameters } from '../../../training/model/load-parameters.js';
import { defaultLora, loraConfig, loraParameters, loraTargets } from '../../../training/model/lora.js';
import { type TinyCheckpointOptions, writeTinyCheckpoint } from '../../fixtures/tiny-checkpoint.js';
import { kernelForms, randomValues } from '../blocks/forms.js';
import {
  batchFeeds,
  decoderOnTape,
  emptyValues,
  isSameBits,
  tensorsOf,
  trainingLogits,
  type Values,
} from './train-decoder.js';

const batch = { rows: 2, length: 12 };

async function tinyModel(
  folder: string,
  options: TinyCheckpointOptions,
): Promise<{ config: DecoderConfig; values: Values; ids: number[] }> {
  const path = await writeTinyCheckpoint(join(folder, 'model'), options);
  const config = await readDecoderConfig(path);
  const parameters = decoderParameters(config);
  const values = emptyValues(parameters);
  await loadParameters(await Checkpoint.open(path), parameters, values);
  const random = seededRandom(8);
  const ids = Array.from({ length: 24 }, () => Math.floor(random() * config.vocabSize));
  return { config, values, ids };
}

const families: TinyCheckpointOptions[] = [
  { family: 'llama', config: { attention_bias: true } },
  { family: 'mistral', config: { sliding_window: 5 } },
  { family: 'qwen2' },
  { family: 'qwen3' },
];

for (const kernels of kernelForms) {
  for (const options of families) {
    t.test(`fresh adapters change no bit of a ${options.family} (kernels "${kernels}")`, async (t) => {
      const { config, values, ids } = await tinyModel(t.testdir({}), options);
      const lora = loraConfig({ r: 3, alpha: 7 });
      const adapters = loraParameters(config, lora);
      const own = emptyValues(adapters);
      initialiseParameters(adapters, own, 5);
      const feeds = { ...tensorsOf(decoderParameters(config), values), ...batchFeeds(batch, ids) };
      const base = await trainingLogits(config, batch, feeds, { kernels });
      const adapted = { ...feeds, ...tensorsOf(adapters, own) };
      const logits = await trainingLogits(config, batch, adapted, { kernels, lora });
      t.ok(isSameBits(logits, base));
      own.get('model.layers.1.mlp.down_proj.lora_B.weight')![0] = 0.5;
      const changed = await trainingLogits(config, batch, adapted, { kernels, lora });
      t.notOk(isSameBits(changed, base), 'and something changes once B is not zero');
    });
  }

  for (const targets of [loraTargets, ['q', 'v'], ['k', 'up'], ['o'], ['gate', 'down']] as const) {
    t.test(`gradients of adapters of ${targets.join(', ')} (kernels "${kernels}")`, async (t) => {
      const { config, values, ids } = await tinyModel(t.testdir({}), { family: 'qwen3' });
      const lora = loraConfig({ r: 2, alpha: 3, targets });
      const adapters = loraParameters(config, lora);
      const own = new Map(adapters.map(({ name, shape }, i) => [name, randomValues(shape, i + 20, 0.2)]));
      const { worst, worstParameter } = await checkGradients(
        (tape) => {
          const { hidden, head, parameters } = decoderOnTape(tape, config, batch, {
            lora,
            trained: 'adapters',
          });
          const logits = gemm(tape, hidden, head, { transB: true });
          const direction = tape.constant(logits.shape, randomValues(logits.shape, 3, 0.02));
          return { loss: sumAll(tape, mul(tape, logits, direction)), parameters };
        },
        {
          ...{ kernels, values: own, directions: 1 },
          feeds: { ...tensorsOf(decoderParameters(config), values), ...batchFeeds(batch, ids) },
        },
      );
      t.ok(worst < 1e-3, `${worstParameter}: ${worst}`);
    });
  }
}

t.test('only adapters get gradients, and the base is fed', async (t) => {
  const { config } = await tinyModel(t.testdir({}), {});
  const tape = new Tape('lora');
  const lora = loraConfig({ r: 2 });
  const { hidden, parameters } = decoderOnTape(tape, config, batch, { lora, trained: 'adapters' });
  const graph = buildTrainingGraph(tape, { loss: sumAll(tape, hidden), parameters });
  t.same(
    [...graph.gradients.keys()],
    loraParameters(config, lora).map(({ name }) => name),
  );
  t.ok(graph.inputs.some(({ name }) => name === 'model.layers.0.mlp.down_proj.weight'));
});

t.test('adapters have the names and shapes of PEFT, those of one input together', async (t) => {
  const { config } = await tinyModel(t.testdir({}), { family: 'llama' });
  const parameters = loraParameters(config, loraConfig({ r: 4, targets: ['down', 'v', 'q'] }));
  t.same(
    parameters
      .slice(0, 5)
      .map(({ name, shape, parts, init, decay }) => ({ name, shape, parts, init, decay })),
    [
      {
        name: 'model.layers.0.self_attn.qkv_proj.lora_A.weight',
        shape: [8, 64],
        parts: [
          { name: 'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight', rows: 4 },
          { name: 'base_model.model.model.layers.0.self_attn.v_proj.lora_A.weight', rows: 4 },
        ],
        init: { kind: 'uniform', bound: 1 / 8 },
        decay: true,
      },
      ...(['q', 'v'] as const).map((target) => ({
        name: `model.layers.0.self_attn.${target}_proj.lora_B.weight`,
        shape: [target === 'q' ? 64 : 32, 4],
        parts: [
          {
            name: `base_model.model.model.layers.0.self_attn.${target}_proj.lora_B.weight`,
            rows: target === 'q' ? 64 : 32,
          },
        ],
        init: { kind: 'zeros' },
        decay: true,
      })),
      {
        name: 'model.layers.0.mlp.down_proj.lora_A.weight',
        shape: [4, 96],
        parts: [{ name: 'base_model.model.model.layers.0.mlp.down_proj.lora_A.weight', rows: 4 }],
        init: { kind: 'uniform', bound: 1 / Math.sqrt(96) },
        decay: true,
      },
      {
        name: 'model.layers.0.mlp.down_proj.lora_B.weight',
        shape: [64, 4],
        parts: [{ name: 'base_model.model.model.layers.0.mlp.down_proj.lora_B.weight', rows: 64 }],
        init: { kind: 'zeros' },
        decay: true,
      },
    ],
  );
});

t.test('what is not offered is refused', async (t) => {
  t.same(loraConfig({}), defaultLora);
  t.same(loraConfig({ targets: ['v', 'q'] }).targets, ['q', 'v']);
  const refused: [Parameters<typeof loraConfig>[0], RegExp][] = [
    [{ dropout: 0.05 }, /lora\.dropout is 0\.05; expected 0: dropout before adapters is not offered/],
    [{ r: 0 }, /lora\.r is 0; expected a positive integer/],
    [{ r: 1.5 }, /lora\.r is 1\.5/],
    [{ alpha: Number.NaN }, /lora\.alpha is null; expected a positive number/],
    [{ targets: [] }, /lora\.targets is "\[\]"/],
    [
      { targets: ['q', 'lm_head'] },
      /lora\.targets is "lm_head"; expected some of q, k, v, o, gate, up, down/,
    ],
  ];
  for (const [given, message] of refused) {
    t.throws(() => loraConfig(given), { code: 'CONFIG_INVALID', message });
    t.throws(() => loraConfig(given), HaetaeError);
  }
});
