/**
 * A decoder over a graph that others exported. Inputs and outputs are found by name:
 *
 * ```
 * input_ids                         int64|int32          [batch, length]
 * attention_mask                    int64|int32          [batch, past + length]     where it has one
 * position_ids                      int64|int32          [batch, length]            where it has one
 * past_key_values.N.key, .value     float32|float16      [batch, kvHead, past, headDim]
 *   → logits                        float32|float16      [batch, length, vocabulary]
 *   → present.N.key, .value         as past              [batch, kvHead, past + length, headDim]
 * ```
 *
 * Such a graph gives back the whole cache with every run, and exports differ in how they count positions behind
 * padding; so rows run one by one, each with a cache of its own exact length, which is always right and never
 * padded. There is no attention bias, hence no branches.
 */
import { HaetaeError } from '../errors.js';
import { fromFloat16 } from '../onnx/half-float.js';
import type { Session, TensorValue, ValueInfo } from '../onnx/session.js';
import type { Decoder, DecoderStep, KvCache, StepResult } from './decoder.js';
import { checkStep } from './decoder-step.js';
import { checkCapacity, checkCopy } from './kv-buffers.js';
import type { DecoderConfig } from './model-config.js';

export interface ExportedDecoderOptions {
  config: DecoderConfig;
  session: Session;
  /** The graph's file, for errors and `precision`. */
  name: string;
  weightBytes: number;
}

type CacheType = 'float32' | 'float16';
type CacheData = Float32Array | Uint16Array;

export class ExportedDecoder implements Decoder {
  readonly config: DecoderConfig;
  readonly precision: string;
  readonly weightBytes: number;
  readonly supportsBranches = false;
  readonly #session: Session;
  readonly #name: string;
  readonly #inputs: ReadonlyMap<string, ValueInfo>;
  /** `N.key`, `N.value`, in the order of layers. */
  readonly #cacheNames: readonly string[];
  readonly #cacheType: CacheType;

  /** @throws HaetaeError MODEL_UNSUPPORTED where the graph's inputs or outputs are not those of the head comment */
  constructor(options: ExportedDecoderOptions) {
    this.config = options.config;
    this.precision = `as exported (${options.name})`;
    this.weightBytes = options.weightBytes;
    this.#session = options.session;
    this.#name = options.name;
    this.#inputs = new Map(this.#session.inputs.map((input) => [input.name, input]));
    const layers = Array.from({ length: this.config.nLayer }, (_, layer) => layer);
    this.#cacheNames = layers.flatMap((layer) => [`${layer}.key`, `${layer}.value`]);
    this.#cacheType = this.#checkGraph();
  }

  createCache(slots: number, capacity: number): KvCache {
    return new GrowingCache(this.config, this.#cacheType, slots, capacity);
  }

  async step(step: DecoderStep): Promise<StepResult> {
    const { cache, rows, targets } = step;
    if (!(cache instanceof GrowingCache)) {
      throw new TypeError('the cache was made by another decoder');
    }
    if (step.branches) {
      throw new RangeError('a graph exported by others has no branches; see supportsBranches');
    }
    checkStep(step, this.config);
    const { vocabSize } = this.config;
    const wanted = step.wanted ?? rows.map(({ tokens }, r) => [r, tokens.length - 1] as const);
    const logits = new Float32Array(targets ? 0 : wanted.length * vocabSize);
    const logprobs = new Float32Array(targets ? wanted.length : 0);
    for (const [r, { slot, tokens }] of rows.entries()) {
      const rowLogits = await this.#runRow(cache, slot, tokens);
      wanted.forEach(([row, index], w) => {
        if (row === r) {
          const own = rowLogits.subarray(index * vocabSize, (index + 1) * vocabSize);
          if (targets) {
            logprobs[w] = own[targets[w]!]! - logSumExp(own);
          } else {
            logits.set(own, w * vocabSize);
          }
        }
      });
    }
    return { logits, logprobs };
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  /** Runs tokens behind what a slot holds, which then holds them too: logits [tokens, vocabulary]. */
  async #runRow(cache: GrowingCache, slot: number, tokens: readonly number[]): Promise<Float32Array> {
    const past = cache.length(slot);
    const count = tokens.length;
    const feeds: Record<string, TensorValue> = {
      input_ids: this.#integers('input_ids', [1, count], (i) => tokens[i]!),
    };
    if (this.#inputs.has('attention_mask')) {
      feeds.attention_mask = this.#integers('attention_mask', [1, past + count], () => 1);
    }
    if (this.#inputs.has('position_ids')) {
      feeds.position_ids = this.#integers('position_ids', [1, count], (i) => past + i);
    }
    cache.tensors(slot).forEach((tensor, i) => {
      feeds[`past_key_values.${this.#cacheNames[i]}`] = tensor;
    });
    const presents = this.#cacheNames.map((name) => `present.${name}`);
    const outputs = await this.#session.run(feeds, ['logits', ...presents]);
    const { logits } = outputs;
    const expected = [1, count, this.config.vocabSize];
    this.#checkShape('logits', logits!, expected);
    const present = [1, this.config.nKvHead, past + count, this.config.headDim];
    for (const name of presents) {
      this.#checkShape(name, outputs[name]!, present);
    }
    cache.replace(
      slot,
      presents.map((name) => outputs[name]!.data as CacheData),
      past + count,
    );
    return logits!.type === 'float16'
      ? fromFloat16(logits!.data as Uint16Array)
      : (logits!.data as Float32Array);
  }

  #integers(name: string, shape: readonly number[], value: (i: number) => number): TensorValue {
    const length = shape[1]!;
    return this.#inputs.get(name)?.type === 'int32'
      ? { type: 'int32', shape, data: Int32Array.from({ length }, (_, i) => value(i)) }
      : { type: 'int64', shape, data: BigInt64Array.from({ length }, (_, i) => BigInt(value(i))) };
  }

