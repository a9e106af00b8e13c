/**
 * A decoder over the graph of `decoder-graph.ts`. Per step, JavaScript fills a few small arrays and, where the
 * session copies its outputs, scatters the new keys and values into the cache; nothing else is moved.
 */
import type { Session, TensorValue } from '../onnx/session.js';
import { type AttentionFeeds, CachedAttentionFeeds, GroupQueryFeeds } from './attention-feeds.js';
import type { Decoder, DecoderStep, StepResult, StepRow } from './decoder.js';
import { checkStep } from './decoder-step.js';
import type { KernelDomain } from './decoder-graph.js';
import { KvBuffers } from './kv-buffers.js';
import type { DecoderConfig } from './model-config.js';
import { ropeTables } from './rope.js';

/** Hears what goes into linear layers: the calibration of a quantiser. */
export interface TapListener {
  /** Names of `linearLayerNames`. */
  names: readonly string[];
  /** After each step, once for each name. `rows` is [tokens, features] and valid during the call. */
  receive(name: string, rows: Float32Array, features: number): void;
}

export interface GraphDecoderOptions {
  config: DecoderConfig;
  /** A session of the graph for `kernelDomain`. */
  session: Session;
  kernelDomain: KernelDomain;
  precision: string;
  weightBytes: number;
  kernels: Decoder['kernels'];
  taps?: TapListener;
}

const nothing = new Float32Array(0);
const noTargets: TensorValue = { type: 'int64', shape: [0, 1], data: new BigInt64Array(0) };

export class GraphDecoder implements Decoder {
  readonly config: DecoderConfig;
  readonly precision: string;
  readonly weightBytes: number;
  readonly kernels: Decoder['kernels'];
  readonly supportsBranches = true;
  readonly #session: Session;
  readonly #taps: TapListener | undefined;
  readonly #attention: AttentionFeeds;
  /** The narrowest sliding window; Infinity without. */
  readonly #window: number;
  /** Reused from step to step. */
  readonly #feeds: Record<string, TensorValue> = {};
  #ids = new BigInt64Array(0);
  #result = nothing;
  #ropePositions = 0;
  #isBusy = false;

  constructor(options: GraphDecoderOptions) {
    this.config = options.config;
    this.precision = options.precision;
    this.weightBytes = options.weightBytes;
    this.kernels = options.kernels;
    this.#session = options.session;
    this.#taps = options.taps;
    this.#attention =
      options.kernelDomain === 'haetae'
        ? new CachedAttentionFeeds(this.config)
        : new GroupQueryFeeds(this.config);
    this.#window = Math.min(...this.config.slidingWindow.map((window) => window ?? Infinity));
  }

  createCache(slots: number, capacity: number): KvBuffers {
    return new KvBuffers(this.config, slots, capacity);
  }

