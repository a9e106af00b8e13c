/**
 * The host's side of DistiLLM-2: what changes from step to step. It makes the inputs that go with a batch of pairs,
 * listens to d1 and d2 until the first logging window closes, and keeps its state for checkpoints.
 */
import type { TensorValue } from '../../shared/onnx/session.js';
import { AdaptiveAlpha, type AdaptiveAlphaState } from './adaptive-alpha.js';
import { betaAt } from './beta-schedule.js';
import type { Distillm2Loss } from './loss-config.js';
import { type PairBatch, pairMeans, distillm2Weights, presentPairs } from './pair-batch.js';

export interface PairStep {
  /** Optimizer steps done before this one, and of the whole run. */
  step: number;
  maxSteps: number;
  /** Pairs of all batches of this optimizer step. */
  pairsPerStep: number;
}

export class PairObjective {
  readonly #loss: Distillm2Loss;
  #alpha: AdaptiveAlpha;

  /** @param windowSteps steps of the first logging window, over which c1 and c2 are means; `paper` only */
  constructor(loss: Distillm2Loss, windowSteps: number) {
    this.#loss = loss;
    this.#alpha = new AdaptiveAlpha(windowSteps);
  }

  /** The inputs `weights` and, for `paper`, `pair_means` and `pair_window`. */
  feeds(batch: PairBatch, { step, maxSteps, pairsPerStep }: PairStep): Record<string, TensorValue> {
    const { c1, c2 } = this.#alpha;
    return this.#inputs(batch, betaAt(this.#loss.form, step, maxSteps), [c1, c2], pairsPerStep);
  }

  /** The same inputs to measure held-out pairs: β = 1 and the largest α at any step, so that losses compare. */
  measuredFeeds(batch: PairBatch, pairs: number): Record<string, TensorValue> {
    return this.#inputs(batch, 1, [0, 0], pairs);
  }

  #inputs(
    batch: PairBatch,
    beta: number,
    window: readonly [c1: number, c2: number],
    pairsPerStep: number,
  ): Record<string, TensorValue> {
    const tokens = batch.pairOf.length;
    const weights = distillm2Weights(batch, beta, pairsPerStep);
    const feeds: Record<string, TensorValue> = {
      weights: { type: 'float32', shape: [tokens, 1], data: weights },
    };
    if (this.#loss.form === 'paper') {
      feeds.pair_means = { type: 'float32', shape: [batch.pairs, tokens], data: pairMeans(batch) };
      feeds.pair_window = { type: 'float32', shape: [2], data: Float32Array.from(window) };
    }
    return feeds;
  }

  /** After each run of the graph on a batch: takes up its metrics. Returns figures for the log. */
  observe(batch: PairBatch, metrics: Readonly<Record<string, TensorValue>>): Record<string, number> {
    if (this.#loss.form === 'released') return {};
    const present = presentPairs(batch);
    const of = (name: string) => present.map((pair) => Number(metrics[name]!.data[pair]));
    const figures = Object.fromEntries(['d1', 'd2', 'alpha1', 'alpha2'].map((name) => [name, of(name)]));
    this.#alpha.observe(figures.d1!, figures.d2!);
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    return present.length === 0
      ? {}
      : Object.fromEntries(Object.entries(figures).map(([name, values]) => [name, mean(values)]));
  }

  /** After the last batch of an optimizer step. */
  endStep(): void {
    this.#alpha.endStep();
  }

  /** Plain JSON. */
  state(): AdaptiveAlphaState {
    return this.#alpha.state();
  }

  restore(state: AdaptiveAlphaState): void {
    this.#alpha = AdaptiveAlpha.fromState(state);
  }
}
