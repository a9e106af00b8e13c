/**
 * A real, tiny training task: fits y = a·x + b by gradient descent with momentum on seeded noisy points. Its state is
 * that of a large one in small: parameters, a moment, a step count, and a generator of random numbers.
 */
import type { NamedTensor } from '../../../shared/onnx/safetensors.js';
import type {
  StepReport,
  TaskState,
  TrainingTask,
  ValidationReport,
} from '../../../training/run/training-task.js';

export interface QuadraticOptions {
  totalSteps?: number;
  learningRate?: number;
  /** Called before each step. */
  beforeStep?: (step: number) => void | Promise<void>;
  /** What the loss of validation is replaced by. */
  spoilValidation?: (loss: number) => number;
  /** What the loss is replaced by. */
  spoil?: (step: number, report: StepReport) => StepReport;
}

const points = 8;

export class QuadraticTask implements TrainingTask {
  readonly totalSteps: number;
  readonly parameters = new Float32Array(2);
  readonly #moment = new Float32Array(2);
  readonly #options: QuadraticOptions;
  /** Of a linear congruential generator, whose state is one number. */
  #random = 12_345;

  constructor(options: QuadraticOptions = {}) {
    this.#options = options;
    this.totalSteps = options.totalSteps ?? 20;
  }

  async step(step: number): Promise<StepReport> {
    await this.#options.beforeStep?.(step);
    const [a, b] = this.parameters as unknown as [number, number];
    const gradient = [0, 0] as [number, number];
    let loss = 0;
    for (let point = 0; point < points; point++) {
      const x = this.#next() * 2 - 1;
      const error = a * x + b - (3 * x - 1 + 0.01 * this.#next());
      loss += error ** 2 / points;
      gradient[0] += (2 * error * x) / points;
      gradient[1] += (2 * error) / points;
    }
    const learningRate = this.#options.learningRate ?? 0.1;
    for (const [i, slope] of gradient.entries()) {
      this.#moment[i] = 0.5 * this.#moment[i]! + slope;
      this.parameters[i] = this.parameters[i]! - learningRate * this.#moment[i]!;
    }
    const report: StepReport = {
      loss,
      gradNorm: Math.hypot(...gradient),
      learningRate,
      ...{ tokens: 10, epoch: step / 10, documents: [`point ${step}`] },
    };
    return this.#options.spoil?.(step, report) ?? report;
  }

  async evaluate(): Promise<ValidationReport> {
    const [a, b] = this.parameters as unknown as [number, number];
    const loss = (a - 3) ** 2 + (b + 1) ** 2;
    const { spoilValidation = (it) => it } = this.#options;
    return { loss: spoilValidation(loss), tokens: 5, extra: { distance: Math.abs(a - 3) } };
  }

  tensors(): readonly NamedTensor[] {
    const shape = [2];
    return [
      { name: 'parameters', type: 'float32', shape, data: this.parameters },
      { name: 'moment', type: 'float32', shape, data: this.#moment },
    ];
  }

  state(): TaskState {
    return { random: this.#random };
  }

  async restore(state: TaskState, read: (tensor: NamedTensor) => Promise<void>): Promise<void> {
    this.#random = state.random as number;
    for (const tensor of this.tensors()) await read(tensor);
  }

  #next(): number {
    this.#random = (this.#random * 1_103_515_245 + 12_345) % 2 ** 31;
    return this.#random / 2 ** 31;
  }
}
