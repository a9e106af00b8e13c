/**
 * The form of a text that is matched against: NFKC, one kind of space, quote, dash and middle dot, no bullets,
 * lower case, numbers and dates as `numbers.ts` writes them. Never shown to anybody: originals are kept.
 *
 * Before NFKC go the signs it would turn into something else: circled numbers (① would become the number 1 and
 * stick to the next word) and the Hangul middle dot ㆍ (U+318D would become a vowel).
 */
import { normalizeNumbers } from './numbers.js';

const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;
/** ①–⓿ (numbers and letters in circles, brackets, with a stop), ㈀–㉻ (the same for Hangul), ❶–➓. */
const ENUMERATORS = /[\u2460-\u24FF\u3200-\u321B\u3260-\u327B\u2776-\u2793]/g;
const MIDDLE_DOTS = /[\u318D\u00B7\u30FB\uFF65\u2027\u2219\u22C5\u119E\u0387]/g;
const BULLETS = /[\u2022\u2023\u2043\u204C\u204D\u25A0-\u25FF\u2605\u2606\u2700-\u2775\u2794-\u27BF\u203B]/g;
/** Soft hyphen, zero-width and direction marks, variation selectors, byte-order mark: they carry no text. */
const INVISIBLE = /[\p{Cf}\p{Variation_Selector}]/gu;
const DOUBLE_QUOTES = /[\u201C-\u201F\u2033\u301D-\u301F\u00AB\u00BB\u300C-\u300F\u3008-\u300B]/g;
const SINGLE_QUOTES = /[\u2018-\u201B\u2032\u2039\u203A`\u00B4]/g;
const DASHES = /[\u2010-\u2015\u2212\u2043\uFE58\uFE63]/g;
const TILDES = /[\u301C\u223C\uFF5E\u02DC]/g;
const SPACES = /[\s\p{Cc}\p{Zs}\u2800\u3164]+/gu;
/** A backslash before a sign, as Markdown writes `1\.`. */
const ESCAPED = /\\(?=[!-/:-@[-`{-~])/g;

/** The text for matching. Any string is accepted, lone surrogates included; the same input, the same output. */
export function normalizeText(text: string): string {
  const signs = text
    .replace(LONE_SURROGATE, ' ')
    .replace(ENUMERATORS, ' ')
    .replace(MIDDLE_DOTS, '·')
    .replace(BULLETS, ' ')
    .normalize('NFKC')
    .replace(INVISIBLE, '')
    .replace(DOUBLE_QUOTES, '"')
    .replace(SINGLE_QUOTES, "'")
    .replace(DASHES, '-')
    .replace(TILDES, '~')
    .replace(ESCAPED, '')
    .replace(SPACES, ' ')
    .trim()
    .toLowerCase();
  return normalizeNumbers(signs);
}
