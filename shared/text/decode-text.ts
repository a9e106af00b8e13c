/**
 * Bytes of a text file to a string: UTF-8 or UTF-16 with a byte-order mark, UTF-8 without one, else CP949
 * (what Korean Excel and old Windows programs write).
 *
 * CP949 is tried only where the bytes are no valid UTF-8, and believed only where every byte maps: so a file
 * in neither encoding, or a binary one, is told apart from text. Not covered: other legacy encodings.
 */
import iconv from 'iconv-lite';

export type TextEncodingName = 'utf-8' | 'utf-8-bom' | 'utf-16le' | 'utf-16be' | 'cp949';

export interface DecodedText {
  /** Without the byte-order mark. */
  text: string;
  encoding: TextEncodingName;
}

/** Decodes `bytes`, or returns undefined where they are no text in a known encoding. */
export function decodeText(bytes: Uint8Array): DecodedText | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    return strict('utf-8', 'utf-8-bom', bytes.subarray(3));
  }
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return strict('utf-16le', 'utf-16le', bytes.subarray(2));
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return strict('utf-16be', 'utf-16be', bytes.subarray(2));
  if (bytes.includes(0)) return undefined;
  const utf8 = strict('utf-8', 'utf-8', bytes);
  if (utf8 !== undefined) return utf8;
  const text = iconv.decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), 'cp949');
  return text.includes('\ufffd') ? undefined : { text, encoding: 'cp949' };
}

function strict(label: string, encoding: TextEncodingName, bytes: Uint8Array): DecodedText | undefined {
  try {
    return { text: new TextDecoder(label, { fatal: true, ignoreBOM: true }).decode(bytes), encoding };
  } catch {
    return undefined;
  }
}
