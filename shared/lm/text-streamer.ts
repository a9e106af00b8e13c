/**
 * Text of tokens as they come. A token may hold part of a character (byte-level BPE gives a Hangul syllable in up
 * to three tokens), and some decoders drop a leading space: so the text of a token is the difference that it makes
 * to the text of a window of tokens, as vLLM and transformers' `TextStreamer` find it.
 *
 * Bytes that are not (yet) a character decode to U+FFFD. As long as the window's text ends in U+FFFD it is held
 * back; what is held when the output ends is given out only if the bytes really are that character.
 */
import type { Tokenizer } from './tokenizer.js';

/** Tokens that the window may hold before it is moved on: decoding is linear in it. */
const longestWindow = 16;
const replacement = '\uFFFD';

export class TextStreamer {
  readonly #tokenizer: Pick<Tokenizer, 'decode' | 'idToToken'>;
  #window: number[] = [];
  /** Of the window's tokens, those whose text was given out, and the length of that text. */
  #givenTokens = 0;
  #givenLength = 0;

  constructor(tokenizer: Pick<Tokenizer, 'decode' | 'idToToken'>) {
    this.#tokenizer = tokenizer;
  }

  /** Whether text is held back. */
  get holds(): boolean {
    return this.#window.length > this.#givenTokens;
  }

  /** The text that became certain with this token; may be ''. */
  async push(id: number): Promise<string> {
    this.#window.push(id);
    const text = await this.#tokenizer.decode(this.#window);
    let certain = text.length;
    while (certain > 0 && text[certain - 1] === replacement) certain--;
    if (certain < text.length) {
      return this.#give(text, certain);
    }
    const piece = this.#give(text, certain);
    const before = this.#givenTokens;
    this.#givenTokens = this.#window.length;
    if (this.#window.length > longestWindow && before > 0) {
      // the last tokens stay: the text of what follows may depend on them
      this.#window = this.#window.slice(before);
      this.#givenTokens = this.#window.length;
      this.#givenLength = (await this.#tokenizer.decode(this.#window)).length;
    }
    return piece;
  }

  /** What was held back and is real text: replacement characters that the model wrote as such. */
  async end(): Promise<string> {
    const held = this.#window.slice(this.#givenTokens);
    const bytes = held.flatMap((id) => tokenBytes(this.#tokenizer.idToToken(id) ?? ''));
    if (held.length === 0 || !isUtf8(bytes)) return '';
    const text = await this.#tokenizer.decode(this.#window);
    return this.#give(text, text.length);
  }

  #give(text: string, length: number): string {
    const piece = text.slice(this.#givenLength, length);
    this.#givenLength = Math.max(this.#givenLength, length);
    return piece;
  }
}

/**
 * Bytes of a token as byte-level BPE (GPT-2's alphabet of visible characters) or byte fallback (`<0xEA>`) spells
 * it; a token of neither kind is its own text.
 */
function tokenBytes(token: string): number[] {
  const fallback = /^<0x([0-9A-Fa-f]{2})>$/.exec(token);
  if (fallback) return [Number.parseInt(fallback[1]!, 16)];
  const bytes = [...token].map((character) => byteOf.get(character));
  return bytes.includes(undefined) ? [...Buffer.from(token, 'utf8')] : (bytes as number[]);
}

/** GPT-2's `bytes_to_unicode`, reversed: printable Latin-1 stands for itself, the rest for U+0100 onwards. */
const byteOf = byteAlphabet();

function byteAlphabet(): Map<string, number> {
  const alphabet = new Map<string, number>();
  let next = 0x100;
  for (let byte = 0; byte < 0x100; byte++) {
    const visible = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    alphabet.set(String.fromCodePoint(visible ? byte : next++), byte);
  }
  return alphabet;
}

function isUtf8(bytes: readonly number[]): boolean {
  const buffer = Buffer.from(bytes);
  return Buffer.from(buffer.toString('utf8'), 'utf8').equals(buffer);
}
