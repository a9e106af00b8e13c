/**
 * Keys and values as an exported graph returns them: for each slot and layer `[kvHead, length, headDim]` of exactly
 * the slot's length, replaced by every run.
 */
import type { TensorValue } from '../onnx/session.js';
import type { KvCache } from './decoder.js';
import { checkCapacity, checkCopy } from './kv-buffers.js';
import type { DecoderConfig } from './model-config.js';

export type CacheType = 'float32' | 'float16';
export type CacheData = Float32Array | Uint16Array;

export class GrowingCache implements KvCache {
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
