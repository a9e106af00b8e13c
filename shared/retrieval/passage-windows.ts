/**
 * The stretches of a chunk that get vectors of their own: sentences packed to about 200 characters, each after
 * the chunk's heading. A mean of token vectors blurs with length; a question matches a sentence or two, so a chunk
 * is as near as its nearest window.
 */
import { splitSentences } from '../text/sentences.js';
import type { Chunk } from './chunk.js';

const windowLength = 200;

export function passageWindows({ title, heading, content }: Chunk): string[] {
  const lead = heading || title;
  const windows: string[] = [];
  let window = '';
  for (const sentence of splitSentences(content)) {
    if (sentence.trim() === '') continue;
    if (window !== '' && window.length + sentence.length > windowLength) {
      windows.push(`${lead} ${window.trim()}`);
      window = '';
    }
    window += sentence;
  }
  if (window.trim() !== '' || windows.length === 0) windows.push(`${lead} ${window.trim()}`);
  return windows;
}