  #checkGraph(): CacheType {
    const outputs = new Set(this.#session.outputs.map(({ name }) => name));
    const past = this.#cacheNames.map((name) => `past_key_values.${name}`);
    const known = new Set(['input_ids', 'attention_mask', 'position_ids', ...past]);
    const missing = [
      ...['input_ids', ...past].filter((name) => !this.#inputs.has(name)),
      ...['logits', ...this.#cacheNames.map((name) => `present.${name}`)].filter(
        (name) => !outputs.has(name),
      ),
    ];
    const foreign = [...this.#inputs.keys()].filter((name) => !known.has(name));
    if (missing.length > 0 || foreign.length > 0) {
      const reasons = [
        missing.length > 0 ? `it lacks ${some(missing)}` : '',
        foreign.length > 0 ? `it wants ${some(foreign)}` : '',
      ];
      throw this.#unsupported(reasons.filter((it) => it !== '').join(', and '));
    }
    const type = this.#inputs.get(past[0]!)!.type;
    if (type !== 'float32' && type !== 'float16') {
      throw this.#unsupported(`its cache is ${type}`);
    }
    const { nKvHead, headDim } = this.config;
    for (const name of past) {
      const { shape } = this.#inputs.get(name)!;
      const differs = (size: number | string | undefined, expected: number) =>
        typeof size === 'number' && size > 0 && size !== expected;
      if (shape.length !== 4 || differs(shape[1], nKvHead) || differs(shape[3], headDim)) {
        throw this.#unsupported(
          `${name} has the shape [${shape.join(', ')}], config.json asks for [batch, ${nKvHead}, past, ${headDim}]`,
        );
      }
    }
    return type;
  }

  #checkShape(name: string, value: TensorValue, expected: readonly number[]): void {
    if (value.shape.length !== expected.length || value.shape.some((size, i) => size !== expected[i])) {
      throw new HaetaeError(
        'MODEL_INVALID',
        `${this.#name} gave ${name} of the shape [${value.shape.join(', ')}], expected [${expected.join(', ')}].` +
          ' config.json and the graph do not belong together.',
        { name: this.#name, output: name },
      );
    }
  }

  #unsupported(reason: string): HaetaeError {
    return new HaetaeError(
      'MODEL_UNSUPPORTED',
      `${this.#name} is not a decoder that can be used: ${reason}. Supported: input_ids, attention_mask,` +
        ' position_ids, past_key_values.N.key/value to logits, present.N.key/value, for the layers of config.json.' +
        ' Export it for text generation with past, or use the checkpoint.',
      { name: this.#name },
    );
  }
}

/** Keys and values as the graph returns them, `[kvHead, length, headDim]` of each slot, replaced by every run. */
class GrowingCache implements KvCache {
  readonly slots: number;
  readonly capacity: number;
  readonly #type: CacheType;
  readonly #kvHeads: number;
  readonly #headDim: number;
  readonly #buffers: number;
  readonly #lengths: Int32Array;
  /** What each slot holds: as many positions as it has, or (after a cut) more. */
  readonly #data: { stored: number; buffers: readonly CacheData[] }[];

