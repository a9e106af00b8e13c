import t from 'tap';
import {
  answeringSeconds,
  promptTokens,
  studentShape,
  trainedTokens,
  trainingPrompts,
  trainingSeconds,
} from '../../../training/model-stages/estimate-work.js';
import { parsePipelineConfig } from '../../../training/pipeline/read-pipeline-config.js';

const configOf = (more: object = {}) =>
  parsePipelineConfig(
    {
      name: 'x',
      pretrain: {
        model: { shape: { hiddenSize: 64, nLayer: 2, nHead: 4 } },
        tokenizer: { vocabSize: 2000 },
        data: { rows: 8, length: 128 },
        steps: 10,
      },
      sft: {},
      ...more,
    },
    'test',
  );

t.test('more work is estimated to take longer, and a larger model more of it', async (t) => {
  const small = (await studentShape(configOf()))!;
  t.equal(small.vocabSize, 2000);
  const large = { ...small, nLayer: 24, hiddenSize: 1024, intermediateSize: 2816, headDim: 256 };
  const seconds = (tokens: number) => trainingSeconds(small, tokens)!;
  t.ok(seconds(2_000_000) > seconds(1_000_000));
  t.ok(trainingSeconds(large, 1_000_000)! > 20 * seconds(1_000_000));
  t.ok(answeringSeconds(configOf(), large, 100)! > answeringSeconds(configOf(), small, 100)!);
});

t.test('steps or epochs say how many tokens are trained on', async (t) => {
  t.equal(trainedTokens({ steps: 10, accumulate: 2, data: { rows: 4, length: 64 } }, 1e9), 5_120);
  t.equal(trainedTokens({ epochs: 3 }, 1_000), 3_000);
});

t.test('a student whose folder cannot be read gives no estimate', async (t) => {
  const config = configOf({ pretrain: undefined, student: { from: 'nowhere' } });
  t.equal(await studentShape(config), null);
  t.equal(trainingSeconds(null, 1), null);
  t.equal(answeringSeconds(config, null, 1), null);
});

t.test('prompts are those that the tasks make of the questions that do not validate', async (t) => {
  const synthesize = { questions: 1_000, openShare: 0.1, fiveChoiceShare: 0.5, validationShare: 0.2 };
  const prompts = (respond: object) => trainingPrompts(configOf({ synthesize, respond }));
  t.equal(prompts({ tasks: ['label'] }), 820);
  t.equal(prompts({ tasks: ['verify'] }), 3_340);
  t.equal(prompts({ tasks: ['label'], prompts: 50 }), 50);
  t.equal(prompts({ tasks: ['label', 'verify'], promptsPerTask: { verify: 300, open: 50 } }), 1_070);
  t.equal(promptTokens(configOf({ student: { contextLength: 512, passages: 3 } })), 512);
  t.equal(promptTokens(configOf({ student: { contextLength: 4096, passages: 1 } })), 550);
});
