/**
 * Hugging Face `tokenizers`, behind the small interface this project needs. This is the one file that imports
 * it; the native library is loaded on first use, not at import.
 */
import { readFile } from 'node:fs/promises';
import { HaetaeError, messageOf } from '../errors.js';

export interface EncodeOptions {
  /** Let the post-processor add its tokens (`[CLS]`, `</s>`, …). Default true. */
  addSpecialTokens?: boolean;
}

export interface Tokenizer {
  /** Entries, added tokens included. */
  readonly vocabSize: number;
  /** Token ids of each text. */
  encodeBatch(texts: readonly string[], options?: EncodeOptions): Promise<number[][]>;
  encode(text: string, options?: EncodeOptions): Promise<number[]>;
  decode(ids: readonly number[], options?: { skipSpecialTokens?: boolean }): Promise<string>;
  tokenToId(token: string): number | undefined;
  idToToken(id: number): string | undefined;
}

export interface OpenTokenizerOptions {
  /** Longest encoding in tokens, special tokens included; longer texts lose their end. Default: no limit. */
  maxTokens?: number;
}

/** What a `tokenizer.json` holds, as far as this project reads or writes it. */
export interface TokenizerJson {
  added_tokens: { id: number; content: string; special: boolean; [key: string]: unknown }[];
  padding: { pad_id: number; pad_token: string } | null;
  model: { type: string; vocab: Record<string, number>; merges: [string, string][]; [key: string]: unknown };
  [key: string]: unknown;
}

/** How text is normalised and split before BPE merges are learnt inside each piece. */
export interface BpeTextRules {
  /** Components of a `tokenizer.json`, as plain JSON. */
  normalizer: unknown;
  preTokenizer: unknown;
}

/**
 * Opens a `tokenizer.json`.
 * @throws HaetaeError MODEL_INVALID where the file is absent or the library refuses it.
 */
export async function openTokenizer(path: string, options: OpenTokenizerOptions = {}): Promise<Tokenizer> {
  const json = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new HaetaeError(
      'MODEL_INVALID',
      `The tokenizer ${path} cannot be read: ${messageOf(error)}. Copy it again from its source.`,
      { path },
    );
  });
  return parseTokenizer(json, path, options);
}

/** As `openTokenizer`, from the text of the file; `what` names it in errors. */
export async function parseTokenizer(
  json: string,
  what: string,
  options: OpenTokenizerOptions = {},
): Promise<Tokenizer> {
  const library = await import('tokenizers');
  let tokenizer: InstanceType<typeof library.Tokenizer>;
  try {
    tokenizer = library.Tokenizer.fromString(json);
  } catch (error) {
    const message = `${what} is not a tokenizer that can be used: ${messageOf(error)}. Copy it again from its source.`;
    throw new HaetaeError('MODEL_INVALID', message, { path: what }, { cause: error });
  }
  tokenizer.disablePadding();
  tokenizer.disableTruncation();
  if (options.maxTokens !== undefined) {
    tokenizer.setTruncation(options.maxTokens);
  }
  return {
    vocabSize: tokenizer.getVocabSize(true),
    async encodeBatch(texts, { addSpecialTokens = true } = {}) {
      const encodings = await tokenizer.encodeBatch([...texts], { addSpecialTokens });
      return encodings.map((encoding) => encoding.getIds());
    },
    async encode(text, { addSpecialTokens = true } = {}) {
      return (await tokenizer.encode(text, null, { addSpecialTokens })).getIds();
    },
    decode: (ids, { skipSpecialTokens = true } = {}) => tokenizer.decode([...ids], skipSpecialTokens),
    tokenToId: (token) => tokenizer.tokenToId(token) ?? undefined,
    idToToken: (id) => tokenizer.idToToken(id) ?? undefined,
  };
}

/**
 * Learns BPE merges from UTF-8 text files, lines being texts. The library's binding has no trainer settings:
 * it always learns up to 30,000 entries (alphabet included), in order of merging.
 */
export async function trainBpeModel(files: readonly string[], rules: BpeTextRules): Promise<TokenizerJson> {
  const library = await import('tokenizers');
  const empty: TokenizerJson = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: rules.normalizer,
    pre_tokenizer: rules.preTokenizer,
    post_processor: null,
    decoder: null,
    model: { type: 'BPE', vocab: {}, merges: [] },
  };
  const tokenizer = library.Tokenizer.fromString(JSON.stringify(empty));
  tokenizer.train([...files]);
  // The binding can save to a file only; the components are known, the model is all that is taken from it.
  const { mkdtemp, rm } = await import('node:fs/promises');
  const { tmpdir } = await import('node:os');
  const { join } = await import('node:path');
  const folder = await mkdtemp(join(tmpdir(), 'haetae-bpe-'));
  try {
    const path = join(folder, 'tokenizer.json');
    tokenizer.save(path);
    return JSON.parse(await readFile(path, 'utf8')) as TokenizerJson;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
