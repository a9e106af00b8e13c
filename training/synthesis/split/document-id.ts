/** The document a chunk is of, whatever its version: the dated texts of one statute are one document. */
import type { Chunk } from '../../../shared/retrieval/chunk.js';

export function documentIdOf({ title }: Pick<Chunk, 'title'>): string {
  return title.replace(/\s*\(\d{4}-\d{2}-\d{2}\)$/u, '');
}
