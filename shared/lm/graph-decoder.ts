/**
 * A decoder over the graph of `decoder-graph.ts`. Per step, JavaScript fills a few small arrays and, where the
 * session copies its outputs, scatters the new keys and values into the cache; nothing else is moved.
 */
import type { Session, TensorValue } from '../onnx/session.js';
import type { Decoder, DecoderStep, StepResult, StepRow } from './decoder.js';
import { checkStep } from './decoder-step.js';
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
  /** A session of the graph in the cache form it wants: `in-place` where it writes in place, else `rows`. */
  session: Session;
  precision: string;
  weightBytes: number;
  taps?: TapListener;
}

/** Added to the score of a key that a query must not see. */
const hidden = -1e30;
const nothing = new Float32Array(0);
const noBias: TensorValue = { type: 'float32', shape: [1, 1, 0, 0], data: nothing };
const noTargets: TensorValue = { type: 'int64', shape: [0, 1], data: new BigInt64Array(0) };

export class GraphDecoder implements Decoder {
  readonly config: DecoderConfig;
  readonly precision: string;
  readonly weightBytes: number;
  readonly supportsBranches = true;
  readonly #session: Session;
  readonly #taps: TapListener | undefined;
  readonly #pastNames: readonly string[];
  /** `new.N.…` or `present.N.…`, in the order of the cache's tensors. */
  readonly #cacheNames: readonly string[];
  /** The narrowest sliding window; Infinity without. */
  readonly #window: number;
  /** Reused from step to step. */
  readonly #feeds: Record<string, TensorValue> = {};
  readonly #into: Record<string, TensorValue> = {};
  #pastInFeeds: readonly TensorValue[] | undefined;
  #ids = new BigInt64Array(0);
  #positions = new BigInt64Array(0);
  #result = nothing;
  #ropePositions = 0;
  #isBusy = false;

