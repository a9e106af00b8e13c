/**
 * Where the trained numbers live: one WebAssembly memory that holds, for every parameter, its value, its gradient
 * and AdamW's two moments, all float32. The train step reads values and writes gradients there through views, and
 * the kernels work on it in place, so that nothing is copied between them.
 *
 *     parameters | gradients | first moments | second moments | accumulator (only when asked for)
 *
 * The regions have one layout: tensors in the order of the specs, each padded to a multiple of 64 bytes. A kernel
 * can so treat a region, or neighbouring tensors, in one call; the padding of gradients and weights stays 0. Up to
 * 4 KiB lie between regions, see `APART_BYTES`.
 */
import { HaetaeError } from '../../shared/errors.js';
import { adviseHugePages } from '../../shared/onnx/native-session.js';
import { MOST_PAGES, PAGE_BYTES } from './assembler/encode-module.js';
import { ROUND_BYTES } from './over-vectors.js';

export interface ParameterSpec {
  readonly name: string;
  /** Whole numbers of 1 or more; [] is a single number. */
  readonly shape: readonly number[];
  /** Whether weight decay applies: true for matrices, false for norms and biases, as a rule. */
  readonly decay: boolean;
}

export interface ParameterMemoryOptions {
  /** Whether gradients of several micro-batches are to be added up: 4 more bytes a parameter. */
  readonly accumulate: boolean;
  /**
   * That the kernels run on, 1 or more; 1 by default. With more the memory is shared, and so are all views of it:
   * `openNativeSession` takes them, `openSession` does not. See `optimizerThreads`.
   */
  readonly threads?: number;
}

/** A tensor's place in each region. */
export interface Place {
  readonly spec: ParameterSpec;
  /** Bytes from the start of the region. */
  readonly offset: number;
  /** With padding. */
  readonly bytes: number;
  readonly elements: number;
}

/** A run of bytes in the memory. */
export interface Region {
  readonly address: number;
  readonly bytes: number;
}

const LIMIT_BYTES = MOST_PAGES * PAGE_BYTES;
const FLOAT_BYTES = Float32Array.BYTES_PER_ELEMENT;
/**
 * A load waits for an earlier store to an address with the same last 12 bits. Regions of whole pages, as sizes that
 * are powers of two make them, would so hinder one another, which costs AdamW 12 % of its time: they begin this far
 * apart, modulo 4 KiB, about a fifth of it.
 */
const APART_BYTES = 832;
const ALIAS_BYTES = 4_096;

export class ParameterMemory {
  readonly specs: readonly ParameterSpec[];
  readonly places: readonly Place[];
  readonly memory: WebAssembly.Memory;
  readonly threads: number;
  /** The size of the memory, whole pages. */
  readonly bytes: number;
  readonly regions: {
    readonly parameters: Region;
    readonly gradients: Region;
    readonly firstMoments: Region;
    readonly secondMoments: Region;
    readonly accumulator: Region | null;
  };
  /** Views by the specs' names, at multiples of 64 bytes; all 0 at first. What is written there is what is used. */
  readonly parameters: ReadonlyMap<string, Float32Array>;
  readonly gradients: ReadonlyMap<string, Float32Array>;
  readonly firstMoments: ReadonlyMap<string, Float32Array>;
  readonly secondMoments: ReadonlyMap<string, Float32Array>;

  /** The bytes that `allocate` takes. Any number may come out, also one above the limit. */
  static bytes(specs: readonly ParameterSpec[], options: Pick<ParameterMemoryOptions, 'accumulate'>): number {
    const bytes = regionBytes(layOut(specs));
    const needed = strideOf(bytes) * (regionCount(options) - 1) + bytes;
    return Math.max(1, Math.ceil(needed / PAGE_BYTES)) * PAGE_BYTES;
  }

