/** The text of a file, decoded and cleaned; what is no text, or holds none, is refused by name. */
import { HaetaeError } from '../../shared/errors.js';
import { decodeText } from '../../shared/text/decode-text.js';
import { cleanText } from './clean-text.js';

/** Larger than any book; text formats are parsed in this process, so their size bounds its time and memory. */
const maxTextBytes = 16 * 1024 * 1024;

/** Throws `DOCUMENT_EMPTY`, `DOCUMENT_UNREADABLE` or `DOCUMENT_TOO_COMPLEX`. */
export function textOf(bytes: Uint8Array, path: string): string {
  if (bytes.length > maxTextBytes) {
    throw new HaetaeError(
      'DOCUMENT_TOO_COMPLEX',
      `${path}: the text has ${bytes.length} bytes, more than the ${maxTextBytes} allowed. Split it.`,
      { path },
    );
  }
  const decoded = decodeText(bytes);
  if (decoded === undefined) {
    throw new HaetaeError(
      'DOCUMENT_UNREADABLE',
      `${path}: the bytes are neither UTF-8 nor CP949 text. Save the file as UTF-8.`,
      { path },
    );
  }
  const text = cleanText(decoded.text);
  if (text.trim() === '') {
    throw new HaetaeError('DOCUMENT_EMPTY', `${path}: the file holds no text (${bytes.length} bytes).`, {
      path,
    });
  }
  return text;
}
