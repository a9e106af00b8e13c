import t from 'tap';
import type { HaetaeError } from '../../../shared/errors.js';
import { parseRunFile, type RunOverrides, readRunFile } from '../../../training/run/read-run-file.js';
import type { Program } from '../../../training/run/run-file-schema.js';

const pretrain = `program: pretrain
output: out
steps: 30
model:
  shape: { hiddenSize: 64, intermediateSize: 128, nLayer: 2, nHead: 4 }
tokenizer: { vocabSize: 512 }
data: { train: [a.jsonl], length: 32, rows: 4 }
`;
const distill = `program: distill
output: out
epochs: 1
model: { from: student }
teacher: { from: teacher }
loss: { name: distillm2, form: paper }
data: { train: [pairs.jsonl], length: 32, rows: 4 }
`;

function refusal(
  program: Program,
  text: string,
  overrides: RunOverrides = {},
): { code: string; message: string } {
  try {
    parseRunFile(program, text, 'run.yaml', overrides);
  } catch (error) {
    return { code: (error as HaetaeError).code, message: (error as Error).message };
  }
  return { code: 'none', message: 'it was taken' };
}

t.test('a field with a default may be left out', async (t) => {
  const run = parseRunFile('pretrain', pretrain, 'run.yaml');
  t.match(run, {
    ...{ seed: 1, accumulate: 1, kernels: 'auto', matmulPrecision: 'highest' },
    optimizer: { learningRate: 3e-4, schedule: 'cosine', beta1: 0.9, beta2: 0.95, maxGradNorm: 1 },
    ...{ checkpoint: { everySteps: 100, keep: 2 }, divergence: { factor: 3, steps: 50 } },
    model: { shape: { ropeTheta: 10_000, tiedHead: true } },
    data: { validation: [], validationFraction: 0.05 },
  });
  t.notOk('threads' in run, 'the machine decides where nothing is said');
});

t.test('defaults of one run are not those of another', async (t) => {
  parseRunFile('pretrain', pretrain, 'run.yaml').data.validation.push('x');
  t.strictSame(parseRunFile('pretrain', pretrain, 'run.yaml').data.validation, []);
});

t.test('null turns off what can be turned off', async (t) => {
  const run = parseRunFile(
    'pretrain',
    `${pretrain}divergence: null\noptimizer: { maxGradNorm: null }`,
    'run.yaml',
  );
  t.equal(run.divergence, null);
  t.equal(run.optimizer.maxGradNorm, null);
  t.equal(run.optimizer.learningRate, 3e-4);
});

t.test('the command line sets fields, also those of sections that are not there', async (t) => {
  const run = parseRunFile('pretrain', pretrain, 'run.yaml', {
    set: ['optimizer.learningRate=1e-3', 'divergence=null', 'data.train=[b.txt, c.txt]', 'steps=7'],
    ...{ output: 'elsewhere', threads: 3 },
  });
  t.equal(run.optimizer.learningRate, 1e-3);
  t.equal(run.divergence, null);
  t.strictSame(run.data.train, ['b.txt', 'c.txt']);
  t.match(run, { output: 'elsewhere', threads: 3, steps: 7 });
});

t.test('every problem names file, line, field, what came and what is allowed', async (t) => {
  const text = `program: pretrain
output: out
steps: 0
model:
  shape:
    hiddenSize: 64
    nlayer: 2
    nHead: many
optimizer:
  schedule: linaer
data: { train: [], length: 32, rows: 4 }
`;
  const { code, message } = refusal('pretrain', text);
  t.equal(code, 'CONFIG_INVALID');
  t.strictSame(
    message.split('\n').map((line) => line.trim()),
    [
      'run.yaml:3: steps is 0, allowed is a whole number from 1 to 1000000000',
      'run.yaml:10: optimizer.schedule is "linaer", allowed is one of cosine, linear, constant',
      'run.yaml:7: model.shape.nlayer is no field that is known here: did you mean nLayer?',
      'run.yaml:6: model.shape.nLayer is missing: give a whole number from 1 to 1000000000 (Layers)',
      'run.yaml:8: model.shape.nHead is "many", allowed is a whole number from 1 to 1000000000',
      'run.yaml:11: data.train is an empty list, allowed is a list that is not empty, each item a text that is not empty',
    ],
  );
});

t.test('a value of the command line is blamed on the command line', async (t) => {
  const set = ['optimizer.learningRate=fast'];
  t.equal(
    refusal('pretrain', pretrain, { set }).message,
    '--set optimizer.learningRate=fast: optimizer.learningRate is "fast", allowed is a number > 0 and ≤ 10',
  );
  for (const wrong of ['steps', '=3', 'a b=3', '__proto__.x=1']) {
    t.equal(refusal('pretrain', pretrain, { set: [wrong] }).code, 'USAGE', wrong);
  }
});

