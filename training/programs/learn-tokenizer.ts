/**
 * The tokenizer of a new language model: byte-level BPE (Radford et al. 2019) learnt from the training documents, so
 * that every text has tokens and every token sequence a text.
 *
 * Text is composed (NFC) and cut into words, numbers of up to three digits, and runs of the rest, by the pattern of
 * Llama 3 and GPT-4; merges do not cross a cut. Ids: control tokens 0–2, the 256 bytes, then merges in the order
 * learnt. Chats are written in ChatML, so a model trained from it can be fine-tuned on them.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { HaetaeError } from '../../shared/errors.js';
import { type BpeTextRules, type TokenizerJson, trainBpeModel } from '../../shared/lm/tokenizer.js';

/** In the order of their ids. */
export const controlTokens = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'] as const;
export const textEndId = 0;
export const turnEndId = 2;

const words =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };

export const textRules: BpeTextRules = {
  normalizer: { type: 'NFC' },
  preTokenizer: {
    type: 'Sequence',
    pretokenizers: [
      { type: 'Split', pattern: { Regex: words }, behavior: 'Isolated', invert: false },
      byteLevel,
    ],
  },
};

const chatTemplate =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** The most the library's trainer learns. */
export const mostEntries = 30_000;

/**
 * Learns at most `vocabSize` entries (fewer where the texts hold fewer merges), writes the files of a tokenizer into
 * a folder, and returns how many there are.
 * @throws HaetaeError CONFIG_INVALID where so many cannot be learnt
 */
export async function learnTokenizer(
  texts: AsyncIterable<string>,
  vocabSize: number,
  folder: string,
): Promise<number> {
  const least = controlTokens.length + 256;
  if (vocabSize < least || vocabSize > mostEntries) {
    throw new HaetaeError(
      'CONFIG_INVALID',
      `tokenizer.vocabSize is ${vocabSize}, allowed is a whole number from ${least} to ${mostEntries}.`,
      { vocabSize },
    );
  }
  const scratch = await mkdtemp(join(tmpdir(), 'haetae-tokenizer-'));
  let learnt: TokenizerJson;
  try {
    const corpus = join(scratch, 'corpus.txt');
    await pipeline(Readable.from(lines(texts)), createWriteStream(corpus));
    learnt = await trainBpeModel([corpus], textRules);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  const tokenizer = byteLevelTokenizer(learnt, vocabSize);
  await mkdir(folder, { recursive: true });
  const write = (name: string, json: unknown) =>
    writeFile(join(folder, name), `${JSON.stringify(json, null, 2)}\n`);
  await write('tokenizer_config.json', {
    tokenizer_class: 'PreTrainedTokenizerFast',
    ...{ bos_token: null, eos_token: controlTokens[turnEndId], pad_token: controlTokens[textEndId] },
    ...{ clean_up_tokenization_spaces: false, chat_template: chatTemplate },
  });
  // Last: a folder that has it is whole.
  await write('tokenizer.json', tokenizer);
  return Object.keys(tokenizer.model.vocab).length;
}

/** Puts control tokens and all bytes before the merges, of which as many are kept as there is room for. */
function byteLevelTokenizer(learnt: TokenizerJson, vocabSize: number): TokenizerJson {
  const vocab = new Map<string, number>();
  for (const token of [...controlTokens, ...byteAlphabet()]) vocab.set(token, vocab.size);
  const merges: [string, string][] = [];
  for (const [left, right] of learnt.model.merges) {
    if (!vocab.has(left + right)) {
      if (vocab.size === vocabSize) break;
      vocab.set(left + right, vocab.size);
    }
    merges.push([left, right]);
  }
  return {
    ...learnt,
    added_tokens: controlTokens.map((content, id) => ({
      ...{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
    })),
    decoder: byteLevel,
    model: { ...learnt.model, vocab: Object.fromEntries(vocab), merges },
  };
}

/** The character that stands for each byte in GPT-2's vocabulary: itself where it is visible, else from U+0100 on. */
function byteAlphabet(): string[] {
  const isVisible = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isVisible(byte) ? byte : next++));
}

async function* lines(texts: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const text of texts) yield `${text}\n`;
}
