/**
 * Keys and values of prompt prefixes that were computed before, in blocks of 16 tokens: the shared system prompt of
 * all questions, the passages that several statements are judged by, the turns of a conversation.
 *
 * A block is found by its tokens and the block before it, so that equal tokens behind different beginnings are
 * different blocks (Kwon et al. 2023, vLLM; here by the tokens themselves, so that nothing can collide). Blocks are
 * copied into a slot and out of it. The least recently used goes first; a block is always used together with all
 * blocks before it, and touched before them, so the one that goes is never in the middle of a chain.
 */
import type { Decoder, KvCache } from './decoder.js';

const blocksPerSlab = 32;

interface Block {
  id: number;
  key: string;
  slab: KvCache;
  slot: number;
  /** False once its place was given to another block. */
  alive: boolean;
  /** The walk that used it last. */
  walk: PrefixWalk | null;
}

/** How far one prompt has come: the blocks it was found in, or left. */
export class PrefixWalk {
  readonly blocks: Block[] = [];
}

export class PrefixCache {
  /** Tokens in a block: prefixes are found in multiples of it. */
  readonly blockTokens: number;
  readonly #decoder: Decoder;
  readonly #maxBlocks: number;
  readonly #blockBytes: number;
  readonly #slabs: KvCache[] = [];
  readonly #free: { slab: KvCache; slot: number }[] = [];
  /** Least recently used first. */
  readonly #blocks = new Map<string, Block>();
  #nextId = 1;

  /** @param bytesPerPosition keys and values of one token in all layers */
  constructor(decoder: Decoder, bytesPerPosition: number, maxBytes: number) {
    this.#decoder = decoder;
    this.blockTokens = Math.min(16, decoder.config.maxPositions);
    this.#blockBytes = bytesPerPosition * this.blockTokens;
    this.#maxBlocks = Math.floor(maxBytes / this.#blockBytes);
  }

  /** Bytes allocated; never more than the bound. */
  get bytes(): number {
    return this.#slabs.reduce((sum, slab) => sum + slab.slots, 0) * this.#blockBytes;
  }

  /**
   * Puts known blocks behind what a slot holds, as far as the prompt goes on as they do, and returns the number of
   * positions added. The last token is never taken: its logits have to be computed.
   */
  fill(walk: PrefixWalk, cache: KvCache, slot: number, prompt: readonly number[]): number {
    const size = this.blockTokens;
    let position = cache.length(slot);
    const start = position;
    while (walk.blocks.length * size === position && position + size < prompt.length) {
      const block = this.#blocks.get(this.#key(walk, prompt));
      if (!block) break;
      cache.copyFrom(block.slab, { slot: block.slot, position: 0 }, { slot, position }, size);
      walk.blocks.push(block);
      position += size;
    }
    if (position > start) this.#touch(walk);
    return position - start;
  }

  /** Keeps the whole blocks of what a slot holds, as far as room can be made. */
  keep(walk: PrefixWalk, cache: KvCache, slot: number, tokens: readonly number[]): void {
    const size = this.blockTokens;
    const whole = Math.floor(Math.min(cache.length(slot), tokens.length) / size);
    const known = walk.blocks.length;
    while (walk.blocks.length < whole && walk.blocks.at(-1)?.alive !== false) {
      const key = this.#key(walk, tokens);
      let block = this.#blocks.get(key);
      if (!block) {
        const place = this.#makeRoom(walk);
        if (!place) break;
        const position = walk.blocks.length * size;
        place.slab.copyFrom(cache, { slot, position }, { slot: place.slot, position: 0 }, size);
        block = { ...place, id: this.#nextId++, key, alive: true, walk };
        this.#blocks.set(key, block);
      }
      block.walk = walk;
      walk.blocks.push(block);
    }
    if (walk.blocks.length > known) this.#touch(walk);
  }

  /** Forgets everything and gives the memory back. */
  clear(): void {
    for (const block of this.#blocks.values()) block.alive = false;
    this.#blocks.clear();
    this.#slabs.length = 0;
    this.#free.length = 0;
  }

  /** Of the block that follows a walk. */
  #key(walk: PrefixWalk, tokens: readonly number[]): string {
    const start = walk.blocks.length * this.blockTokens;
    return `${walk.blocks.at(-1)?.id ?? 0}:${tokens.slice(start, start + this.blockTokens).join(',')}`;
  }

  /** A place for one block, or null where all others are used by this walk itself. */
  #makeRoom(walk: PrefixWalk): { slab: KvCache; slot: number } | null {
    const allocated = this.#slabs.reduce((sum, slab) => sum + slab.slots, 0);
    if (this.#free.length === 0 && allocated < this.#maxBlocks) {
      const slots = Math.min(blocksPerSlab, this.#maxBlocks - allocated);
      const slab = this.#decoder.createCache(slots, this.blockTokens);
      this.#slabs.push(slab);
      for (let slot = slots - 1; slot >= 0; slot--) this.#free.push({ slab, slot });
    }
    const place = this.#free.pop();
    if (place) return place;
    const oldest = this.#blocks.values().next().value;
    if (!oldest || oldest.walk === walk) return null;
    this.#blocks.delete(oldest.key);
    oldest.alive = false;
    return { slab: oldest.slab, slot: oldest.slot };
  }

  /** Makes a walk's blocks the most recently used, the first one most of all. */
  #touch(walk: PrefixWalk): void {
    for (let i = walk.blocks.length - 1; i >= 0; i--) {
      const block = walk.blocks[i]!;
      if (!block.alive) continue;
      block.walk = walk;
      this.#blocks.delete(block.key);
      this.#blocks.set(block.key, block);
    }
  }
}
