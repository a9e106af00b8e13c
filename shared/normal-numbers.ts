/**
 * Standard normal numbers from uniform ones, by Box and Muller's transform: u, v give √(−2 ln u) · cos 2πv, then
 * √(−2 ln u) · sin 2πv.
 * @param uniform numbers in 0 < x ≤ 1: the logarithm of 0 is none
 */
export function normalNumbers(uniform: () => number): () => number {
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}
