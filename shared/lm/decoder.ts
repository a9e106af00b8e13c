/**
 * The contract of a decoder: a graph of weights that turns tokens into logits and keeps keys and values of what it
 * has seen in slots of a cache. `open-decoder.ts` makes one from a model folder.
 *
 * A decoder knows nothing of text, sampling or scheduling (see `language-model.ts`). It blocks the process while it
 * computes. One step at a time.
 */
import type { DecoderConfig } from './model-config.js';

/**
 * Keys and values of several sequences. A slot is a row of every layer's buffer, laid out
 * `[slot, kvHead, position, headDim]`; the positions behind a slot's length are scratch.
 */
export interface KvCache {
  readonly slots: number;
  /** Positions a slot can hold. */
  readonly capacity: number;
  /** Bytes of all buffers. */
  readonly bytes: number;
  /** Positions in use. */
  length(slot: number): number;
  /** Forgets what is behind `length` (≤ the present one). */
  truncate(slot: number, length: number): void;
  /** Copies the first `length` positions (default: all in use) of one slot over another, which then has that length. */
  copy(from: number, to: number, length?: number): void;
  /**
   * Copies `count` positions of a slot of another cache of the same decoder to position `to.position` (≤ its
   * length) of a slot here, which then has length `to.position + count`. Keys carry the rotation of the position
   * they were computed at, wherever they lie: this moves slots between caches, and keeps prefixes in pieces.
   */
  copyFrom(
    source: KvCache,
    from: { slot: number; position: number },
    to: { slot: number; position: number },
    count: number,
  ): void;
}

/** Tokens that go into one slot, behind what it holds. */
export interface StepRow {
  slot: number;
  /** At least one. */
  tokens: readonly number[];
}

export interface DecoderStep {
  cache: KvCache;
  /**
   * One row with any number of tokens; or several rows on consecutive ascending slots with one token each; or
   * several rows on consecutive empty slots with any numbers of tokens (padded inside).
   */
  rows: readonly StepRow[];
  /**
   * The row's tokens are branches of a tree, of these lengths (they sum to the number of tokens): each branch
   * follows the slot's content and sees only itself beside it. One row only; the slot keeps its length, and its
   * content behind it is scratch.
   */
  branches?: readonly number[];
  /**
   * Positions whose logits are computed, as [row, index of the token in that row]; none is allowed, and saves the
   * head. Default: the last of each row.
   */
  wanted?: readonly (readonly [row: number, index: number])[];
  /**
   * A token for each wanted position: then its log-probability (natural, over the whole vocabulary) is returned in
   * place of logits, which are never copied out of the runtime.
   */
  targets?: readonly number[];
}

export interface StepResult {
  /** `[wanted, vocabSize]`, row-major; empty where `targets` were given. Valid until the next step. */
  logits: Float32Array;
  /** One for each of `targets`; empty without. */
  logprobs: Float32Array;
}

export interface Decoder {
  readonly config: DecoderConfig;
  /** In words for people: where it came from and how its weights are kept, e.g. `int4 block 32, head 8 bits`. */
  readonly precision: string;
  /** Whose operators compute: our addon's on AMX tiles or AVX-512 VNNI, or ONNX Runtime's own. */
  readonly kernels: 'amx' | 'vnni' | 'runtime';
  /** Bytes of weight files it reads from. */
  readonly weightBytes: number;
  /** Whether `branches` are allowed; exports by others have no attention bias. */
  readonly supportsBranches: boolean;
  /** @throws HaetaeError LM_CONTEXT_EXCEEDED where capacity exceeds the model's positions. */
  createCache(slots: number, capacity: number): KvCache;
  /** @throws HaetaeError LM_CONTEXT_EXCEEDED where a row does not fit its slot. */
  step(step: DecoderStep): Promise<StepResult>;
  close(): Promise<void>;
}
