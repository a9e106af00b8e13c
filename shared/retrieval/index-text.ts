/** The text a chunk is indexed by: what a reader would see above it, then the chunk. */
import type { Chunk } from './chunk.js';

export function indexText({ title, section, heading, content }: Chunk): string {
  const above = [title, section, heading].filter((part) => part !== '' && !content.startsWith(part));
  return `${above.join(' ')}\n${content}`;
}
