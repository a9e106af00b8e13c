/**
 * What the two forms of the decoder's graph (`decoder-graph.ts`) are told of positions and the cache, and how new
 * keys and values get into it.
 */
import type { TensorValue } from '../onnx/session.js';
import type { StepRow } from './decoder.js';
import type { KvBuffers } from './kv-buffers.js';
import type { DecoderConfig } from './model-config.js';

export interface AttentionFeeds {
  /** Outputs that are new keys and values, asked for unless they are those of branches. */
  readonly cacheOutputs: readonly string[];
  /** Whether branches are exact beyond a sliding window. */
  readonly seesWindowsInBranches: boolean;
  /** Sets the inputs of a step whose rows are padded to `length` tokens. */
  fill(
    feeds: Record<string, TensorValue>,
    cache: KvBuffers,
    rows: readonly StepRow[],
    length: number,
    branches: readonly number[] | undefined,
  ): void;
  /** Puts what the session returned into the cache. */
  keep(
    cache: KvBuffers,
    rows: readonly StepRow[],
    length: number,
    outputs: Readonly<Record<string, TensorValue>>,
  ): void;
}

/** Added to the score of a key that a query must not see. */
const hidden = -1e30;
const noBias: TensorValue = { type: 'float32', shape: [1, 1, 0, 0], data: new Float32Array(0) };

/** `GroupQueryAttention`: reads the cache of the rows' slots, returns new rows, which are scattered here. */
export class GroupQueryFeeds implements AttentionFeeds {
  readonly cacheOutputs: readonly string[];
  readonly seesWindowsInBranches = false;
  readonly #pastNames: readonly string[];
  readonly #rowWidth: number;
  #positions = new BigInt64Array(0);
  #past: readonly TensorValue[] | undefined;

  constructor(config: DecoderConfig) {
    this.cacheOutputs = cacheNames('new', config.nLayer);
    this.#pastNames = cacheNames('past_key_values', config.nLayer);
    this.#rowWidth = config.nKvHead * config.headDim;
  }

  fill(
    feeds: Record<string, TensorValue>,
    cache: KvBuffers,
    rows: readonly StepRow[],
    length: number,
    branches: readonly number[] | undefined,
  ): void {
    const batch = rows.length;
    if (this.#positions.length < batch * length) {
      this.#positions = new BigInt64Array(batch * length);
    }
    const seqlens = new Int32Array(batch);
    let total = 0;
    for (let r = 0; r < batch; r++) {
      const { slot, tokens } = rows[r]!;
      const past = cache.length(slot);
      for (let t = 0; t < length; t++) {
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
    const positions = this.#positions.subarray(0, batch * length);
    feeds.position_ids = { type: 'int64', shape: [batch, length], data: positions };
    feeds.seqlens_k = { type: 'int32', shape: [batch], data: seqlens };
    feeds.total_length = { type: 'int32', shape: [1], data: Int32Array.of(total) };
    feeds.attn_bias = branches
      ? { type: 'float32', shape: [1, 1, length, total], data: branchBias(branches, total) }
      : noBias;
    this.#past = feedPast(feeds, this.#pastNames, cache.tensors(rows[0]!.slot, batch), this.#past);
  }

  keep(
    cache: KvBuffers,
    rows: readonly StepRow[],
    length: number,
    outputs: Readonly<Record<string, TensorValue>>,
  ): void {
    for (let i = 0; i < this.cacheOutputs.length; i++) {
      const data = outputs[this.cacheOutputs[i]!]!.data as Float32Array;
      for (let r = 0; r < rows.length; r++) {
        const { slot, tokens } = rows[r]!;
        cache.write(i, slot, cache.length(slot), data, r * length * this.#rowWidth, tokens.length);
      }
    }
  }
}

/** `CachedAttention` of our addon: it finds slots itself and writes into the cache. */
export class CachedAttentionFeeds implements AttentionFeeds {
  readonly cacheOutputs: readonly string[] = [];
  readonly seesWindowsInBranches = true;
  readonly #pastNames: readonly string[];
  #visibleFrom = new Int32Array(0);
  #past: readonly TensorValue[] | undefined;

  constructor(config: DecoderConfig) {
    this.#pastNames = cacheNames('past_key_values', config.nLayer);
  }

  fill(
    feeds: Record<string, TensorValue>,
    cache: KvBuffers,
    rows: readonly StepRow[],
    length: number,
    branches: readonly number[] | undefined,
  ): void {
    const batch = rows.length;
    if (this.#visibleFrom.length < batch * length) {
      this.#visibleFrom = new Int32Array(batch * length);
    }
    const visibleFrom = this.#visibleFrom.subarray(0, batch * length).fill(0);
    let begin = 0;
    for (const size of branches ?? []) {
      visibleFrom.fill(begin, begin, begin + size);
      begin += size;
    }
    const ofRows = (value: (row: StepRow) => number): TensorValue => ({
      type: 'int32',
      shape: [batch],
      data: Int32Array.from(rows, value),
    });
    feeds.slots = ofRows(({ slot }) => slot);
    feeds.past = ofRows(({ slot }) => cache.length(slot));
    feeds.fresh = ofRows(({ tokens }) => tokens.length);
    feeds.visible_from = { type: 'int32', shape: [batch, length], data: visibleFrom };
    this.#past = feedPast(feeds, this.#pastNames, cache.tensors(0, cache.slots), this.#past);
  }

  keep(): void {}
}

function cacheNames(prefix: string, nLayer: number): string[] {
  return Array.from({ length: nLayer }, (_, n) => [`${prefix}.${n}.key`, `${prefix}.${n}.value`]).flat();
}

/** Sets the cache's inputs where they are not those of the last step. */
function feedPast(
  feeds: Record<string, TensorValue>,
  names: readonly string[],
  past: readonly TensorValue[],
  last: readonly TensorValue[] | undefined,
): readonly TensorValue[] {
  if (past !== last) {
    names.forEach((name, i) => {
      feeds[name] = past[i]!;
    });
  }
  return past;
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
