/**
 * Whether contenders compute the same, before any is timed: logits and likeliest next tokens on seeded probes, which
 * go in as a batch of unequal lengths and then token by token. Weights are equal to the last bit, so what differs is
 * the rounding of activations to eight bits, and sums in another order. What is compared with is float32 on ONNX
 * Runtime's own kernels, whatever the others run on.
 */
import { messageOf } from '../shared/errors.js';
import type { KernelChoice } from './kernels-in-use.js';
import { runContender } from './lm-contenders.js';
import type { ProbeRun } from './lm-decoder.js';
import type { LmFiles } from './lm-files.js';
import type { SpeedWorkload } from './lm-speed.js';
import { agreement, correlation } from './lm-statistics.js';
import type { LlamaTask } from './peers/llama-cpp.js';
import type { Figure } from './report.js';

const leastCorrelation = 0.99;
/** Of a logit in a batch to the same alone, in standard deviations: a code of eight bits rounded the other way. */
const mostBatchError = 0.25;

export interface Predictions {
  figures: Figure[];
  notes: string[];
  /** What int4 ran on. */
  kernels: ProbeRun['kernels'] | null;
}

/** @throws Error where int4 does not compute what float32 does; llama.cpp is only compared. */
export async function comparePredictions(
  files: LmFiles,
  threads: number,
  kernels: KernelChoice,
  peer: { task: LlamaTask; workload: SpeedWorkload } | null,
): Promise<Predictions> {
  const { vocabSize } = files.shape;
  const reference = { folder: files.checkpoint, threads, kernels: 'runtime' } as const;
  const exact = await runContender('probe', reference, vocabSize);
  checkBatch('fp32', exact);
  const expected = exact.predicted.flat();
  const result: Predictions = { figures: [], notes: [], kernels: null };
  for (const [name, folder] of [
    ['int4Head8', files.int4Head8],
    ['int4', files.int4],
  ] as const) {
    const probe = await runContender('probe', { folder, threads, kernels }, vocabSize);
    checkBatch(name, probe);
    const least = Math.min(...correlations(exact.logits, probe.logits, vocabSize));
    if (!(least >= leastCorrelation))
      throw new Error(
        `${name} is disqualified: its logits correlate with float32's by ${least.toFixed(4)}, expected ${leastCorrelation}`,
      );
    result.kernels = probe.kernels;
    result.figures.push(
      { key: `${name}Correlation`, value: least, note: 'least, of logits with float32 on equal weights' },
      {
        key: `${name}TokenAgreement`,
        value: agreement(probe.predicted.flat(), expected),
        note: `with float32; a logit in a batch is off by ${probe.batchError.toFixed(4)} standard deviations at most`,
      },
    );
  }
  if (peer === null) return result;
  try {
    const found = await runContender('llamaProbe', peer.task, peer.workload);
    const value = agreement(found.flat(), expected);
    result.figures.push({ key: 'llamaTokenAgreement', value, note: 'with float32' });
  } catch (error) {
    result.notes.push(`llama.cpp's predictions could not be compared: ${messageOf(error)}`);
  }
  return result;
}

function checkBatch(name: string, { batchError }: ProbeRun): void {
  if (!(batchError <= mostBatchError))
    throw new Error(
      `${name} is disqualified: a logit of a batch is ${batchError.toFixed(3)} standard deviations off what it is alone`,
    );
}

/** Of each row of logits. */
function correlations(a: Float32Array, b: Float32Array, vocabSize: number): number[] {
  return Array.from({ length: a.length / vocabSize }, (_, row) =>
    correlation(
      a.subarray(row * vocabSize, (row + 1) * vocabSize),
      b.subarray(row * vocabSize, (row + 1) * vocabSize),
    ),
  );
}