  async step(step: DecoderStep): Promise<StepResult> {
    if (this.#isBusy) {
      throw new Error('a decoder takes one step at a time');
    }
    this.#isBusy = true;
    try {
      checkStep(step, this.config);
      const { branches, cache } = step;
      if (!(cache instanceof KvBuffers)) {
        throw new TypeError('the cache was made by another decoder');
      }
      if (!branches) {
        return await this.#run(step, cache);
      }
      const { slot, tokens } = step.rows[0]!;
      // There a window counts cells of the cache, which for later branches are further apart than positions.
      if (!this.#attention.seesWindowsInBranches && cache.length(slot) + tokens.length > this.#window) {
        return await this.#runBranchByBranch(step, cache, branches);
      }
      return await this.#run(step, cache);
    } finally {
      this.#isBusy = false;
    }
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  async #run(step: DecoderStep, cache: KvBuffers): Promise<StepResult> {
    const { rows, branches, targets } = step;
    const wanted = step.wanted ?? rows.map(({ tokens }, r) => [r, tokens.length - 1] as const);
    const length = rows.reduce((most, { tokens }) => Math.max(most, tokens.length), 0);
    this.#feedTokens(rows, length);
    this.#feedRotation(cache.capacity);
    this.#feedWanted(wanted, targets, length);
    this.#attention.fill(this.#feeds, cache, rows, length, branches);

    const output = targets ? 'logprobs' : 'logits';
    const width = targets ? 1 : this.config.vocabSize;
    const asked = [
      ...(this.#taps?.names.map((name) => `tap.${name}`) ?? []),
      ...(branches ? [] : this.#attention.cacheOutputs),
    ];
    let result: Float32Array;
    let outputs: Record<string, TensorValue>;
    if (this.#session.writesInPlace) {
      result = this.#resultOf(wanted.length * width);
      const into = { [output]: { type: 'float32', shape: [wanted.length, width], data: result } as const };
      outputs = await this.#session.run(this.#feeds, asked, into);
    } else {
      outputs = await this.#session.run(this.#feeds, [output, ...asked]);
      result = outputs[output]!.data as Float32Array;
    }
    if (!branches) {
      this.#attention.keep(cache, rows, length, outputs);
      for (const { slot, tokens } of rows) {
        cache.setLength(slot, cache.length(slot) + tokens.length);
      }
    }
    for (const name of this.#taps?.names ?? []) {
      const { data, shape } = outputs[`tap.${name}`]!;
      this.#taps?.receive(name, data as Float32Array, shape.at(-1)!);
    }
    return targets ? { logits: nothing, logprobs: result } : { logits: result, logprobs: nothing };
  }

  /** Each branch as a row of its own, forgotten after it. */
  async #runBranchByBranch(
    step: DecoderStep,
    cache: KvBuffers,
    branches: readonly number[],
  ): Promise<StepResult> {
    const { slot, tokens } = step.rows[0]!;
    const wanted = step.wanted ?? [[0, tokens.length - 1] as const];
    const width = step.targets ? 1 : this.config.vocabSize;
    const result = new Float32Array(wanted.length * width);
    const length = cache.length(slot);
    let begin = 0;
    for (const size of branches) {
      const end = begin + size;
      const asked = wanted.map((_, w) => w).filter((w) => wanted[w]![1] >= begin && wanted[w]![1] < end);
      if (asked.length > 0) {
        const { logits, logprobs } = await this.#run(
          {
            cache,
            rows: [{ slot, tokens: tokens.slice(begin, end) }],
            wanted: asked.map((w) => [0, wanted[w]![1] - begin] as const),
            ...(step.targets ? { targets: asked.map((w) => step.targets![w]!) } : {}),
          },
          cache,
        );
        cache.truncate(slot, length);
        const values = step.targets ? logprobs : logits;
        asked.forEach((w, i) => {
          result.set(values.subarray(i * width, (i + 1) * width), w * width);
        });
      }
      begin = end;
    }
    return step.targets ? { logits: nothing, logprobs: result } : { logits: result, logprobs: nothing };
  }

  #feedTokens(rows: readonly StepRow[], length: number): void {
    const count = rows.length * length;
    if (this.#ids.length < count) {
      this.#ids = new BigInt64Array(count);
    }
    for (let r = 0; r < rows.length; r++) {
      const { tokens } = rows[r]!;
      for (let t = 0; t < length; t++) {
        // Padding is a token that exists; nothing reads what comes of it.
        this.#ids[r * length + t] = BigInt(tokens[t] ?? 0);
      }
    }
    const data = this.#ids.subarray(0, count);
    this.#feeds.input_ids = { type: 'int64', shape: [rows.length, length], data };
  }

  #feedRotation(positions: number): void {
    if (this.#ropePositions < positions) {
      const { cos, sin } = ropeTables(this.config, positions);
      const shape = [positions, this.config.headDim / 2];
      this.#feeds.cos_cache = { type: 'float32', shape, data: cos };
      this.#feeds.sin_cache = { type: 'float32', shape, data: sin };
      this.#ropePositions = positions;
    }
  }

  #feedWanted(
    wanted: readonly (readonly [number, number])[],
    targets: readonly number[] | undefined,
    length: number,
  ): void {
    const count = wanted.length;
    const indices = new BigInt64Array(count);
    for (let w = 0; w < count; w++) {
      const [row, index] = wanted[w]!;
      indices[w] = BigInt(row * length + index);
    }
    this.#feeds.logits_idx = { type: 'int64', shape: [count], data: indices };
    this.#feeds.targets = targets
      ? { type: 'int64', shape: [count, 1], data: BigInt64Array.from(targets, BigInt) }
      : noTargets;
  }

  #resultOf(count: number): Float32Array {
    if (this.#result.length < count) {
      this.#result = new Float32Array(count);
    }
    return this.#result.subarray(0, count);
  }
}
