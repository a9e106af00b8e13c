/**
 * What every parser does to text before anything else: certain mojibake repaired, NFC, LF line ends, zero-width
 * and control characters removed, non-breaking spaces made ordinary. Everything else stays as written.
 */
import { repairMojibake } from './repair-mojibake.js';

// biome's rule against control characters in literals is met by building the class from code points
const invisible = new RegExp(
  `[${range(0x00, 0x08)}${range(0x0b, 0x0c)}${range(0x0e, 0x1f)}${range(0x7f, 0x9f)}` +
    '\\u00ad\\u061c\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2064\\u2066-\\u2069\\ufeff\\ufff9-\\ufffb]',
  'gu',
);

function range(from: number, to: number): string {
  const hex = (code: number): string => `\\u${code.toString(16).padStart(4, '0')}`;
  return `${hex(from)}-${hex(to)}`;
}

/** `text` cleaned as the head comment says. */
export function cleanText(text: string): string {
  return repairMojibake(text)
    .normalize('NFC')
    .replace(/\r\n?|\u2028|\u2029/gu, '\n')
    .replace(invisible, '')
    .replace(/[\u00a0\u2007\u202f]/gu, ' ');
}