  /**
   * @throws HaetaeError TRAINING_MEMORY above 4 GiB, what 32-bit addresses reach (268 million parameters, 214
   *   million with an accumulator), before anything is allocated; or where the machine does not give as much
   */
  static allocate(specs: readonly ParameterSpec[], options: ParameterMemoryOptions): ParameterMemory {
    const places = layOut(specs);
    const bytes = ParameterMemory.bytes(specs, options);
    if (bytes > LIMIT_BYTES) {
      throw new HaetaeError(
        'TRAINING_MEMORY',
        `${describe(places, bytes, options)}; at most ${size(LIMIT_BYTES)} can be addressed with 32 bits. ${remedies(options)}`,
        { bytes, limit: LIMIT_BYTES },
      );
    }
    const pages = bytes / PAGE_BYTES;
    const shared = threadsOf(options) > 1;
    let memory: WebAssembly.Memory;
    try {
      memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
    } catch (cause) {
      throw new HaetaeError(
        'TRAINING_MEMORY',
        `${describe(places, bytes, options)}; the machine does not give as much (limits of the container or of ` +
          `ulimit -v?). Free memory or raise the limit; or: ${remedies(options)}`,
        { bytes, limit: LIMIT_BYTES },
        { cause },
      );
    }
    return new ParameterMemory(specs, places, memory, options);
  }

  private constructor(
    specs: readonly ParameterSpec[],
    places: readonly Place[],
    memory: WebAssembly.Memory,
    options: ParameterMemoryOptions,
  ) {
    this.specs = specs;
    this.places = places;
    this.memory = memory;
    this.threads = threadsOf(options);
    this.bytes = memory.buffer.byteLength;
    // Four streams side by side miss the TLB with small pages: a step of 7M parameters took 14 ms instead of 10.
    adviseHugePages(this.memory.buffer);
    const bytes = regionBytes(places);
    const region = (index: number): Region => ({ address: index * strideOf(bytes), bytes });
    this.regions = {
      parameters: region(0),
      gradients: region(1),
      firstMoments: region(2),
      secondMoments: region(3),
      accumulator: options.accumulate ? region(4) : null,
    };
    const views = ({ address }: Region): ReadonlyMap<string, Float32Array> =>
      new Map(
        places.map(({ spec, offset, elements }) => [
          spec.name,
          new Float32Array(memory.buffer, address + offset, elements),
        ]),
      );
    this.parameters = views(this.regions.parameters);
    this.gradients = views(this.regions.gradients);
    this.firstMoments = views(this.regions.firstMoments);
    this.secondMoments = views(this.regions.secondMoments);
  }
}

function layOut(specs: readonly ParameterSpec[]): Place[] {
  const names = new Set<string>();
  const places: Place[] = [];
  let offset = 0;
  for (const spec of specs) {
    if (names.has(spec.name)) {
      throw new Error(`two parameters are named ${spec.name}`);
    }
    names.add(spec.name);
    if (!spec.shape.every((length) => Number.isSafeInteger(length) && length > 0)) {
      throw new Error(
        `parameter ${spec.name} has the shape [${spec.shape.join(', ')}], want whole numbers of 1 or more`,
      );
    }
    const elements = spec.shape.reduce((product, length) => product * length, 1);
    const bytes = Math.ceil((elements * FLOAT_BYTES) / ROUND_BYTES) * ROUND_BYTES;
    places.push({ spec, offset, bytes, elements });
    offset += bytes;
  }
  return places;
}

function regionBytes(places: readonly Place[]): number {
  return places.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** From the start of a region to that of the next. */
function strideOf(bytes: number): number {
  return bytes + ((ALIAS_BYTES + APART_BYTES - (bytes % ALIAS_BYTES)) % ALIAS_BYTES);
}

function threadsOf({ threads = 1 }: ParameterMemoryOptions): number {
  if (!Number.isSafeInteger(threads) || threads < 1) {
    throw new Error(`the parameter memory is for ${threads} threads, want a whole number of 1 or more`);
  }
  return threads;
}

function regionCount({ accumulate }: Pick<ParameterMemoryOptions, 'accumulate'>): number {
  return accumulate ? 5 : 4;
}

function describe(places: readonly Place[], bytes: number, options: ParameterMemoryOptions): string {
  const elements = places.reduce((sum, place) => sum + place.elements, 0);
  const parts = options.accumulate
    ? 'gradients, two moments and the accumulator'
    : 'gradients and two moments';
  return `${elements.toLocaleString('en')} trained parameters, with ${parts}, take ${size(bytes)}`;
}

function remedies({ accumulate }: ParameterMemoryOptions): string {
  const fewer = 'Train LoRA adapters in place of all weights, or a model of fewer parameters';
  return accumulate
    ? `${fewer}, or without gradient accumulation, which takes ${FLOAT_BYTES} bytes of ${FLOAT_BYTES * 5} a parameter`
    : fewer;
}

function size(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(2)} GiB (${bytes} bytes)`;
}
