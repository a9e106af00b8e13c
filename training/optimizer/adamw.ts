/**
 * AdamW with clipping by the global norm and gradient accumulation, in place over a `ParameterMemory`.
 *
 * As `torch.optim.AdamW` after `torch.nn.utils.clip_grad_norm_`: bias correction, ε added to √v̂, decay apart from the
 * gradient and times the learning rate, only where a spec says so. Two passes over memory a step, the norm and the
 * update, on as many threads as the memory was allocated for. What a checkpoint needs is `stepCount` and the moments, which are plain views of the memory; both may be
 * written. It has to be taken between steps: gradients that wait in the accumulator are not part of it.
 */
import { HaetaeError } from '../../shared/errors.js';
import { KernelThreads } from './kernel-threads.js';
import type { ParameterMemory, Region } from './parameter-memory.js';

export interface AdamWOptions {
  /** Memory of the mean and of the mean square of gradients, 0 or more, less than 1; 0.9 and 0.95 to 0.999. */
  readonly beta1: number;
  readonly beta2: number;
  /** Added to the root of the second moment, more than 0: 1e-8. */
  readonly epsilon: number;
  /** λ: each step takes learningRate · λ of a decayed weight, 0 or more. */
  readonly weightDecay: number;
  /** The norm that all gradients together are scaled down to, more than 0; null = never. */
  readonly maxGradNorm: number | null;
}

export interface OptimizerStep {
  /** √Σg² over all gradients, before clipping. Not finite where any gradient is not. */
  readonly gradNorm: number;
  readonly clipped: boolean;
  /** False where the gradients were not usable: weights, moments and step count are then what they were. */
  readonly updated: boolean;
  /** The parameters whose gradients hold NaN or infinity. */
  readonly nonFinite: readonly string[];
}

/** What torch.nn.utils.clip_grad_norm_ adds to the norm before it divides by it. */
const CLIP_EPSILON = 1e-6;
/** From here on a square is no finite float32, and the second moment would be infinite for good. */
const LARGEST_NORM = 2 ** 63;

export class AdamW {
  /** Steps made so far. */
  stepCount = 0;
  readonly #memory: ParameterMemory;
  readonly #options: AdamWOptions;
  readonly #threads: KernelThreads;
  #accumulated = 0;

  /**
   * Close it at the end, if the memory is for more than one thread.
   * @throws HaetaeError CONFIG_INVALID where an option is out of its range
   */
  constructor(memory: ParameterMemory, options: AdamWOptions) {
    checkOptions(options);
    this.#memory = memory;
    this.#options = options;
    this.#threads = new KernelThreads(memory);
  }

  /**
   * Adds the gradients, times a weight, to what the next step uses; call it after each micro-batch. With weights
   * that sum to 1 the step is that of one large batch; where each loss is already its share of the step's, leave
   * them at 1.
   */
  accumulate(weight = 1): void {
    const { gradients, accumulator } = this.#memory.regions;
    if (accumulator === null) {
      throw new Error('the parameter memory was allocated without an accumulator');
    }
    const kernel = this.#accumulated === 0 ? 'scale' : 'addScaled';
    this.#threads.run(kernel, {
      target: accumulator.address,
      source: gradients.address,
      factor: weight,
    });
    this.#accumulated++;
  }

  /**
   * One update from the accumulated gradients, or from the gradients as they are where nothing was accumulated since
   * the last step.
   *
   * @param learningRate η of this step, 0 or more
   * @throws HaetaeError CONFIG_INVALID where the learning rate is no such number; INTERNAL where a thread has failed,
   *   after which weights and moments may be half updated
   */
  step(learningRate: number): OptimizerStep {
    if (!(learningRate >= 0 && learningRate < Infinity)) {
      throw new HaetaeError(
        'CONFIG_INVALID',
        `the learning rate is ${learningRate}, want a number of 0 or more`,
      );
    }
    const { parameters, gradients, accumulator, firstMoments, secondMoments } = this.#memory.regions;
    const source = accumulator !== null && this.#accumulated > 0 ? accumulator : gradients;
    this.#accumulated = 0;

    const gradNorm = Math.sqrt(this.#threads.run('sumOfSquares', { values: source.address }));
    const { maxGradNorm, beta1, beta2, epsilon, weightDecay } = this.#options;
    const gradientScale = maxGradNorm === null ? 1 : Math.min(1, maxGradNorm / (gradNorm + CLIP_EPSILON));
    const clipped = gradientScale < 1;
    // NaN where the norm is infinite or NaN, which is not less than anything.
    const usable = gradNorm * gradientScale < LARGEST_NORM;
    if (!usable) {
      return { gradNorm, clipped: false, updated: false, nonFinite: this.#nonFinite(source) };
    }

    this.stepCount++;
    const correction1 = 1 - beta1 ** this.stepCount;
    const rootCorrection2 = Math.sqrt(1 - beta2 ** this.stepCount);
    this.#threads.run('adamW', {
      parameters: parameters.address,
      gradients: source.address,
      firstMoments: firstMoments.address,
      secondMoments: secondMoments.address,
      gradientScale,
      oneMinusBeta1: 1 - beta1,
      beta2,
      oneMinusBeta2: 1 - beta2,
      stepSize: (learningRate * rootCorrection2) / correction1,
      epsilon: epsilon * rootCorrection2,
      decay: learningRate * weightDecay,
    });
    return { gradNorm, clipped, updated: true, nonFinite: [] };
  }

  /** Threads that make a step by now: workers join in when they have started. */
  get threads(): number {
    return 1 + this.#threads.ready;
  }

  /** Ends the threads. No step can be made afterwards. */
  close(): Promise<void> {
    return this.#threads.close();
  }

  #nonFinite({ address }: Region): string[] {
    const { kernels } = this.#threads;
    return this.#memory.places
      .filter(({ offset, bytes }) => kernels.hasNonFinite({ values: address + offset, bytes }) === 1)
      .map(({ spec }) => spec.name);
  }
}

function checkOptions({ beta1, beta2, epsilon, weightDecay, maxGradNorm }: AdamWOptions): void {
  const require = (holds: boolean, name: string, came: number, wanted: string): void => {
    if (!holds) {
      throw new HaetaeError('CONFIG_INVALID', `${name} of AdamW is ${came}, want ${wanted}`);
    }
  };
  require(beta1 >= 0 && beta1 < 1, 'beta1', beta1, 'a number from 0 to less than 1');
  require(beta2 >= 0 && beta2 < 1, 'beta2', beta2, 'a number from 0 to less than 1');
  require(epsilon > 0 && epsilon < Infinity, 'epsilon', epsilon, 'a number above 0, such as 1e-8');
  require(weightDecay >= 0 && weightDecay < Infinity, 'weightDecay', weightDecay, 'a number of 0 or more');
  if (maxGradNorm !== null) {
    require(maxGradNorm > 0 &&
      maxGradNorm < Infinity, 'maxGradNorm', maxGradNorm, 'a number above 0, or null');
  }
}
