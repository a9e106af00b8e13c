/** The end of a text file: whole lines, as far as `bytes` go. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** A link is not followed. @throws the system's error where there is no file */
export async function readTail(path: string, bytes: number): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - bytes);
    const buffer = Buffer.alloc(size - start);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
    const text = buffer.toString('utf8', 0, bytesRead);
    // A line that was cut begins in the middle of a word, or of a character. A single one is shown as it is.
    const whole = start === 0 ? 0 : text.indexOf('\n') + 1;
    return whole < text.length ? text.slice(whole) : text;
  } finally {
    await file.close();
  }
}
