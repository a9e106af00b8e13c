/** Seeds of requests that must differ: of what is asked about, not of when. */
import { createHash } from 'node:crypto';

/** 31 bits: what every server takes. */
export function askSeed(...parts: readonly (string | number)[]): number {
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest();
  return digest.readUInt32BE(0) >>> 1;
}
