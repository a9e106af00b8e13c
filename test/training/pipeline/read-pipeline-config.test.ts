import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { parsePipelineConfig, readPipelineConfig } from '../../../training/pipeline/read-pipeline-config.js';

const tiny = fileURLToPath(new URL('../../../training/runs/tiny.ts', import.meta.url));
const least = { name: 'x', student: { from: 'folder' }, distill: { teacher: 'folder' } };

t.test('TypeScript, YAML and JSON give the same configuration', async (t) => {
  const dir = t.testdir({
    'a.ts':
      "interface Named { name: string }\nexport default { name: 'x', seed: 7, student: { from: 'folder' }, distill: { teacher: 'folder' } } satisfies Named & object;",
    'b.yaml': 'name: x\nseed: 7\nstudent:\n  from: folder # the model\ndistill: { teacher: folder }\n',
    'c.json': JSON.stringify({ ...least, seed: 7 }),
    'd.mjs': `export default ${JSON.stringify({ ...least, seed: 7 })};`,
  });
  const [first, ...others] = await Promise.all(
    ['a.ts', 'b.yaml', 'c.json', 'd.mjs'].map((name) => readPipelineConfig(join(dir, name))),
  );
  t.equal(first?.seed, 7);
  for (const other of others) t.strictSame(other, first);
});

t.test('every field has its default', async (t) => {
  const config = await readPipelineConfig(tiny);
  t.equal(config.name, 'tiny');
  t.strictSame(config.synthesize.teacher, { kind: 'statute' });
  t.equal(config.synthesize.minQuality, 7);
  t.equal(config.synthesize.decontaminate.jaccard, 0.3);
  t.equal(config.respond.temperature, 0.8);
  t.equal(config.respond.topP, 0.95);
  t.equal(config.respond.teacher, undefined, 'that of synthesize');
  t.equal(config.validate.minGain, 0);
});

t.test('a module that was changed is read anew', async (t) => {
  const path = join(t.testdir(), 'a.ts');
  for (const seed of [1, 2]) {
    await writeFile(path, `export default ${JSON.stringify({ ...least, seed })};`);
    t.equal((await readPipelineConfig(path)).seed, seed);
  }
});

t.test('what is wrong is named with its field, what came and what is allowed', async (t) => {
  const cases: [object, RegExp][] = [
    [{ ...least, respond: { temprature: 1 } }, /respond\.temprature .*temperature/u],
    [{ ...least, name: 'a b' }, /name is "a b"/u],
    [
      { ...least, synthesize: { teacher: { kind: 'oracle' } } },
      /synthesize\.teacher .*statute, openai, local/u,
    ],
    [
      { ...least, synthesize: { teacher: { kind: 'openai', model: 'm' } } },
      /synthesize\.teacher\.baseUrl is missing/u,
    ],
    [{ ...least, student: {} }, /student\.from is missing: give it, or a section pretrain/u],
    [{ ...least, pretrain: {} }, /student\.from and pretrain are both there/u],
    [{ ...least, distill: {} }, /distill\.teacher is missing: a statute teacher gives no probabilities/u],
    [{ ...least, quantize: { block: 48 } }, /quantize\.block is 48, allowed is one of/u],
    [
      { ...least, synthesize: { calibrationShare: 0.5, validationShare: 0.6 } },
      /validationShare and calibrationShare are 1\.1 together/u,
    ],
    [
      { ...least, sft: { optimizer: { learningRte: 1 } } },
      /sft\.optimizer\.learningRte .*did you mean learningRate/u,
    ],
    [{ ...least, sft: { steps: 'many' } }, /sft\.steps is "many", allowed is a whole number/u],
    [{ ...least, sft: { output: 'elsewhere' } }, /sft\.output is no field/u],
    [{ ...least, student: {}, pretrain: { modle: {} } }, /pretrain\.modle .*did you mean model/u],
    [
      { ...least, distill: { teacher: 'folder', run: { loss: { name: 'guess' } } } },
      /distill\.run\.loss is .*distillm2/u,
    ],
    [[], /holds no fields/u],
  ];
  for (const [content, message] of cases) {
    t.throws(
      () => parsePipelineConfig(content, 'c.ts'),
      { code: 'CONFIG_INVALID', message },
      String(message),
    );
  }
});

t.test('a file that is no configuration is refused', async (t) => {
  const dir = t.testdir({
    'throws.ts': "throw new Error('no');",
    'bare.ts': 'export const name = 1;',
    'broken.yaml': 'a: [',
    'notes.txt': 'name: x',
    'distill.yaml': 'program: distill\noutput: x\n',
  });
  const refused = (name: string, message: RegExp) =>
    t.rejects(readPipelineConfig(join(dir, name)), { code: 'CONFIG_INVALID', message }, name);
  await refused('throws.ts', /cannot be loaded: no/u);
  await refused('bare.ts', /has no default export/u);
  await refused('broken.yaml', /is not YAML/u);
  await refused('notes.txt', /a pipeline is \.ts/u);
  await refused('distill.yaml', /haetae train distill/u);
  await t.rejects(readPipelineConfig(join(dir, 'absent.ts')), { code: 'FILE_NOT_FOUND' });
});
