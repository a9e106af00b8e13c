import { join } from 'node:path';
import t from 'tap';
import { Checkpoint } from '../../../shared/lm/checkpoint.js';
import { readDecoderConfig } from '../../../shared/lm/decoder-config.js';
import type { TensorValue } from '../../../shared/onnx/session.js';
import { elementCount } from '../../../shared/onnx/tensor-type.js';
import { seededRandom } from '../../../shared/random.js';
import { concat } from '../../../training/autodiff/expressions.js';
import type { Tape } from '../../../training/autodiff/tape.js';
import { headLogits } from '../../../training/blocks/linear-cross-entropy.js';
import { linearDivergence } from '../../../training/blocks/linear-divergence.js';
import type { TeacherSequence } from '../../../training/data/answer-slots.js';
import { decoderHidden } from '../../../training/model/decoder.js';
import { decoderParameters } from '../../../training/model/decoder-parameters.js';
import { loadParameters } from '../../../training/model/load-parameters.js';
import { CachedTeacher, fillCache } from '../../../training/teacher/cached-teacher.js';
import { DecoderTeacher, teacherFingerprint } from '../../../training/teacher/decoder-teacher.js';
import { LogProbCacheWriter } from '../../../training/teacher/log-prob-cache.js';
import { ModelTeacher } from '../../../training/teacher/model-teacher.js';
import type { Teacher } from '../../../training/teacher/teacher.js';
import { writeTinyCheckpoint } from '../../fixtures/tiny-checkpoint.js';
import { kernelSets, runGraph } from '../losses/run-graph.js';

const [length, slots, vocabSize] = [16, 12, 512];
const random = seededRandom(4);

/** Sequences of 6, 5 and 13 tokens, what is wanted of each, and the first of them once more; slot 3 is empty. */
function answersOf(): { sequences: TeacherSequence[]; mask: Uint8Array } {
  const tokensOf = (count: number) =>
    Int32Array.from({ length: count }, () => Math.floor(random() * vocabSize));
  const sequence = (tokens: Int32Array, positions: readonly number[], slots: readonly number[]) => ({
    ...{ tokens, positions: Int32Array.from(positions), slots: Int32Array.from(slots) },
  });
  const first = tokensOf(6);
  const sequences = [
    sequence(first, [2, 3, 4], [0, 1, 2]),
    sequence(tokensOf(5), [1, 2, 3], [4, 5, 6]),
    sequence(tokensOf(13), [7, 9], [7, 8]),
    sequence(first.slice(), [2, 3, 4], [9, 10, 11]),
  ];
  const mask = new Uint8Array(slots);
  for (const it of sequences) for (const slot of it.slots) mask[slot] = 1;
  return { sequences, mask };
}
const batch = answersOf();

/** All logits of a teacher for the batch, as a student's graph sees them. [N, V] */
async function logitsOf(teacher: Teacher, kernels: (typeof kernelSets)[number] = 'runtime') {
  const feeds = await teacher.feeds(batch.sequences, slots);
  const run = await runGraph(
    (tape) => {
      const logits = teacher.logits(tape, slots);
      const chunks = [logits(0, 7), logits(7, slots)];
      return { loss: tape.scalar(0), metrics: { logits: concat(tape, chunks, 0) }, parameters: [] };
    },
    feeds,
    { kernels },
  );
  return run.metrics.logits!.data as Float32Array;
}

/** Largest difference of log-probabilities where the batch is trained on. */
function worst(a: Float32Array, b: Float32Array): number {
  const logProbs = (logits: Float32Array, at: number) => {
    const row = logits.subarray(at * vocabSize, (at + 1) * vocabSize);
    const sum = Math.log(row.reduce((total, value) => total + Math.exp(value), 0));
    return row.map((value) => value - sum);
  };
  let largest = 0;
  for (const [at, kept] of batch.mask.entries()) {
    if (!kept) continue;
    const [p, q] = [logProbs(a, at), logProbs(b, at)];
    largest = Math.max(largest, ...p.map((value, i) => Math.abs(value - q[i]!)));
  }
  return largest;
}

