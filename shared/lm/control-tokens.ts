/**
 * Control tokens (`<|im_end|>`, `[/INST]`, `</s>`) in text that is not the template's. A tokenizer finds them
 * anywhere, so a question or a document that holds one could end its turn and begin another's. They are broken by
 * a space behind their first character: the text stays readable, and is tokens of plain text.
 *
 * Not covered: added tokens that are looked for in normalised text, where the tokenizer folds lookalikes.
 */
import { readFile } from 'node:fs/promises';
import { HaetaeError, messageOf } from '../errors.js';

/** Rounds of breaking; a text whose pieces still join into tokens after that loses them. */
const maxRounds = 4;

export class ControlTokens {
  readonly #pattern: RegExp | null;

  /** @param tokens their texts; blank ones (runs of spaces) control nothing and are left alone. */
  constructor(tokens: readonly string[]) {
    const texts = [...new Set(tokens)].filter((token) => token.trim() !== '');
    // The longest first, so that a token is taken before the tokens it holds.
    texts.sort((a, b) => b.length - a.length);
    this.#pattern = texts.length > 0 ? new RegExp(texts.map(literal).join('|'), 'gu') : null;
  }

  /** The text without control tokens. */
  neutralize(text: string): string {
    if (!this.#pattern) return text;
    let plain = text;
    for (let round = 0; round < maxRounds && plain.search(this.#pattern) >= 0; round++) {
      plain = plain.replace(this.#pattern, (token) => {
        const [first = '', ...rest] = token;
        return rest.length > 0 ? `${first} ${rest.join('')}` : '';
      });
    }
    return plain.search(this.#pattern) < 0
      ? plain
      : plain.replace(this.#pattern, ' ').replace(this.#pattern, '');
  }
}

/**
 * The added tokens of a `tokenizer.json`.
 * @throws HaetaeError MODEL_INVALID where the file cannot be read.
 */
export async function readControlTokens(path: string): Promise<ControlTokens> {
  try {
    const { added_tokens: added } = JSON.parse(await readFile(path, 'utf8')) as {
      added_tokens?: { content?: unknown }[] | null;
    };
    return new ControlTokens(
      (added ?? []).map(({ content }) => content).filter((content) => typeof content === 'string'),
    );
  } catch (error) {
    throw new HaetaeError(
      'MODEL_INVALID',
      `${path} cannot be read: ${messageOf(error)}. Copy it again from its source.`,
      { path },
      { cause: error },
    );
  }
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/gu, '\\$&');
}