t.test('sections that a name tells apart have their own fields', async (t) => {
  t.match(
    refusal('distill', distill.replace('distillm2', 'distilm2')).message,
    /allowed is a section with name: .*distillm2/,
  );
  t.match(
    refusal('distill', distill.replace('form', 'from')).message,
    /loss\.from is no field .*did you mean form\?/,
  );
  t.match(
    refusal('distill', distill.replace('paper }', 'paper, alhpa: 0.1 }')).message,
    /did you mean alpha\?/,
  );
  t.equal(refusal('distill', distill).code, 'none');
});

t.test('what excludes or needs another field is said', async (t) => {
  const cases: [Program, string, RegExp][] = [
    ['pretrain', `${pretrain}epochs: 1`, /steps and epochs are both there: give one/],
    ['pretrain', pretrain.replace('steps: 30\n', ''), /steps is missing: give it, or epochs/],
    [
      'pretrain',
      pretrain.replace('shape:', 'from: x\n  shape:'),
      /model\.from and model\.shape are both there/,
    ],
    [
      'pretrain',
      pretrain.replace('vocabSize: 512', ''),
      /tokenizer is empty: a new model needs from or vocabSize/,
    ],
    [
      'pretrain',
      pretrain.replace('nHead: 4', 'nHead: 4, nKvHead: 3'),
      /nKvHead is 3, allowed is a divisor of nHead 4/,
    ],
    [
      'pretrain',
      pretrain.replace('hiddenSize: 64', 'hiddenSize: 66'),
      /hiddenSize is 66, allowed is a multiple of nHead 4/,
    ],
    [
      'pretrain',
      pretrain.replace('hiddenSize: 64', 'hiddenSize: 60'),
      /makes heads of 15, allowed is an even width/,
    ],
    [
      'pretrain',
      `${pretrain}kernels: runtime\nmatmulPrecision: high`,
      /matmulPrecision is high, which needs our operators/,
    ],
    ['distill', distill.replace('distillm2, form: paper', 'cross_entropy'), /use haetae train sft/],
    [
      'distill',
      distill.replace('teacher: { from: teacher }', 'teacher: {}'),
      /run\.yaml:5: teacher is empty: give from, or cache, or both/,
    ],
  ];
  for (const [program, text, expected] of cases) {
    const { code, message } = refusal(program, text);
    t.equal(code, 'CONFIG_INVALID');
    t.match(message, expected);
  }
});

t.test('a file of another program, or no YAML at all, is refused', async (t) => {
  t.equal(
    refusal('sft', pretrain).message,
    'run.yaml is for haetae train pretrain, not for haetae train sft',
  );
  t.match(refusal('sft', 'a: [1').message, /^run\.yaml:1: /);
  t.match(refusal('sft', 'a: 1\na: 2').message, /^run\.yaml:2: Map keys must be unique/);
  for (const text of ['', '- 1', 'word', 'null']) t.match(refusal('sft', text).message, /holds no fields/);
  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]']
    .concat(
      'bcdefgh'.split('').map((name, i) => {
        const before = 'abcdefgh'[i];
        return `${name}: &${name} [${Array(10).fill(`*${before}`).join(', ')}]`;
      }),
    )
    .join('\n');
  t.equal(refusal('sft', bomb).code, 'CONFIG_INVALID', 'a file that would unfold without end');
  t.equal(refusal('sft', 'steps: &a [*a]').code, 'CONFIG_INVALID', 'a list that holds itself');
  t.equal(refusal('sft', 'constructor: 1\n__proto__: 2').code, 'CONFIG_INVALID');
});

t.test('a file that is not there is FILE_NOT_FOUND', async (t) => {
  await t.rejects(readRunFile('sft', 'no/such.yaml'), {
    code: 'FILE_NOT_FOUND',
    message: /no\/such\.yaml cannot be read/,
  });
});

t.test('a run does not write among its data, which it would read when it is resumed', (t) => {
  for (const [train, output] of [
    ['data', 'data/work/run'],
    ['data/', 'data'],
    ['.', 'out'],
    ['a/../b', './b/run'],
  ]) {
    const { code, message } = refusal('pretrain', pretrain.replace('a.jsonl', train!), { output: output! });
    t.equal(code, 'CONFIG_INVALID', `${output} in ${train}`);
    t.match(message, `output is ${output}, inside of ${train}, which is read as data`);
  }
  for (const [train, output] of [
    ['data/raw', 'data/work'],
    ['data', 'data-run'],
    ['data/a', '..data/a'],
  ]) {
    t.equal(
      refusal('pretrain', pretrain.replace('a.jsonl', train!), { output: output! }).message,
      'it was taken',
    );
  }
  t.end();
});

t.test('an item of a list cannot be set, which would leave the list as it is, or with a hole', (t) => {
  for (const set of ['data.train.0=b.jsonl', 'data.train.3=b.jsonl', 'data.train.foo=b.jsonl']) {
    t.strictSame(refusal('pretrain', pretrain, { set: [set] }), {
      code: 'USAGE',
      message: `--set ${set}: data.train is a list. Set all of it: --set data.train=[…]`,
    });
  }
  t.end();
});
