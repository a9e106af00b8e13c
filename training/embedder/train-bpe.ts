/**
 * The vocabulary of the static embedder: BPE over characters, learnt from the corpus.
 *
 * - Normaliser: the Korean middle dot `ㆍ` (U+318D, a letter to Unicode) becomes `·`; NFKC (full-width forms,
 *   `①`, `㈜`, decomposed Hangul); lower case.
 * - Pre-tokeniser: runs of letters, runs of one to four digits; all else separates and is dropped, since a mean
 *   of token vectors has no use for punctuation.
 * - A character the corpus never had is spelt in its UTF-8 bytes, so every text encodes.
 *
 * Ids: `[PAD]` 0, `[UNK]` 1, the 256 bytes, the alphabet in code-point order, then merges in the order learnt.
 * Training counts pairs and breaks ties by the pair itself, so the same texts in the same order give the same
 * vocabulary.
 */
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { HaetaeError } from '../../shared/errors.js';
import { type BpeTextRules, type TokenizerJson, trainBpeModel } from '../../shared/lm/tokenizer.js';

export const padToken = '[PAD]';
export const unknownToken = '[UNK]';

export const retrievalTextRules: BpeTextRules = {
  normalizer: {
    type: 'Sequence',
    normalizers: [
      { type: 'Replace', pattern: { String: 'ㆍ' }, content: '·' },
      { type: 'NFKC' },
      { type: 'Lowercase' },
    ],
  },
  preTokenizer: {
    type: 'Split',
    pattern: { Regex: '[\\p{L}\\p{M}]+|\\p{N}{1,4}' },
    behavior: 'Removed',
    invert: true,
  },
};

/** Learns a vocabulary of at most `vocabSize` entries; smaller where the texts hold too few merges. */
export async function trainBpe(
  texts: Iterable<string> | AsyncIterable<string>,
  vocabSize: number,
): Promise<TokenizerJson> {
  const folder = await mkdtemp(join(tmpdir(), 'haetae-bpe-'));
  try {
    const corpus = join(folder, 'corpus.txt');
    await pipeline(Readable.from(lines(texts)), createWriteStream(corpus));
    return cutVocabulary(await trainBpeModel([corpus], retrievalTextRules), vocabSize);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Keeps the first merges of a character-level BPE tokenizer, as many as fit into `size` entries beside the
 * special tokens, the bytes and the alphabet.
 * @throws HaetaeError CONFIG_INVALID where `size` cannot hold even those.
 */
export function cutVocabulary(tokenizer: TokenizerJson, size: number): TokenizerJson {
  const results = new Set(tokenizer.model.merges.map(([left, right]) => left + right));
  const special = new Set(tokenizer.added_tokens.map(({ content }) => content));
  const alphabet = Object.keys(tokenizer.model.vocab)
    .filter((token) => !results.has(token) && !special.has(token) && !isByteToken(token))
    .sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
  const bytes = Array.from({ length: 256 }, (_, byte) => byteToken(byte));
  const vocab = new Map([padToken, unknownToken, ...bytes, ...alphabet].map((token, id) => [token, id]));
  if (vocab.size > size) {
    throw new HaetaeError(
      'CONFIG_INVALID',
      `A vocabulary of ${size} entries is too small: the characters of these texts and the bytes take ` +
        `${vocab.size}. Ask for more.`,
      { size, needed: vocab.size },
    );
  }
  const merges: [string, string][] = [];
  for (const [left, right] of tokenizer.model.merges) {
    if (!vocab.has(left + right)) {
      if (vocab.size === size) {
        break;
      }
      vocab.set(left + right, vocab.size);
    }
    merges.push([left, right]);
  }
  return {
    ...tokenizer,
    added_tokens: [padToken, unknownToken].map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    model: {
      ...tokenizer.model,
      unk_token: unknownToken,
      byte_fallback: true,
      vocab: Object.fromEntries(vocab),
      merges,
    },
  };
}

function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}

function isByteToken(token: string): boolean {
  return /^<0x[0-9A-F]{2}>$/.test(token);
}

async function* lines(texts: Iterable<string> | AsyncIterable<string>): AsyncGenerator<string> {
  for await (const text of texts) {
    yield `${text}\n`;
  }
}
