/** Head and loss at the positions of answers alone, against the same at every position. */
import t from 'tap';
import { seededRandom } from '../../../shared/random.js';
import type { TensorValue } from '../../../shared/onnx/session.js';
import { elementCount } from '../../../shared/onnx/tensor-type.js';
import type { Tape } from '../../../training/autodiff/tape.js';
import { linearCrossEntropy } from '../../../training/blocks/linear-cross-entropy.js';
import { linearDivergence } from '../../../training/blocks/linear-divergence.js';
import { initialiseParameters } from '../../../training/model/initialise-parameters.js';
import { llamaConfig } from '../../../training/model/llama-config.js';
import { loraConfig } from '../../../training/model/lora.js';
import { TrainableDecoder } from '../../../training/programs/trainable-decoder.js';
import { slice } from '../../../training/autodiff/expressions.js';
import { floats, integers, kernelSets, largestDifference, runGraph } from '../losses/run-graph.js';

const [rows, length, vocabSize] = [2, 24, 160];
const positions = rows * length;
const random = seededRandom(11);
const config = llamaConfig({
  ...{ hiddenSize: 32, nLayer: 2, nHead: 2, nKvHead: 1, headDim: 16, intermediateSize: 64, maxPositions: 64 },
  vocabSize,
});
/** Two documents to a row. */
const visibleFrom = Int32Array.from({ length: positions }, (_, i) => (i % length < 10 ? 0 : 10));
const ids = integers(
  Array.from({ length: positions }, () => Math.floor(random() * vocabSize)),
  positions,
);
/** Answers in both rows; position 33 stands in two slots, and two slots are empty. */
const answers = [7, 8, 21, 33, 33, 46, 0, 0];
const slotWeights = [0.2, 0.1, 0.3, 0.05, 0.15, 0.2, 0, 0];
const labelAt = Array.from({ length: positions }, () => Math.floor(random() * vocabSize));
const teacherAt = floats(
  Array.from({ length: positions * vocabSize }, () => 4 * random()),
  positions,
  vocabSize,
);

const everywhere = {
  labels: integers(labelAt, positions),
  weights: floats(
    Array.from({ length: positions }, (_, at) =>
      slotWeights.reduce((sum, weight, slot) => sum + (answers[slot] === at ? weight : 0), 0),
    ),
    positions,
    1,
  ),
  teacher: teacherAt,
};
const gathered = {
  positions: integers(answers, answers.length),
  labels: integers(
    answers.map((at) => labelAt[at]!),
    answers.length,
  ),
  weights: floats(slotWeights, answers.length, 1),
  teacher: floats(
    answers.flatMap((at) => [...teacherAt.data.subarray(at * vocabSize, (at + 1) * vocabSize)]),
    answers.length,
    vocabSize,
  ),
};

for (const kernels of kernelSets) {
  for (const lora of [null, loraConfig({ r: 4, alpha: 8 })]) {
    for (const kind of ['cross_entropy', 'reverse_kl', 'skew_forward_kl'] as const) {
      const name = `${kernels}, ${lora ? 'adapters' : 'all weights'}: ${kind}`;
      t.test(`${name} of answers alone has the loss and the gradients of all positions`, async (t) => {
        const decoder = new TrainableDecoder({ config, from: null, lora, seed: 1 });
        const all = [...decoder.trained, ...decoder.frozen];
        const values = new Map(all.map((it) => [it.name, new Float32Array(elementCount(it.shape))]));
        initialiseParameters(all, values, 5);
        // Adapters begin at 0, where half of their gradients are.
        for (const { name: of } of decoder.trained) {
          const weights = values.get(of)!;
          for (let i = 0; i < weights.length; i++) weights[i]! += 0.1 * (random() - 0.5);
        }
        const feeds: Record<string, TensorValue> = {
          input_ids: ids,
          visible_from: { type: 'int32', shape: [rows, length], data: visibleFrom },
        };
        for (const { name: of, shape } of all) feeds[of] = { type: 'float32', shape, data: values.get(of)! };
        const run = (slots: number | null) =>
          runGraph(
            (tape: Tape) => {
              const parameters = decoder.trained.map((it) => tape.parameter(it.name, it.shape));
              const frozen = decoder.frozen.map((it) => tape.input(it.name, it.shape));
              const known = new Map([...parameters, ...frozen].map((it) => [it.name, it]));
              const { hidden, head } = decoder.forward(tape, { rows, length }, (of) => known.get(of)!, slots);
              const count = slots ?? positions;
              const labels = tape.input('labels', [count], 'int64');
              const weights = tape.input('weights', [count, 1]);
              const teacher = tape.input('teacher', [count, vocabSize]);
              const loss =
                kind === 'cross_entropy'
                  ? linearCrossEntropy(tape, hidden, head, labels, weights)
                  : linearDivergence(
                      tape,
                      hidden,
                      head,
                      (from, to) => slice(tape, teacher, 0, from, to),
                      weights,
                      0.1,
                      { kind },
                    );
              return { loss, parameters };
            },
            { ...feeds, ...(slots === null ? everywhere : gathered) },
            { kernels },
          );
        const [expected, found] = [await run(null), await run(answers.length)];
        t.ok(Math.abs(found.loss / expected.loss - 1) < 1e-5, `${found.loss} as ${expected.loss}`);
        for (const [of, gradient] of expected.gradients) {
          const largest = Math.max(...gradient.map(Math.abs));
          t.ok(largest > 0, of);
          t.ok(largestDifference(found.gradients.get(of)!, gradient) < 1e-5 * Math.max(1, largest), of);
        }
      });
    }
  }
}
