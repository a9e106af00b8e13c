/**
 * Refuses a ZIP container (DOCX) that would unpack to far more than it is: read from its central directory
 * before anything is unpacked (APPNOTE.TXT 4.3.12: signature `PK\1\2`, uncompressed size at offset 24).
 */
import { HaetaeError } from '../../shared/errors.js';

const maxUnpackedBytes = 256 * 1024 * 1024;
const maxRatio = 200;

/** Throws `DOCUMENT_TOO_COMPLEX` where the entries unpack to over 256 MiB, or to 200 times their size. */
export function refuseZipBomb(bytes: Uint8Array, path: string): void {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let unpacked = 0;
  const signature = Buffer.from('PK\u0001\u0002', 'latin1');
  for (let at = view.indexOf(signature); at !== -1; at = view.indexOf(signature, at + 4)) {
    if (at + 46 <= view.length) unpacked += view.readUInt32LE(at + 24);
  }
  const limit = Math.min(maxUnpackedBytes, Math.max(1024 * 1024, view.length * maxRatio));
  if (unpacked > limit) {
    throw new HaetaeError(
      'DOCUMENT_TOO_COMPLEX',
      `${path}: the container unpacks to ${unpacked} bytes, more than the ${limit} allowed.`,
      { path, unpacked, limit },
    );
  }
}
