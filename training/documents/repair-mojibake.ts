/**
 * Repairs text that was decoded with the wrong encoding, where it is certain; otherwise leaves it alone.
 *
 *     was           read as            looks like      certain when the bytes, read rightly,
 *     UTF-8         CP1252 / Latin-1   `ì •ë³´`        are valid UTF-8 and shorter
 *     CP949         CP1252 / Latin-1   `Á¤º¸`          are an even number ≥ 4, and all Hangul
 *     UTF-8         CP949              `諛쒖깮`         are valid UTF-8, four or more syllables, all Hangul
 *
 * Works on runs of suspicious characters, so one bad paragraph in a good document is repaired too.
 */
import iconv from 'iconv-lite';

/** Characters that Windows-1252 gives to the bytes 0x80–0x9f; the others map to themselves. */
const cp1252High = new Map<string, number>(
  [...'€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ'].map((c, i) => [c, 0x80 + i]),
);
const latinRun = /[\u0080-\u00ff€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]{2,}/gu;
/** Hanja and Hangul without a space: what UTF-8 looks like through CP949. */
const eastAsianRun = /[\p{Script=Han}\uac00-\ud7a3]{6,}/gu;
const allHangul = /^[\uac00-\ud7a3]+$/u;

/** `text` with certain mojibake repaired. */
export function repairMojibake(text: string): string {
  return text
    .replace(latinRun, (run) => utf8ReadAsLatin(run) ?? cp949ReadAsLatin(run) ?? run)
    .replace(eastAsianRun, (run) => utf8ReadAsCp949(run) ?? run);
}

function latinBytes(run: string): Uint8Array | undefined {
  const bytes = new Uint8Array(run.length);
  for (let i = 0; i < run.length; i += 1) {
    const byte = cp1252High.get(run[i] as string) ?? run.charCodeAt(i);
    if (byte > 0xff) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function utf8ReadAsLatin(run: string): string | undefined {
  const bytes = latinBytes(run);
  return bytes === undefined ? undefined : utf8(bytes);
}

function cp949ReadAsLatin(run: string): string | undefined {
  if (run.length < 4 || run.length % 2 !== 0) return undefined;
  const bytes = latinBytes(run);
  if (bytes === undefined || bytes.some((byte) => byte < 0xa1)) return undefined;
  const text = iconv.decode(Buffer.from(bytes), 'cp949');
  return allHangul.test(text) ? text : undefined;
}

function utf8ReadAsCp949(run: string): string | undefined {
  const bytes = iconv.encode(run, 'cp949');
  if (iconv.decode(bytes, 'cp949') !== run) return undefined;
  const text = utf8(bytes);
  return text !== undefined && text.length >= 4 && allHangul.test(text) ? text : undefined;
}
