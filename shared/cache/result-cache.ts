/**
 * Cache-aside with single flight: look up, else compute once for all who ask, and keep what is worth keeping.
 *
 * Entries live for `ttlMs` and at most `maxEntries` of them, least recently used out first. `maxEntries` 0
 * keeps nothing but still coalesces. Values are shared between callers: treat them as frozen.
 */
import { LRUCache } from 'lru-cache';
import { SingleFlight } from './single-flight.js';

export type CacheOutcome = 'hit' | 'miss' | 'coalesced';

export interface CacheOptions {
  maxEntries: number;
  ttlMs: number;
}

export interface CacheCounters {
  entries: number;
  hits: number;
  misses: number;
  coalesced: number;
}

export interface ResolveOptions<V> {
  signal?: AbortSignal;
  /** Whether a computed value may be kept; default: yes. */
  cacheable?: (value: V) => boolean;
  /** Only callers with the same value join one computation; default: the key. */
  flightKey?: string;
}

export class ResultCache<V extends object> {
  readonly #entries: LRUCache<string, V> | undefined;
  readonly #flights = new SingleFlight<V>();
  #generation = 0;
  #hits = 0;
  #misses = 0;
  #coalesced = 0;

  constructor({ maxEntries, ttlMs }: CacheOptions) {
    this.#entries = maxEntries > 0 ? new LRUCache<string, V>({ max: maxEntries, ttl: ttlMs }) : undefined;
  }

  /** Rejects with what `compute` threw (which is never kept), or with the reason of `signal`. */
  async resolve(
    key: string,
    compute: (signal: AbortSignal) => Promise<V>,
    { signal, cacheable = () => true, flightKey = key }: ResolveOptions<V> = {},
  ): Promise<{ value: V; outcome: CacheOutcome }> {
    signal?.throwIfAborted();
    const cached = this.#entries?.get(key);
    if (cached !== undefined) {
      this.#hits += 1;
      return { value: cached, outcome: 'hit' };
    }
    const generation = this.#generation;
    const computeAndKeep = async (flightSignal: AbortSignal) => {
      const value = await compute(flightSignal);
      if (generation === this.#generation && cacheable(value)) this.#entries?.set(key, value);
      return value;
    };
    const { value, joined } = await this.#flights.run(flightKey, computeAndKeep, signal);
    if (joined) this.#coalesced += 1;
    else this.#misses += 1;
    return { value, outcome: joined ? 'coalesced' : 'miss' };
  }

  /**
   * Drops every entry, or those whose key (see `cacheKey`) matches `pattern`. What is being computed at this
   * moment still reaches those who wait for it, but is not kept. Returns the number of entries dropped.
   */
  clear(pattern?: RegExp): number {
    this.#generation += 1;
    this.#flights.detach();
    const keys = [...(this.#entries?.keys() ?? [])];
    const dropped = pattern === undefined ? keys : keys.filter((key) => key.search(pattern) !== -1);
    for (const key of dropped) this.#entries?.delete(key);
    return dropped.length;
  }

  counters(): CacheCounters {
    return {
      entries: this.#entries?.size ?? 0,
      hits: this.#hits,
      misses: this.#misses,
      coalesced: this.#coalesced,
    };
  }
}
