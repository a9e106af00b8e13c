/**
 * Text to index terms, the same for documents and questions.
 *
 * One scan over the normalised text takes out, in this order, statute citations, dates, quantities with their
 * unit, Latin words and codes (`SHA-256`, `A.1.2`), and leaves Hangul words; garu splits the former badly and
 * never sees them. Field `morphemes`: those terms, and of each Hangul word the content morphemes, with particles
 * and endings gone. Field `bigrams`: character bigrams of the Hangul words, which forgive what the analyser gets
 * wrong (compounds, names) and misspellings.
 */
import { CITATION_SOURCE, citationTokens } from './citations.js';
import { createMorphemeAnalyzer, loadGaru, type MorphemeAnalyzer } from './morphemes.js';
import { normalizeText } from './normalize.js';

/** Goes into the manifest of an index: terms of different versions do not meet. */
export const tokenizerVersion = 'garu-0.3.7/1';

export interface Terms {
  /** Content morphemes, citations, quantities, Latin words and codes, in text order, repeats kept. */
  morphemes: string[];
  /** Character bigrams of Hangul words, in text order, repeats kept. */
  bigrams: string[];
}

export interface Tokenizer {
  /** Never throws; the same text gives the same terms. */
  tokenize(text: string): Terms;
}

/** Nouns, verbs, adjectives, roots; numerals and foreign words never reach garu. */
const CONTENT_TAGS = new Set(['NNG', 'NNP', 'VV', 'VA', 'XR', 'SH', 'MAG']);
/** Terms longer than this are no words (keys, hashes, damaged text): cut. */
const MAX_TERM = 40;

const UNITS =
  '년|개월|월|주일|주|일|시간|분기|분|초|명|인|회|건|개국|개사|개|점|등급|단계|차원|차|배|세|대|종|급|자리|글자|자|비트|바이트|원|달러|유로|항목|가지|층|항|호|장|편|절|목';
/** What may follow a unit that stands apart from its number, so that `2 개인정보` is not `2개`. */
const AFTER_UNIT =
  '(?=[^가-힣]|$|이내|이상|이하|미만|초과|전|후|간|마다|동안|부터|까지|[의을를이가은는에로과와도])';
const LATIN_UNITS = new Map([
  ['비트', 'bit'],
  ['바이트', 'byte'],
]);
/** Hangul that sticks to a foreign word or a number and says nothing by itself: `API를`, `VPN에서는`. */
const PARTICLE =
  /^(?:[은는이가을를의에와과도로만나]|으로|에서|에게|까지|부터|라고|이라고|란|이란|이나|이며|이고|로서|로써|으로서|으로써|에는|에도|에서는|에서의|와의|과의|보다|처럼|마다|라는|이라는|인|인데|입니다|이다|등|등을|등의|등이|등에)$/;

const SCAN = new RegExp(
  [
    `(?<citation>${CITATION_SOURCE})`,
    '(?<date>(?:19|20)\\d\\d-\\d\\d-\\d\\d)(?!\\d)',
    `(?<quantity>\\d+(?:\\.\\d+)?(?:%|(?:${UNITS})| (?:${UNITS})${AFTER_UNIT}))`,
    '(?<ordinal>제\\d+)',
    '(?<code>[a-z0-9ß-ɏ]+(?:[._/+&@:-][a-z0-9ß-ɏ]+)*(?:\\+\\+|#)?)',
    '(?<word>[가-힣]+)',
    '(?<other>[\\p{L}\\p{M}]+)',
  ].join('|'),
  'gu',
);
/** A one- or two-digit number with a stop or bracket before a space: an item's number. */
const ITEM_NUMBER = /^\d{1,2}$/;

function codeTerms(code: string): string[] {
  const short = code.slice(0, MAX_TERM);
  const parts = short.split(/[._/+&@:-]/);
  if (parts.length === 1) return [short];
  // 2.5.1, 10.5, 1/2: numbers of one piece
  if (/^[\d.\-/:]+$/.test(short)) return [short];
  const terms = [/[-_]/.test(short) ? short.replace(/[-_]/g, '') : short];
  for (const part of parts) if (part.length > 1) terms.push(part);
  return terms;
}

function quantityTerm(quantity: string): string {
  const compact = quantity.replace(' ', '');
  const unit = compact.replace(/^[\d.]+/, '');
  return compact.slice(0, compact.length - unit.length) + (LATIN_UNITS.get(unit) ?? unit);
}

/** The terms of a text, with the analyser given. */
export function tokenizeWith(analyzer: MorphemeAnalyzer, text: string): Terms {
  const morphemes: string[] = [];
  const bigrams: string[] = [];
  const normal = normalizeText(text);
  let lastEnd = -1;
  for (const match of normal.matchAll(SCAN)) {
    const found = match[0];
    const start = match.index;
    const end = start + found.length;
    const groups = match.groups as Record<string, string | undefined>;
    if (groups.word !== undefined) {
      if (start !== lastEnd || !PARTICLE.test(found)) {
        for (const { text: morpheme, pos } of analyzer.analyzeWord(found)) {
          if (CONTENT_TAGS.has(pos)) morphemes.push(morpheme);
        }
        for (let i = 0; i + 1 < found.length; i += 1) bigrams.push(found.slice(i, i + 2));
      }
    } else {
      if (groups.citation !== undefined) morphemes.push(...citationTokens(found));
      else if (groups.quantity !== undefined) morphemes.push(quantityTerm(found));
      else if (groups.code !== undefined) {
        const isItemNumber = ITEM_NUMBER.test(found) && /^[.)](?: |$)/.test(normal.slice(end, end + 2));
        if (!isItemNumber) morphemes.push(...codeTerms(found));
      } else morphemes.push(found.slice(0, MAX_TERM));
      lastEnd = end;
    }
  }
  return { morphemes, bigrams };
}

/** Loads the analyser (about 0.1 s) and gives a synchronous tokenizer. */
export async function createTokenizer(): Promise<Tokenizer> {
  const analyzer = createMorphemeAnalyzer(await loadGaru());
  return { tokenize: (text) => tokenizeWith(analyzer, text) };
}
