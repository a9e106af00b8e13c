/**
 * Holds gradients against finite differences of the loss.
 *
 * For each parameter the loss is differentiated along the gradient itself and along random directions, by the
 * fourth-order central difference (8 (f(h) − f(−h)) − (f(2h) − f(−2h))) / 12h, and compared with the product of
 * gradient and direction. Several steps h are tried and the best agreement counts: large ones suffer from the
 * curvature, small ones from float32. A wrong gradient agrees at none.
 */
import type { TensorValue } from '../../shared/onnx/session.js';
import { seededRandom } from '../../shared/random.js';
import { Tape, type TapeOptions } from './tape.js';
import { buildTrainingGraph, openTrainingGraph, type TrainingSession } from './training-graph.js';
import type { Variable } from './variable.js';

export interface GradientCheckOptions extends TapeOptions {
  /** Values of the parameters by name. */
  values: ReadonlyMap<string, Float32Array>;
  /** Further inputs. */
  feeds?: Readonly<Record<string, TensorValue>>;
  /** Random directions for each parameter. Default 2. */
  directions?: number;
  /** Lengths of a step. Default 0.04, 0.02, 0.01. */
  steps?: readonly number[];
  /** Default 1. */
  threads?: number;
}

export interface GradientCheck {
  /**
   * Largest |numeric − analytic| / max(|analytic|, 0.1 · |gradient|, 1e-4) of all parameters and directions:
   * derivatives along a direction almost orthogonal to the gradient are compared with the gradient's own size.
   */
  worst: number;
  worstParameter: string;
  loss: number;
}

/** @param build puts the graph together: a scalar loss, and the parameters it is to be differentiated by */
export async function checkGradients(
  build: (tape: Tape) => { loss: Variable; parameters: readonly Variable[] },
  options: GradientCheckOptions,
): Promise<GradientCheck> {
  const { feeds = {}, directions = 2, steps = [0.04, 0.02, 0.01], threads = 1 } = options;
  const tape = new Tape('gradient-check', options);
  const { loss, parameters } = build(tape);
  const session = await openTrainingGraph(buildTrainingGraph(tape, { loss, parameters }), { threads });
  try {
    const point = new Point(session, parameters, options.values, feeds);
    const result: GradientCheck = { worst: 0, worstParameter: '', loss: await point.loss() };
    const gradients = new Map([...point.gradients].map(([name, values]) => [name, values.slice()]));
    const random = seededRandom(7);
    for (const { name } of parameters) {
      const gradient = gradients.get(name)!;
      const size = norm(gradient);
      for (let i = 0; i <= directions; i++) {
        const direction = unit(i === 0 && size > 0 ? gradient : gradient.map(() => random() - 0.5));
        const analytic = dot(gradient, direction);
        const scale = Math.max(Math.abs(analytic), 0.1 * size, 1e-4);
        let error = Number.POSITIVE_INFINITY;
        for (const h of steps) {
          const numeric = await point.derivative(name, direction, h);
          error = Math.min(error, Math.abs(numeric - analytic) / scale);
        }
        if (!(error <= result.worst)) Object.assign(result, { worst: error, worstParameter: name });
      }
    }
    return result;
  } finally {
    await session.close();
  }
}

/** The parameters' values, and the loss there and nearby. */
class Point {
  readonly gradients: ReadonlyMap<string, Float32Array>;
  readonly #session: TrainingSession;
  readonly #values: ReadonlyMap<string, Float32Array>;
  readonly #feeds: Record<string, TensorValue>;

  constructor(
    session: TrainingSession,
    parameters: readonly Variable[],
    values: ReadonlyMap<string, Float32Array>,
    feeds: Readonly<Record<string, TensorValue>>,
  ) {
    this.#session = session;
    const own = new Map(parameters.map(({ name }) => [name, valuesOf(values, name)]));
    this.#values = own;
    this.gradients = new Map([...own].map(([name, data]) => [name, new Float32Array(data.length)]));
    this.#feeds = { ...feeds };
    for (const { name, shape } of parameters) {
      this.#feeds[name] = { type: 'float32', shape, data: own.get(name)! };
    }
  }

  async loss(): Promise<number> {
    return (await this.#session.run(this.#feeds, this.gradients)).loss;
  }

  /** Of the loss along a direction of unit length. */
  async derivative(name: string, direction: Float64Array, h: number): Promise<number> {
    const values = this.#values.get(name)!;
    const before = values.slice();
    const at = async (step: number) => {
      for (let i = 0; i < values.length; i++) values[i] = before[i]! + step * direction[i]!;
      return this.loss();
    };
    const near = (await at(h)) - (await at(-h));
    const far = (await at(2 * h)) - (await at(-2 * h));
    values.set(before);
    return (8 * near - far) / (12 * h);
  }
}

function valuesOf(values: ReadonlyMap<string, Float32Array>, name: string): Float32Array {
  const found = values.get(name);
  if (!found) throw new Error(`the gradient check has no values for ${name}`);
  return found.slice();
}

function dot(a: Float32Array | Float64Array, b: Float32Array | Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

const norm = (x: Float32Array | Float64Array) => Math.sqrt(dot(x, x));

function unit(x: Float32Array): Float64Array {
  const length = norm(x) || 1;
  return Float64Array.from(x, (value) => value / length);
}
