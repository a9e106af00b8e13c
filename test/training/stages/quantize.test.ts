/** The stage quantize on a tiny random student: what it writes and measures, its gate, and what it cannot do. */
import { readFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { readModelFolder } from '../../../shared/bundle/model-folder.js';
import { openDecoder } from '../../../shared/lm/open-decoder.js';
import { readAllJsonLines, writeJsonLines } from '../../../training/formats/json-lines.js';
import { TaskPrompt } from '../../../training/formats/task-prompt.js';
import { writeChosen } from '../../../training/predictions/chosen-iteration.js';
import type { QuantizeDetails } from '../../../training/stages/details.js';
import { quantize } from '../../../training/stages/quantize.js';
import {
  type ContextOptions,
  stageContext,
  stagedConfig,
  stopAfter,
  stopAtLine,
  writeStages,
} from '../../fixtures/staged-pipeline.js';
import { writeTinyCheckpoint } from '../../fixtures/tiny-checkpoint.js';

const out = t.testdir({});
const folder = join(out, 'work', 'quantize');
const fields = { student: { from: 'start' }, sft: {} };
const lenient = { maxPerplexityRatio: 3, minAgreement: 0.1 };
const run = async (options: object, context: ContextOptions = {}) => {
  const own = await stageContext(out, stagedConfig({ ...fields, quantize: options }), quantize, context);
  const summary = await quantize.run(own);
  return { ...summary, details: summary.details as QuantizeDetails };
};
const weights = () => readFile(join(folder, 'model', 'model.safetensors'));

t.before(async () => {
  await writeStages(out);
  await writeChosen(join(out, 'work', 'validate'), 1);
  await writeTinyCheckpoint(join(out, 'work', 'distill-1', 'model'), {
    config: { max_position_embeddings: 1024 },
  });
});
t.afterEach(() => rm(folder, { recursive: true, force: true }));

t.test('the folder is opened as int4, and its report becomes figures of a bundle', async (t) => {
  const { details, rejected, figures } = await run(lenient);
  t.equal(rejected, undefined);
  t.match(details, { chosen: 1, bits: 4, block: 32, headBits: 8, method: 'gptq', gate: { passed: true } });
  t.ok(details.perplexity.ratio > 0.8 && details.perplexity.ratio < 1.5, `${details.perplexity.ratio}`);
  t.match(details.choices, { questions: 20, minAgreement: 0.1 });
  t.ok(details.bytes.quantized < details.bytes.checkpoint);
  const decoder = await openDecoder(join(folder, 'model'), { threads: 1 });
  t.equal(decoder.precision, 'int4 block 32, head 8 bits (gptq)');
  await decoder.close();
  const { metrics } = await readModelFolder(join(folder, 'model'));
  t.equal(metrics.studentPerplexityRatio, details.perplexity.ratio);
  t.equal(metrics.studentBitsPerWeight, details.bitsPerWeight);
  t.equal(figures.perplexityRatio, Number(details.perplexity.ratio.toFixed(4)));
  t.strictSame((await readdir(folder)).sort(), ['model', 'quantization-report.json']);
});

t.test('stopped before and after the weights are written, it makes the same', async (t) => {
  await run({ ...lenient, calibrated: false });
  const whole = await weights();
  await rm(folder, { recursive: true });
  await t.rejects(run({ ...lenient, calibrated: false }, stopAfter(3)), { message: 'stopped' });
  await t.rejects(stat(join(folder, 'model')), { code: 'ENOENT' });
  await t.rejects(run({ ...lenient, calibrated: false }, stopAtLine(/^choices of int4/u)), {
    message: 'stopped',
  });
  t.ok((await stat(join(folder, 'quantized'))).isDirectory(), 'what took long is kept');
  const { details } = await run({ ...lenient, calibrated: false });
  t.equal(details.method, 'rtn');
  t.ok(whole.equals(await weights()));
});

t.test('it is rounded for training prompts, and measured on calibration prompts alone', async (t) => {
  const path = join(out, 'work', 'respond-1', 'prompts.jsonl');
  const prompts = await readAllJsonLines(path, TaskPrompt);
  t.teardown(() => writeJsonLines(path, prompts));
  const without = (split: TaskPrompt['split']) =>
    prompts.map((prompt) => (prompt.split === split ? { ...prompt, formatPrompt: '가'.repeat(80) } : prompt));
  const made = async () => {
    const { details } = await run(lenient);
    const bytes = await weights();
    await rm(folder, { recursive: true });
    return { bytes, reference: details.perplexity.reference };
  };
  const whole = await made();
  await writeJsonLines(path, without('calibration'));
  const other = await made();
  t.ok(whole.bytes.equals(other.bytes), 'calibration prompts round nothing');
  t.not(other.reference, whole.reference);
  await writeJsonLines(path, without('train'));
  const another = await made();
  t.notOk(whole.bytes.equals(another.bytes));
  t.equal(another.reference, whole.reference, 'training prompts measure nothing');
});

t.test('where it costs more than is allowed, the student is rejected with the figures', async (t) => {
  const { rejected } = await run({ calibrated: false, headBits: 4, maxPerplexityRatio: 1, minAgreement: 1 });
  t.match(
    rejected,
    /^The quantised student costs too much: perplexity × \d\.\d{4} \(at most 1\), the same choice in .* of 20 questions/,
  );
});

t.test('a block that does not divide the layers is refused, with those that do', async (t) => {
  await t.rejects(run({ block: 64 }), {
    code: 'CONFIG_INVALID',
    message:
      /^quantize\.block is 64, which does not divide the 96 inputs of the student's .*down_proj\. Set quantize\.block to 16 or 32\./,
  });
});
