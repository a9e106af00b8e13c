/**
 * Training as a whole against PyTorch: `test/reference/training/tiny_llama.py` trains the same tiny decoders with the
 * models of transformers. The project asks for 1e-3 relative; float32 in another order of addition was found within
 * 2e-7 in every loss and norm and within 4e-6 in every gradient, so a hundredth of what is asked is held to, which a
 * forgotten term or a wrong epsilon does not pass.
 */
import t from 'tap';
import { nativeKernels } from '../../../shared/onnx/native-session.js';
import type { TrainingKernels } from '../../../training/autodiff/tape.js';
import { learningRateAt } from '../../../training/optimizer/learning-rate.js';
import { type Reference, type ReferenceRun, readReference, runReference } from './reference-run.js';

const tolerance = 1e-5;
/**
 * Of a weight's norm at the end. A bias of keys is the same for all keys but for their rotation, which the slow half
 * of the dimensions hardly feels, and softmax cancels what is the same: the gradient there is rounding, and AdamW
 * makes whole steps of it.
 */
const weightTolerance = 1e-3;
const models = {
  'llama-tied': 'a Llama whose head is its embedding, over grouped queries',
  'llama-untied': 'a Llama with a head of its own',
  qwen2: 'a Qwen2 with biases and a sliding window on one layer',
  qwen3: 'a Qwen3 with norms on the heads of q and k',
  'llama-lora': 'low-rank adapters on all seven layers of a frozen Llama',
};
const kernelSets: readonly TrainingKernels[] = ['runtime', 'haetae'];
const native = nativeKernels();

for (const [name, model] of Object.entries(models)) {
  const reference = readReference(name);
  for (const kernels of kernelSets) {
    const skip = kernels === 'haetae' && native.kernel === null ? native.reason : false;
    t.test(`${model} learns on ${kernels} kernels as it does in PyTorch`, { skip }, async (t) => {
      const run = await runReference(reference, kernels, t.testdir());
      checkGradients(t, run, reference);
      checkSteps(t, run, reference);
    });
  }
}

t.test('rates of the schedule are those of the reference', async (t) => {
  for (const name of Object.keys(models)) {
    const { schedule, learningRates } = readReference(name);
    for (const [i, expected] of learningRates.entries()) {
      t.ok(isNear(learningRateAt(schedule, i), expected, 1e-9), `${name}, step ${i + 1}`);
    }
  }
});

type Checks = Pick<typeof t, 'ok' | 'same' | 'equal'>;

/** Every gradient tensor of the first step. */
function checkGradients(t: Checks, run: ReferenceRun, reference: Reference): void {
  t.same(
    Object.keys(run.gradients).sort(),
    Object.keys(reference.gradients).sort(),
    'the same tensors are trained',
  );
  for (const [name, encoded] of Object.entries(reference.gradients)) {
    const expected = decode(encoded);
    const found = run.gradients[name] ?? new Float32Array(0);
    t.equal(found.length, expected.length, `${name}: size of its gradient`);
    const { cosine, largestError } = compare(found, expected);
    t.ok(cosine > 1 - 1e-9, `${name}: direction of its gradient, cosine ${cosine}`);
    t.ok(largestError < tolerance, `${name}: its gradient is off by ${largestError} of its largest`);
  }
}

/** Loss and gradient norm of every step, and the weights after the last. */
function checkSteps(t: Checks, run: ReferenceRun, reference: Reference): void {
  t.equal(run.losses.length, reference.losses.length);
  for (const [i, expected] of reference.losses.entries()) {
    const [loss, norm] = [run.losses[i]!, run.gradNorms[i]!];
    t.ok(isNear(loss, expected, tolerance), `step ${i + 1}: loss ${loss} for ${expected}`);
    const expectedNorm = reference.gradNorms[i]!;
    t.ok(isNear(norm, expectedNorm, tolerance), `step ${i + 1}: gradient norm ${norm} for ${expectedNorm}`);
    t.equal(run.clipped[i], expectedNorm > reference.optimizer.maxGradNorm, `step ${i + 1}: clipped`);
  }
  t.ok(isNear(run.finalLoss, reference.finalLoss, tolerance), `last loss ${run.finalLoss}`);
  for (const [name, expected] of Object.entries(reference.finalNorms)) {
    const norm = run.finalNorms[name]!;
    t.ok(isNear(norm, expected, weightTolerance), `${name}: norm ${norm} after training for ${expected}`);
  }
}

function isNear(found: number, expected: number, relative: number): boolean {
  return Math.abs(found - expected) <= relative * Math.abs(expected);
}

function compare(found: Float32Array, expected: Float32Array): { cosine: number; largestError: number } {
  let [dot, own, other, error, largest] = [0, 0, 0, 0, 0];
  for (const [i, value] of expected.entries()) {
    const it = found[i]!;
    dot += it * value;
    own += it * it;
    other += value * value;
    error = Math.max(error, Math.abs(it - value));
    largest = Math.max(largest, Math.abs(value));
  }
  return { cosine: dot / Math.sqrt(own * other), largestError: error / largest };
}

function decode(base64: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
  return new Float32Array(bytes.buffer);
}
