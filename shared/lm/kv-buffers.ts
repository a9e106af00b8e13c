/**
 * Keys and values of all layers, `[slot, kvHead, position, headDim]` each, in one stretch of memory: allocated once,
 * never moved; in huge pages where there are any, since a token reads all of them. A session reads them as they lie; what a step adds is written behind a slot's length.
 */
import { HaetaeError } from '../errors.js';
import { adviseHugePages } from '../onnx/native-session.js';
import type { TensorValue } from '../onnx/session.js';
import type { KvCache } from './decoder.js';
import type { DecoderConfig } from './model-config.js';

export class KvBuffers implements KvCache {
  readonly slots: number;
  readonly capacity: number;
  readonly #kvHeads: number;
  readonly #headDim: number;
  /** Two for each layer: keys, values. */
  readonly #buffers: readonly Float32Array[];
  readonly #lengths: Int32Array;
  readonly #views = new Map<number, readonly TensorValue[]>();

  /** @throws HaetaeError LM_CONTEXT_EXCEEDED where capacity exceeds the model's positions. */
  constructor(
    config: Pick<DecoderConfig, 'nLayer' | 'nKvHead' | 'headDim' | 'maxPositions'>,
    slots: number,
    capacity: number,
  ) {
    checkCapacity(config, slots, capacity);
    this.slots = slots;
    this.capacity = capacity;
    this.#kvHeads = config.nKvHead;
    this.#headDim = config.headDim;
    const size = slots * config.nKvHead * capacity * config.headDim;
    const count = 2 * config.nLayer;
    const whole = new Float32Array(count * size);
    adviseHugePages(whole.buffer);
    this.#buffers = Array.from({ length: count }, (_, i) => whole.subarray(i * size, (i + 1) * size));
    this.#lengths = new Int32Array(slots);
  }

  get bytes(): number {
    return this.#buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0);
  }

  length(slot: number): number {
    this.#checkSlot(slot);
    return this.#lengths[slot]!;
  }

  /** Declares the first `length` positions of a slot to be in use: after a step has written them. */
  setLength(slot: number, length: number): void {
    this.#checkSlot(slot);
    if (!Number.isInteger(length) || length < 0 || length > this.capacity) {
      throw new RangeError(`a slot of ${this.capacity} positions cannot have ${length}`);
    }
    this.#lengths[slot] = length;
  }

  truncate(slot: number, length: number): void {
    if (length > this.length(slot)) {
      throw new RangeError(`slot ${slot} has ${this.length(slot)} positions, it cannot be cut to ${length}`);
    }
    this.setLength(slot, length);
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
      !(source instanceof KvBuffers) ||
      source.#buffers.length !== this.#buffers.length ||
      source.#kvHeads !== this.#kvHeads ||
      source.#headDim !== this.#headDim
    ) {
      throw new TypeError('positions can be copied only between caches of the same decoder');
    }
    checkCopy(source, from, this, to, count);
    const width = this.#headDim;
    for (const [i, target] of this.#buffers.entries()) {
      for (let h = 0; h < this.#kvHeads; h++) {
        const begin = ((from.slot * this.#kvHeads + h) * source.capacity + from.position) * width;
        const rows = source.#buffers[i]!.subarray(begin, begin + count * width);
        target.set(rows, ((to.slot * this.#kvHeads + h) * this.capacity + to.position) * width);
      }
    }
    this.#lengths[to.slot] = to.position + count;
  }

  /**
   * Views of slots `from` to `from + count − 1`, `[count, kvHead, capacity, headDim]`: keys and values of layer 0,
   * of layer 1, … The same objects every time.
   */
  tensors(from: number, count: number): readonly TensorValue[] {
    const key = from * (this.slots + 1) + count;
    let views = this.#views.get(key);
    if (!views) {
      this.#checkSlot(from);
      this.#checkSlot(from + count - 1);
      const slot = this.#kvHeads * this.capacity * this.#headDim;
      const shape = [count, this.#kvHeads, this.capacity, this.#headDim];
      views = this.#buffers.map((buffer) => ({
        type: 'float32',
        shape,
        data: buffer.subarray(from * slot, (from + count) * slot),
      }));
      this.#views.set(key, views);
    }
    return views;
  }

  /**
   * Writes new rows of one buffer (`2 · layer` keys, `2 · layer + 1` values) into a slot.
   * @param rows `[token, kvHead, headDim]`, from element `offset` on
   */
  write(
    buffer: number,
    slot: number,
    position: number,
    rows: Float32Array,
    offset: number,
    count: number,
  ): void {
    const target = this.#buffers[buffer]!;
    const width = this.#headDim;
    for (let h = 0; h < this.#kvHeads; h++) {
      let to = ((slot * this.#kvHeads + h) * this.capacity + position) * width;
      let from = offset + h * width;
      for (let t = 0; t < count; t++) {
        for (let i = 0; i < width; i++) {
          target[to + i] = rows[from + i]!;
        }
        to += width;
        from += this.#kvHeads * width;
      }
    }
  }

  #checkSlot(slot: number): void {
    if (!(Number.isInteger(slot) && slot >= 0 && slot < this.slots)) {
      throw new RangeError(`a cache of ${this.slots} slots has no slot ${slot}`);
    }
  }
}

/** @throws HaetaeError LM_CONTEXT_EXCEEDED; RangeError where slots or capacity are no positive integers. */
export function checkCapacity(
  config: Pick<DecoderConfig, 'maxPositions'>,
  slots: number,
  capacity: number,
): void {
  for (const [name, value] of Object.entries({ slots, capacity })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`${name} of a cache must be a positive integer, got ${value}`);
    }
  }
  if (capacity > config.maxPositions) {
    throw new HaetaeError(
      'LM_CONTEXT_EXCEEDED',
      `A cache of ${capacity} positions was asked for, the model has ${config.maxPositions}. Ask for fewer.`,
      { capacity, maxPositions: config.maxPositions },
    );
  }
}

/** What `copyFrom` may be asked for. @throws RangeError */
export function checkCopy(
  source: KvCache,
  from: { slot: number; position: number },
  target: KvCache,
  to: { slot: number; position: number },
  count: number,
): void {
  const isCount = [from.position, to.position, count].every((it) => Number.isInteger(it) && it >= 0);
  if (!isCount || from.position + count > source.length(from.slot)) {
    throw new RangeError(
      `slot ${from.slot} has ${source.length(from.slot)} positions, not ${count} from ${from.position} on`,
    );
  }
  if (to.position > target.length(to.slot) || to.position + count > target.capacity) {
    throw new RangeError(
      `slot ${to.slot} has ${target.length(to.slot)} of ${target.capacity} positions, ${count} cannot go to ${to.position}`,
    );
  }
}
