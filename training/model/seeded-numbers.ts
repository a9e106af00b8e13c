/**
 * Random numbers for initial weights: one stream for each (seed, tensor name), so that a tensor's values depend
 * neither on the other tensors nor on their order, and are the same on every machine.
 *
 * The generator is xoshiro128++ (Blackman & Vigna, "Scrambled Linear Pseudorandom Number Generators", 2021), period
 * 2^128 − 1; its state is the first 16 bytes of SHA-256("seed:name"), little endian. (The 32 bits of mulberry32
 * would not do: streams of ten million numbers out of 2^32 overlap.) Uniform numbers are 2^-33 + k · 2^-32, normal ones
 * made of them by `normalNumbers`.
 */
import { createHash } from 'node:crypto';
import { normalNumbers } from '../../shared/normal-numbers.js';

export interface SeededNumbers {
  /** Uniform in 0 < x < 1. */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
}

export function seededNumbers(seed: number, name: string): SeededNumbers {
  const digest = createHash('sha256').update(`${seed}:${name}`).digest();
  let [a, b, c, d] = [0, 4, 8, 12].map((at) => digest.readInt32LE(at)) as [number, number, number, number];

  function uniform(): number {
    const sum = (a + d) | 0;
    const bits = (((sum << 7) | (sum >>> 25)) + a) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return bits * 2 ** -32 + 2 ** -33;
  }

  return { uniform, normal: normalNumbers(uniform) };
}