t.test('a long sequence is read in several steps, and gives what it gives from anywhere', async (t) => {
  const folder = await writeTinyCheckpoint(t.testdir({}), { family: 'qwen3' });
  const student = { folder, vocabSize };
  const teacher = await DecoderTeacher.open(folder, { student, threads: 1 });
  t.teardown(() => teacher.close());
  const tokens = Int32Array.from({ length: 200 }, () => Math.floor(random() * vocabSize));
  const logitsAt = async (position: number) => await teacher.sequenceLogits(tokens, position, 1);
  for (const [from, positions] of [
    [0, 200],
    [100, 90],
    [128, 60],
    [150, 50],
  ] as const) {
    const logits = await teacher.sequenceLogits(tokens, from, positions);
    t.equal(logits.length, positions * vocabSize);
    for (const position of [from, Math.min(from + positions - 1, 127), 128, 140, from + positions - 1]) {
      if (position < from || position >= from + positions) continue;
      const at = (position - from) * vocabSize;
      const alone = await logitsAt(position);
      const error = Math.max(...alone.map((value, i) => Math.abs(value - logits[at + i]!)));
      t.ok(error < 1e-4, `${from} + ${positions}, position ${position}: ${error}`);
    }
  }
});

t.test('a frozen model, a decoder, and caches of it give the same distributions', async (t) => {
  const work = t.testdir();
  const folder = await writeTinyCheckpoint(join(work, 'teacher'), { family: 'qwen3' });
  const student = { folder: 'student', vocabSize };
  const decoder = await DecoderTeacher.open(folder, { student, threads: 1 });
  t.teardown(() => decoder.close());
  const expected = await logitsOf(decoder);
  t.ok(expected.every(Number.isFinite));
  for (const kernels of kernelSets) {
    const model = await ModelTeacher.open(folder, { student, length, kernels, threads: 1 });
    t.teardown(() => model.close());
    t.ok(worst(await logitsOf(model, kernels), expected) < 1e-4, `${kernels}: ${model.folder}`);
  }

  const fingerprint = await teacherFingerprint(folder);
  const opened: Teacher[] = [];
  for (const k of [null, vocabSize, 20]) {
    const path = join(work, `k-${k}.cache`);
    const header = { vocabSize, model: fingerprint, folder, k, type: 'float32' } as const;
    const writer = await LogProbCacheWriter.open(path, header);
    t.equal(await fillCache(writer, decoder, batch.sequences), 3);
    t.equal(await fillCache(writer, decoder, batch.sequences), 0, 'what is there is not asked again');
    await writer.close();
    const cached = await CachedTeacher.open(path, student);
    t.teardown(() => cached.close());
    opened.push(cached);
    const logits = await logitsOf(cached);
    t.ok(logits.every(Number.isFinite));
    const bytes = Object.values(await cached.feeds(batch.sequences, slots)).map(
      ({ data }) => (data as Float32Array).byteLength,
    );
    t.equal(
      cached.feedBytes(slots),
      bytes.reduce((sum, each) => sum + each, 0),
      'the estimate of its inputs',
    );
    if (k !== 20) t.ok(worst(logits, expected) < 1e-5, `k ${k}`);
    else t.ok(worst(logits, expected) > 0.1, 'a tail bucket is no distribution');
  }
  const other = batch.sequences.map((it) => ({ ...it, tokens: it.tokens.map((id) => id ^ 1) }));
  await t.rejects(opened[0]!.feeds(other, slots), { code: 'TRAINING_CACHE_INVALID' });
});

t.test('training on a cache of all tokens is training on the model itself', async (t) => {
  const work = t.testdir();
  const folder = await writeTinyCheckpoint(join(work, 'teacher'), { family: 'llama' });
  const student = { folder: 'student', vocabSize };
  const decoder = await DecoderTeacher.open(folder, { student, threads: 1 });
  const path = join(work, 'top.cache');
  const header = { vocabSize, model: 'x', folder, k: vocabSize, type: 'float32' } as const;
  const writer = await LogProbCacheWriter.open(path, header);
  await fillCache(writer, decoder, batch.sequences);
  await writer.close();
  const model = await ModelTeacher.open(folder, { student, length, kernels: 'runtime', threads: 1 });
  const cached = await CachedTeacher.open(path, student);
  const tokens = slots;
  const values = (count: number): Float32Array => Float32Array.from({ length: count }, () => random() - 0.5);
  const feeds: Record<string, TensorValue> = {
    hidden: { type: 'float32', shape: [tokens, 8], data: values(tokens * 8) },
    head: { type: 'float32', shape: [vocabSize, 8], data: values(vocabSize * 8) },
    weights: { type: 'float32', shape: [tokens, 1], data: Float32Array.from(batch.mask) },
  };
  const runs = [];
  for (const teacher of [model, cached, decoder]) {
    const run = await runGraph(
      (tape) => {
        const hidden = tape.parameter('hidden', [tokens, 8]);
        const head = tape.parameter('head', [vocabSize, 8]);
        const weights = tape.input('weights', [tokens, 1]);
        const how = { kind: 'skew_forward_kl', chunk: 9 } as const;
        const loss = linearDivergence(tape, hidden, head, teacher.logits(tape, slots), weights, 0.1, how);
        return { loss, parameters: [hidden, head] };
      },
      { ...feeds, ...(await teacher.feeds(batch.sequences, slots)) },
    );
    runs.push(run);
    await teacher.close();
  }
  const [first, ...others] = runs;
  for (const run of others) {
    t.ok(Math.abs(run.loss / first!.loss - 1) < 1e-5);
    for (const [name, gradient] of first!.gradients) {
      const found = run.gradients.get(name)!;
      t.ok(Math.max(...gradient.map((value, i) => Math.abs(value - found[i]!))) < 1e-5, name);
    }
  }
});

