/** What bounds the engine: memory, waiting, and how long one step of the decoder may hold the process. */
import { HaetaeError } from '../errors.js';

export interface EngineLimits {
  /** Sequences that have a slot at the same time, ≥ 1. Default 8. */
  maxSlots: number;
  /** Bytes of all keys and values, the prefix cache included. Default 512 MiB. */
  kvCacheBytes: number;
  /** Of these, bytes that the prefix cache may take; 0 switches it off. Default 128 MiB. */
  prefixCacheBytes: number;
  /** Positions of all slots together (slots × capacity). Default: what `kvCacheBytes` allows. */
  maxTokens: number;
  /** Longest prompt and output together. Default: what the model and the memory allow. */
  contextLength: number;
  /** Prompt tokens, or tokens of branches, that one step may hold: multiples of 16. Default 128. */
  stepTokens: number;
  /** The same while other sequences wait for their next token. Default 64. */
  stepTokensBesideDecode: number;
  /** Prompt tokens after which a long prompt lets the next request go ahead. Default 1024. */
  turnTokens: number;
  /** Requests that may wait for a slot; more are ENGINE_BUSY. Default 64. */
  maxQueue: number;
  /** Milliseconds without a request after which the slots' memory is given back. Default 30,000. */
  idleMs: number;
}

export const defaultEngineLimits: EngineLimits = {
  maxSlots: 8,
  kvCacheBytes: 512 * 2 ** 20,
  prefixCacheBytes: 128 * 2 ** 20,
  maxTokens: Number.MAX_SAFE_INTEGER,
  contextLength: Number.MAX_SAFE_INTEGER,
  stepTokens: 128,
  stepTokensBesideDecode: 64,
  turnTokens: 1024,
  maxQueue: 64,
  idleMs: 30_000,
};

/** @throws HaetaeError CONFIG_INVALID where a limit is not a whole number in its range. */
export function engineLimits(given: Partial<EngineLimits> = {}): EngineLimits {
  const limits = { ...defaultEngineLimits };
  for (const [name, value] of Object.entries(given) as [keyof EngineLimits, number | undefined][]) {
    if (value === undefined) continue;
    const least = name === 'prefixCacheBytes' || name === 'maxQueue' || name === 'idleMs' ? 0 : 1;
    if (!Number.isSafeInteger(value) || value < least) {
      throw new HaetaeError(
        'CONFIG_INVALID',
        `The engine's ${name} must be a whole number of at least ${least}, got ${value}.`,
        { name, value },
      );
    }
    limits[name] = value;
  }
  return limits;
}
