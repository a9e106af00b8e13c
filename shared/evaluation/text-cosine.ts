/** How near two texts are to each other: the cosine of their vectors under an embedder of unit vectors. */
import type { Embedder } from '../retrieval/embedder.js';

/** A text without words is near nothing: 0. */
export async function textCosine(
  embedder: Pick<Embedder, 'embed' | 'dimension'>,
  first: string,
  second: string,
): Promise<number> {
  if (first === '' || second === '') return 0;
  const { dimension } = embedder;
  const vectors = await embedder.embed([first, second]);
  let sum = 0;
  for (let i = 0; i < dimension; i++) sum += (vectors[i] as number) * (vectors[dimension + i] as number);
  return sum;
}
