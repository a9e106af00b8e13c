/**
 * How WebAssembly's binary format writes numbers, text and lists
 * (WebAssembly Core Specification 2.0, §5.1 and §5.2).
 */

/** Bytes of a module, or of a part of one. */
export type Bytes = readonly number[];

/** An unsigned integer of up to 32 bits in LEB128: 7 bits a byte, the lowest first, the top bit = more follow. */
export function unsigned(value: number): Bytes {
  const bytes: number[] = [];
  let rest = value >>> 0;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return [...bytes, rest];
}

/** A 32-bit integer in signed LEB128: as above; bit 6 of the last byte is the sign of all that is above it. */
export function signed(value: number): Bytes {
  const bytes: number[] = [];
  let rest = value | 0;
  while (rest < -0x40 || rest > 0x3f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>= 7;
  }
  return [...bytes, rest & 0x7f];
}

/** An IEEE 754 single, little-endian. */
export function float32(value: number): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return [...bytes];
}

/** Text: the length of its UTF-8 in bytes, then these. */
export function text(value: string): Bytes {
  const bytes = new TextEncoder().encode(value);
  return [...unsigned(bytes.length), ...bytes];
}

/** A list: how many, then one after another. */
export function list(items: readonly Bytes[]): Bytes {
  return [...unsigned(items.length), ...items.flat()];
}

/** Bytes after their own length. */
export function sized(content: Bytes): Bytes {
  return [...unsigned(content.length), ...content];
}
