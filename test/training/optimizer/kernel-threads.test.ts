import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { readFile, rename } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { childExecArgv } from '../../../shared/entry-point.js';
import { bytesOf } from '../../../shared/onnx/tensor-type.js';
import { seededRandom } from '../../../shared/random.js';
import { writeTensors } from '../../../training/model/save-checkpoint.js';
import { AdamW } from '../../../training/optimizer/adamw.js';
import { BLOCK_BYTES } from '../../../training/optimizer/blocks.js';
import { KernelThreads, optimizerThreads } from '../../../training/optimizer/kernel-threads.js';
import { kernelWorker } from '../../../training/optimizer/kernel-worker.js';
import { ParameterMemory } from '../../../training/optimizer/parameter-memory.js';
import { checkpointReader } from '../../../training/run/checkpoint-folder.js';

/** Ends of blocks within tensors and between them, of tensors that decay and do not. */
const specs = [1_000_003, 7, 300_000, 4, 90_001].map((size, i) => ({
  name: `${i}`,
  shape: [size],
  decay: i % 2 === 0,
}));

function memoryOf(threads: number): ParameterMemory {
  const memory = ParameterMemory.allocate(specs, { accumulate: true, threads });
  const random = seededRandom(1);
  for (const views of [memory.parameters, memory.gradients]) {
    for (const values of views.values()) values.set(Float32Array.from(values, () => random() - 0.5));
  }
  return memory;
}

/** @throws where it does not happen within 30 s */
async function until(holds: () => boolean): Promise<void> {
  for (let waits = 0; !holds(); waits++) {
    if (waits === 3_000) throw new Error('waited for 30 s in vain');
    await setTimeout(10);
  }
}

/** The program of a worker with a line of it exchanged. */
function variant(line: string, other: string): string {
  const program = kernelWorker.replace(line, other);
  if (program === kernelWorker) throw new Error(`a worker has no line ${line}`);
  return program;
}

t.test('steps are the same to the bit on any number of threads', async (t) => {
  const results = [];
  for (const threads of [1, 2, 3]) {
    const memory = memoryOf(threads);
    const options = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, maxGradNorm: 0.5 };
    const optimizer = new AdamW(memory, options);
    t.equal(memory.memory.buffer instanceof SharedArrayBuffer, threads > 1);
    await until(() => optimizer.threads === threads);
    const norms = [];
    for (let step = 0; step < 3; step++) {
      optimizer.accumulate(0.3);
      optimizer.accumulate(0.7);
      norms.push(optimizer.step(1e-2).gradNorm, optimizer.step(1e-2).gradNorm);
    }
    results.push({ norms, bytes: Buffer.from(memory.memory.buffer.slice(0)) });
    await optimizer.close();
  }
  for (const { norms, bytes } of results.slice(1)) {
    t.strictSame(norms, results[0]!.norms);
    t.ok(bytes.equals(results[0]!.bytes));
  }
});

t.test('blocks that a worker takes count', async (t) => {
  const memory = memoryOf(2);
  const { address } = memory.regions.gradients;
  const program = variant('results[block] = kernel(', 'results[block] = -kernel(');
  const threads = new KernelThreads(memory, { program });
  t.teardown(() => threads.close());
  const alone = threads.run('sumOfSquares', { values: address });
  t.equal(threads.ready, 0, 'a worker that still starts is not waited for');
  await until(() => threads.ready === 1);
  await until(() => threads.run('sumOfSquares', { values: address }) < alone);
});

t.test('a worker that ends in a job is an error, at once and from then on', async (t) => {
  for (const end of ['process.exit(3);', 'throw new Error("broken");']) {
    const memory = memoryOf(2);
    const threads = new KernelThreads(memory, {
      program: variant('const kernel =', `${end}\nconst kernel =`),
    });
    await until(() => threads.ready === 1);
    const began = performance.now();
    for (let turn = 0; turn < 2; turn++) {
      t.throws(() => threads.run('sumOfSquares', { values: 0 }), {
        code: 'INTERNAL',
        message: /a thread of the optimizer has failed: it ended while it was at work.*checkpoint/,
      });
    }
    t.ok(performance.now() - began < 30_000);
    await threads.close();
  }
});