  constructor(config: DecoderConfig, type: CacheType, slots: number, capacity: number) {
    checkCapacity(config, slots, capacity);
    this.slots = slots;
    this.capacity = capacity;
    this.#type = type;
    this.#kvHeads = config.nKvHead;
    this.#headDim = config.headDim;
    this.#buffers = 2 * config.nLayer;
    this.#lengths = new Int32Array(slots);
    this.#data = Array.from({ length: slots }, () => ({ stored: 0, buffers: this.#allocate(0) }));
  }

  get bytes(): number {
    return this.#data.flatMap(({ buffers }) => buffers).reduce((sum, buffer) => sum + buffer.byteLength, 0);
  }

  length(slot: number): number {
    const length = this.#lengths[slot];
    if (length === undefined) {
      throw new RangeError(`a cache of ${this.slots} slots has no slot ${slot}`);
    }
    return length;
  }

  truncate(slot: number, length: number): void {
    if (!Number.isInteger(length) || length < 0 || length > this.length(slot)) {
      throw new RangeError(`slot ${slot} has ${this.length(slot)} positions, it cannot be cut to ${length}`);
    }
    this.#lengths[slot] = length;
  }

  copy(from: number, to: number, length = this.length(from)): void {
    this.copyFrom(this, { slot: from, position: 0 }, { slot: to, position: 0 }, length);
  }

  copyFrom(
    source: KvCache,
    from: { slot: number; position: number },
    to: { slot: number; position: number },
    count: number,
  ): void {
    if (
      !(source instanceof GrowingCache) ||
      source.#buffers !== this.#buffers ||
      source.#type !== this.#type
    ) {
      throw new TypeError('positions can be copied only between caches of the same decoder');
    }
    checkCopy(source, from, this, to, count);
    const total = to.position + count;
    const target = this.#allocate(total);
    const own = this.#data[to.slot]!;
    const other = source.#data[from.slot]!;
    target.forEach((buffer, i) => {
      this.#move(own.buffers[i]!, own.stored, 0, buffer, total, 0, to.position);
      this.#move(other.buffers[i]!, other.stored, from.position, buffer, total, to.position, count);
    });
    this.replace(to.slot, target, total);
  }

  /** Keys and values of a slot, `[1, kvHead, length, headDim]` each. */
  tensors(slot: number): TensorValue[] {
    const length = this.length(slot);
    const { stored, buffers } = this.#data[slot]!;
    if (stored !== length) {
      const cut = this.#allocate(length);
      cut.forEach((buffer, i) => {
        this.#move(buffers[i]!, stored, 0, buffer, length, 0, length);
      });
      this.replace(slot, cut, length);
    }
    const shape = [1, this.#kvHeads, length, this.#headDim];
    return this.#data[slot]!.buffers.map((data) => ({ type: this.#type, shape, data }));
  }

  replace(slot: number, buffers: readonly CacheData[], length: number): void {
    this.#data[slot] = { stored: length, buffers };
    this.#lengths[slot] = length;
  }

  #allocate(positions: number): CacheData[] {
    const size = this.#kvHeads * positions * this.#headDim;
    return Array.from({ length: this.#buffers }, () =>
      this.#type === 'float16' ? new Uint16Array(size) : new Float32Array(size),
    );
  }

  /** Copies `count` positions of every head between buffers of `[kvHead, stored, headDim]`. */
  #move(
    source: CacheData,
    sourceStored: number,
    from: number,
    target: CacheData,
    targetStored: number,
    to: number,
    count: number,
  ): void {
    const width = this.#headDim;
    for (let h = 0; h < this.#kvHeads; h++) {
      const begin = (h * sourceStored + from) * width;
      target.set(source.subarray(begin, begin + count * width), (h * targetStored + to) * width);
    }
  }
}

/** The first few names. */
function some(names: readonly string[]): string {
  return names.slice(0, 4).join(', ') + (names.length > 4 ? `, … (${names.length})` : '');
}

function logSumExp(row: Float32Array): number {
  let top = Number.NEGATIVE_INFINITY;
  for (const value of row) {
    top = Math.max(top, value);
  }
  let sum = 0;
  for (const value of row) {
    sum += Math.exp(value - top);
  }
  return top + Math.log(sum);
}