t.test(
  'a teacher in the student’s own graph gets no gradient, and gives what a session of its own gives',
  async (t) => {
    const work = t.testdir();
    const folder = await writeTinyCheckpoint(join(work, 'teacher'), { family: 'qwen2' });
    const config = await readDecoderConfig(folder);
    const parameters = decoderParameters(config);
    const values = new Map(
      parameters.map(({ name, shape }) => [name, new Float32Array(elementCount(shape))]),
    );
    await loadParameters(await Checkpoint.open(folder), parameters, values);
    const rows = 2;
    const tokens = rows * length;
    const inputIds = BigInt64Array.from({ length: tokens }, () => BigInt(Math.floor(random() * vocabSize)));
    const fed: Record<string, TensorValue> = {
      input_ids: { type: 'int64', shape: [tokens], data: inputIds },
      visible_from: { type: 'int32', shape: [rows, length], data: new Int32Array(tokens) },
      weights: { type: 'float32', shape: [tokens, 1], data: new Float32Array(tokens).fill(1 / 8) },
    };
    for (const { name, shape } of parameters) {
      fed[name] = { type: 'float32', shape, data: values.get(name)! };
    }
    const run = await runGraph((tape: Tape) => {
      const weights = new Map(parameters.map(({ name, shape }) => [name, tape.parameter(name, shape)]));
      const ids = tape.input('input_ids', [tokens], 'int64');
      const visible = tape.input('visible_from', [rows, length], 'int32');
      const hiddenOf = () =>
        decoderHidden(tape, config, { rows, length }, (name) => weights.get(name)!, ids, visible);
      const head = weights.get('model.embed_tokens.weight')!;
      // The student teaches itself: the loss is 0, and so are its gradients, but for a teacher that gets some too.
      const teacher = tape.withoutGradient(hiddenOf);
      const logits = headLogits(tape, teacher, head);
      const lossWeights = tape.input('weights', [tokens, 1]);
      const how = { kind: 'skew_forward_kl', chunk: 9 } as const;
      const loss = linearDivergence(tape, hiddenOf(), head, logits, lossWeights, 0.1, how);
      return { loss, parameters: [...weights.values()] };
    }, fed);
    t.ok(Math.abs(run.loss) < 1e-6, `${run.loss}`);
    for (const [name, gradient] of run.gradients) {
      t.ok(Math.max(...gradient.map(Math.abs)) < 1e-5, name);
    }
  },
);

t.test('another vocabulary is an error that names both sizes and both folders', async (t) => {
  const work = t.testdir();
  const folder = await writeTinyCheckpoint(join(work, 'teacher'));
  const student = { folder: 'models/student', vocabSize: 500 };
  const error = {
    code: 'TRAINING_VOCABULARY',
    message: new RegExp(`models/student has a vocabulary of 500 tokens, the teacher ${folder} one of 512`),
  };
  const options = { student, threads: 1 };
  await t.rejects(ModelTeacher.open(folder, { ...options, length, kernels: 'runtime' }), error);
  await t.rejects(DecoderTeacher.open(folder, options), error);
  const path = join(work, 'teacher.cache');
  const header = { vocabSize: 512, model: 'x', folder, k: null, type: 'float16' } as const;
  await (await LogProbCacheWriter.open(path, header)).close();
  await t.rejects(CachedTeacher.open(path, student), error);
});