t.test('a worker that does not answer is an error, and can be closed', async (t) => {
  const program = variant('const kernel =', 'for (;;);\nconst kernel =');
  const threads = new KernelThreads(memoryOf(2), { program, answerWithinMs: 50 });
  await until(() => threads.ready === 1);
  t.throws(() => threads.run('sumOfSquares', { values: 0 }), {
    code: 'INTERNAL',
    message: /did not answer within 50 ms/,
  });
  await threads.close();
});

t.test('a worker that cannot start is an error of the steps after', async (t) => {
  const threads = new KernelThreads(memoryOf(2), { program: 'throw new Error("no start")' });
  await t.rejects(
    until(() => Number.isNaN(threads.run('sumOfSquares', { values: 0 }))),
    { code: 'INTERNAL', message: /no start/, cause: { message: 'no start' } },
  );
  await threads.close();
});

t.test('views of shared memory are saved and read back as others are', async (t) => {
  const folder = t.testdir();
  const tensorsOf = (views: ReadonlyMap<string, Float32Array>) =>
    specs.map(({ name, shape }) => ({ name, shape, values: views.get(name)! }));
  const saved = tensorsOf(memoryOf(2).parameters);
  const plain = saved.map((tensor) => ({ ...tensor, values: tensor.values.slice() }));
  t.ok(saved.every(({ values }) => values.buffer instanceof SharedArrayBuffer));
  for (const type of ['bfloat16', 'float32'] as const) {
    const [path, expected] = [join(folder, `shared.${type}`), join(folder, `plain.${type}`)];
    await writeTensors(path, saved, type);
    await writeTensors(expected, plain, type);
    t.ok((await readFile(path)).equals(await readFile(expected)), type);
  }
  await rename(join(folder, 'shared.float32'), join(folder, 'training-state.safetensors'));
  const read = await checkpointReader(folder);
  const into = tensorsOf(ParameterMemory.allocate(specs, { accumulate: false, threads: 2 }).parameters);
  for (const { name, shape, values } of into) await read({ name, type: 'float32', shape, data: values });
  t.ok(into.every(({ values }, i) => Buffer.compare(bytesOf(values), bytesOf(plain[i]!.values)) === 0));
});

t.test('after the end no job is taken', async (t) => {
  const threads = new KernelThreads(memoryOf(2));
  await threads.close();
  await threads.close();
  t.throws(() => threads.run('sumOfSquares', { values: 0 }), /closed/);
});

t.test('a process ends as it would without threads, closed or not', async (t) => {
  const ends = { return: 0, throw: 1, exit: 7, signal: 130 };
  const actual = Object.keys(ends).map(async (how) => {
    const child = fork(join(import.meta.dirname, 'unclosed-optimizer.ts'), [how], {
      execArgv: childExecArgv(),
      silent: true,
    });
    const signal = AbortSignal.timeout(60_000);
    const exit = once(child, 'exit', { signal });
    if (how === 'signal') {
      await once(child, 'message', { signal });
      child.kill('SIGINT');
    }
    return [how, (await exit)[0]];
  });
  t.strictSame(Object.fromEntries(await Promise.all(actual)), ends);
});

t.test('small models have one thread, others what there is, up to 8', async (t) => {
  const of = (elements: number) => [{ name: 'x', shape: [elements], decay: true }];
  const machine = (threads: number) => ({ threads, kernels: 'haetae' as const });
  const two = [...of(600_000), { name: 'y', shape: [600, 1_000], decay: false }];
  t.equal(optimizerThreads(of(999_999), machine(4)), 1);
  t.equal(optimizerThreads(of(1_000_000), machine(4)), 4);
  t.equal(optimizerThreads(two, machine(2)), 2);
  t.equal(optimizerThreads(of(2 ** 26), machine(64)), 8);
  t.equal(optimizerThreads(two, { threads: 2, kernels: 'runtime' }), 1);
  t.equal(ParameterMemory.allocate(of(1), { accumulate: false }).threads, 1);
  for (const threads of [0, 1.5, Number.NaN]) {
    t.throws(() => ParameterMemory.allocate(of(1), { accumulate: false, threads }), /threads/);
  }
  t.ok(specs[0]!.shape[0]! * 4 > BLOCK_BYTES, 'the tensors above are more than one block');
});
