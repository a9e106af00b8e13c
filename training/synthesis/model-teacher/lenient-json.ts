/**
 * JSON as models write it: in a code fence, with prose around it, single or typographic quotes, keys without quotes,
 * commas before a bracket, line breaks and quotes in strings, comments, `True` and `None`. A strict document always reads as
 * `JSON.parse` reads it.
 *
 * Not covered: objects that were cut off. What is missing cannot be guessed.
 */

export type JsonObject = Readonly<Record<string, unknown>>;

const longestText = 100_000;
const deepest = 32;
/** Of braces that might begin an object. */
const mostTries = 100;

/** All outermost objects in the text that can be read, in order. */
export function readObjects(text: string): JsonObject[] {
  const objects: JsonObject[] = [];
  const source = text.slice(0, longestText);
  let at = source.indexOf('{');
  for (let tries = 0; at >= 0 && tries < mostTries; tries++) {
    const reader = new Reader(source, at);
    try {
      objects.push(reader.object(0));
      at = source.indexOf('{', reader.at);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      at = source.indexOf('{', at + 1);
    }
  }
  return objects;
}

const closingQuote: Readonly<Record<string, string>> = { '"': '"', "'": "'", '“': '”', '‘': '’', '`': '`' };
const escapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
const words: Readonly<Record<string, unknown>> = {
  true: true,
  false: false,
  null: null,
  True: true,
  False: false,
  None: null,
};

class Reader {
  readonly #text: string;
  at: number;

  constructor(text: string, at: number) {
    this.#text = text;
    this.at = at;
  }

  object(depth: number): JsonObject {
    this.#expect('{');
    // Without a prototype: `__proto__` is an ordinary key.
    const object: Record<string, unknown> = Object.create(null);
    while (!this.#take('}')) {
      const key = this.#key();
      this.#expect(':');
      object[key] = this.#value(depth);
      if (!this.#take(',') && this.#peek() !== '}') throw new SyntaxError('no comma');
    }
    return object;
  }

  #list(depth: number): unknown[] {
    this.#expect('[');
    const list: unknown[] = [];
    while (!this.#take(']')) {
      list.push(this.#value(depth));
      if (!this.#take(',') && this.#peek() !== ']') throw new SyntaxError('no comma');
    }
    return list;
  }

  #value(depth: number): unknown {
    if (depth >= deepest) throw new SyntaxError('too deep');
    const next = this.#peek();
    if (next === '{') return this.object(depth + 1);
    if (next === '[') return this.#list(depth + 1);
    if (next in closingQuote) return this.#string();
    const bare = this.#match(/[^\s,:[\]{}"']+/uy);
    if (Object.hasOwn(words, bare)) return words[bare];
    if (/^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/u.test(bare)) return Number(bare);
    // `3번`, `③`, `4/5`: text that lacks its quotes.
    return bare;
  }

  #key(): string {
    return this.#peek() in closingQuote ? this.#string() : this.#match(/[\p{L}_][\p{L}\p{N}_-]*/uy);
  }

  #string(): string {
    const open = this.#peek();
    const close = closingQuote[open]!;
    let text = '';
    for (this.at += 1; this.at < this.#text.length; this.at += 1) {
      const letter = this.#text[this.at]!;
      if (letter === '\\') text += this.#escape();
      else if (letter !== close) text += letter;
      else {
        this.at += 1;
        if (this.#endsHere()) return text;
        this.at -= 1;
        text += letter;
      }
    }
    throw new SyntaxError('no end of string');
  }

  /** Whether what follows may follow a string: an apostrophe or a quotation within it does not end it. */
  #endsHere(): boolean {
    return /\s*(?:[,:\]}]|$)/uy.test(this.#text.slice(this.at, this.at + 200));
  }

  /** Stands at the backslash, and ends at the last letter of the escape. */
  #escape(): string {
    this.at += 1;
    const letter = this.#text[this.at] ?? '';
    const hex = this.#text.slice(this.at + 1, this.at + 5);
    if (letter === 'u' && /^[0-9a-fA-F]{4}$/u.test(hex)) {
      this.at += 4;
      return String.fromCharCode(Number.parseInt(hex, 16));
    }
    return escapes[letter] ?? letter;
  }

  /** The next letter that is neither white space nor comment. */
  #peek(): string {
    this.#match(/(?:\s+|\/\/[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*/uy);
    return this.#text[this.at] ?? '';
  }

  #take(letter: string): boolean {
    if (this.#peek() !== letter) return false;
    this.at += 1;
    return true;
  }

  #expect(letter: string): void {
    if (!this.#take(letter)) throw new SyntaxError(`no ${letter}`);
  }

  #match(sticky: RegExp): string {
    sticky.lastIndex = this.at;
    const match = sticky.exec(this.#text);
    if (!match) throw new SyntaxError('nothing that is known');
    this.at = sticky.lastIndex;
    return match[0];
  }
}

/** A field under any of its names, however they are written: `correct_answer`, `correctAnswer`, `Correct Answer`. */
export function fieldOf(object: JsonObject, names: readonly string[]): unknown {
  const plain = (name: string) => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
  const wanted = names.map(plain);
  const found = Object.entries(object)
    .map(([name, value]) => ({ rank: wanted.indexOf(plain(name)), value }))
    .filter(({ rank, value }) => rank >= 0 && value !== null && value !== undefined)
    .sort((a, b) => a.rank - b.rank);
  return found[0]?.value;
}
