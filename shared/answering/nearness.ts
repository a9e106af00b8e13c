/** Cosines of the choices of a question with its stem and with the windows of its passages. */

export interface Nearness {
  nearest: number;
  meanNearness: number;
  nearStem: number;
  nearestTogether: number;
}

/**
 * @param asked unit vectors [1 + 2·choices, dimension]: the stem, each choice, then stem and choice together.
 * @param windows unit vectors [windows, dimension].
 */
export function nearness(asked: Float32Array, windows: Float32Array, dimension: number): Nearness[] {
  const choices = (asked.length / dimension - 1) / 2;
  const count = windows.length / dimension;
  return Array.from({ length: choices }, (_, choice) => {
    const alone = 1 + choice;
    const together = 1 + choices + choice;
    let nearest = 0;
    let nearestTogether = 0;
    let sum = 0;
    for (let window = 0; window < count; window++) {
      const cosine = dot(asked, alone, windows, window, dimension);
      sum += cosine;
      nearest = Math.max(nearest, cosine);
      nearestTogether = Math.max(nearestTogether, dot(asked, together, windows, window, dimension));
    }
    return {
      nearest,
      meanNearness: count === 0 ? 0 : sum / count,
      nearStem: dot(asked, 0, asked, alone, dimension),
      nearestTogether,
    };
  });
}

/** Inner product of row i of a and row j of b. */
function dot(a: Float32Array, i: number, b: Float32Array, j: number, dimension: number): number {
  let sum = 0;
  for (let d = 0; d < dimension; d++)
    sum += (a[i * dimension + d] as number) * (b[j * dimension + d] as number);
  return sum;
}