  constructor(options: GraphDecoderOptions) {
    this.config = options.config;
    this.precision = options.precision;
    this.weightBytes = options.weightBytes;
    this.#session = options.session;
    this.#taps = options.taps;
    const layers = Array.from({ length: this.config.nLayer }, (_, layer) => layer);
    const kinds = (prefix: string) => layers.flatMap((n) => [`${prefix}.${n}.key`, `${prefix}.${n}.value`]);
    this.#pastNames = kinds('past_key_values');
    this.#cacheNames = kinds(this.#session.writesInPlace ? 'present' : 'new');
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
      // A window counts cells of the cache, which for later branches are further apart than positions.
      if (cache.length(slot) + tokens.length > this.#window) {
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
    this.#feedTokens(rows, cache, length, branches);
    this.#feedWanted(wanted, targets, length);
    const past = this.#feedPast(cache, rows);

    const { vocabSize } = this.config;
    const output = targets ? 'logprobs' : 'logits';
    const width = targets ? 1 : vocabSize;
    const taps = this.#taps?.names.map((name) => `tap.${name}`) ?? [];
    let result: Float32Array;
    let outputs: Record<string, TensorValue>;
    if (this.#session.writesInPlace) {
      result = this.#resultOf(wanted.length * width);
      this.#cacheNames.forEach((name, i) => {
        this.#into[name] = past[i]!;
      });
      delete this.#into[targets ? 'logits' : 'logprobs'];
      this.#into[output] = { type: 'float32', shape: [wanted.length, width], data: result };
      outputs = await this.#session.run(this.#feeds, taps, this.#into);
    } else {
      const names = branches ? [output, ...taps] : [output, ...taps, ...this.#cacheNames];
      outputs = await this.#session.run(this.#feeds, names);
      result = outputs[output]!.data as Float32Array;
    }
    if (!branches) {
      this.#keep(cache, rows, outputs, length);
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

  #feedTokens(
    rows: readonly StepRow[],
    cache: KvBuffers,
    length: number,
    branches: readonly number[] | undefined,
  ): void {
    const batch = rows.length;
    const count = batch * length;
    if (this.#ids.length < count) {
      this.#ids = new BigInt64Array(count);
      this.#positions = new BigInt64Array(count);
    }
    const seqlens = new Int32Array(batch);
    let total = 0;
    for (let r = 0; r < batch; r++) {
      const { slot, tokens } = rows[r]!;
      const past = cache.length(slot);
      for (let t = 0; t < length; t++) {
        // Right padding takes the slots' next positions and a token that exists; nothing reads what comes of it.
        this.#ids[r * length + t] = BigInt(tokens[t] ?? 0);
        this.#positions[r * length + t] = BigInt(past + t);
      }
      seqlens[r] = past + tokens.length - 1;
      total = Math.max(total, past + tokens.length);
    }
    if (branches) {
      const past = BigInt(cache.length(rows[0]!.slot));
      let at = 0;
      for (const size of branches) {
        for (let t = 0; t < size; t++) {
          this.#positions[at++] = past + BigInt(t);
        }
      }
    }
    const shape = [batch, length];
    const feeds = this.#feeds;
    feeds.input_ids = { type: 'int64', shape, data: this.#ids.subarray(0, count) };
    feeds.position_ids = { type: 'int64', shape, data: this.#positions.subarray(0, count) };
    feeds.seqlens_k = { type: 'int32', shape: [batch], data: seqlens };
    feeds.total_length = { type: 'int32', shape: [1], data: Int32Array.of(total) };
    feeds.attn_bias = branches
      ? { type: 'float32', shape: [1, 1, length, total], data: branchBias(branches, total) }
      : noBias;
    if (this.#ropePositions < cache.capacity) {
      const { cos, sin, positions } = ropeTables(this.config, cache.capacity);
      const tableShape = [positions, this.config.headDim / 2];
      feeds.cos_cache = { type: 'float32', shape: tableShape, data: cos };
      feeds.sin_cache = { type: 'float32', shape: tableShape, data: sin };
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

  #feedPast(cache: KvBuffers, rows: readonly StepRow[]): readonly TensorValue[] {
    const past = cache.tensors(rows[0]!.slot, rows.length);
    if (past !== this.#pastInFeeds) {
      this.#pastNames.forEach((name, i) => {
        this.#feeds[name] = past[i]!;
      });
      this.#pastInFeeds = past;
    }
    return past;
  }

  /** Puts the new rows into the cache (where the session has not) and counts them as in use. */
  #keep(
    cache: KvBuffers,
    rows: readonly StepRow[],
    outputs: Record<string, TensorValue>,
    length: number,
  ): void {
    const width = this.config.nKvHead * this.config.headDim;
    if (!this.#session.writesInPlace) {
      for (let i = 0; i < this.#cacheNames.length; i++) {
        const data = outputs[this.#cacheNames[i]!]!.data as Float32Array;
        for (let r = 0; r < rows.length; r++) {
          const { slot, tokens } = rows[r]!;
          cache.write(i, slot, cache.length(slot), data, r * length * width, tokens.length);
        }
      }
    }
    for (const { slot, tokens } of rows) {
      cache.setLength(slot, cache.length(slot) + tokens.length);
    }
  }

  #resultOf(count: number): Float32Array {
    if (this.#result.length < count) {
      this.#result = new Float32Array(count);
    }
    return this.#result.subarray(0, count);
  }
}

/**
 * `[tokens, total]`: what came before is open to all, of the branches a token sees its own only (which of them
 * come before it is the causal mask's part).
 */
function branchBias(branches: readonly number[], total: number): Float32Array {
  const tokens = branches.reduce((sum, size) => sum + size, 0);
  const past = total - tokens;
  const bias = new Float32Array(tokens * total);
  let begin = 0;
  for (const size of branches) {
    for (let t = begin; t < begin + size; t++) {
      bias.fill(hidden, t * total + past, t * total + past + begin);
      bias.fill(hidden, t * total + past + begin + size, (t + 1) * total);
    }
    begin += size;
  }
  return bias;
}
