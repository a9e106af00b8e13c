/**
 * A key that requests may carry. Only its SHA-256 digest is kept, in a private field: whatever prints or serialises the
 * configuration shows nothing of it. Compared in constant time.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

export class SecretKey {
  readonly #digest: Buffer;

  constructor(text: string) {
    this.#digest = digestOf(text);
  }

  matches(given: string): boolean {
    // Digests are of one length, which timingSafeEqual asks for, and tell nothing of that of the key.
    return timingSafeEqual(this.#digest, digestOf(given));
  }
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
