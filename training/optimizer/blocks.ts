/**
 * The pieces in which a kernel goes over the regions of a `ParameterMemory`. They depend on the tensors alone, so that
 * sums which are made block by block, and then added in the order of the blocks, are the same whoever made them.
 */
import type { Place } from './parameter-memory.js';

/** Neighbouring tensors, or a part of them, that all decay or all do not. */
export interface Block {
  /** Bytes from the start of a region. */
  readonly offset: number;
  readonly bytes: number;
  readonly decay: boolean;
}

/** Small enough that threads end within 0.2 ms of one another, large enough that processors fetch ahead. */
export const BLOCK_BYTES = 2 ** 20;

/** @param places one after another, without holes */
export function blocksOf(places: readonly Place[]): Block[] {
  const blocks: { offset: number; bytes: number; decay: boolean }[] = [];
  for (const { spec, offset, bytes } of places) {
    const { decay } = spec;
    let done = 0;
    while (done < bytes) {
      const last = blocks.at(-1);
      if (last?.decay === decay && last.bytes < BLOCK_BYTES) {
        const more = Math.min(bytes - done, BLOCK_BYTES - last.bytes);
        last.bytes += more;
        done += more;
      } else {
        blocks.push({ offset: offset + done, bytes: 0, decay });
      }
    }
  }
  return blocks;
}
