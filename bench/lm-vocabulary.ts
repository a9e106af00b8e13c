/**
 * A byte-level BPE vocabulary of any size that loads like a real one: the 256 bytes, one merge, filler words that no
 * text is cut into, and two special tokens at the end. Texts become one token a byte, which is all a bench of random
 * weights needs; tokens of prompts are given by number.
 */
import type { TokenizerJson } from '../shared/lm/tokenizer.js';

export interface ByteLevelVocabulary {
  /** In the order of their ids. */
  tokens: string[];
  merges: [string, string][];
  bosTokenId: number;
  eosTokenId: number;
  /** `tokenizer.json` */
  tokenizer: TokenizerJson;
  /** `tokenizer_config.json` */
  tokenizerConfig: Record<string, unknown>;
}

const special = ['<|endoftext|>', '<|im_end|>'] as const;

const chatTemplate =
  "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|im_end|>{% endfor %}" +
  '{% if add_generation_prompt %}<|assistant|>{% endif %}';

export function byteLevelVocabulary(vocabSize: number): ByteLevelVocabulary {
  const tokens = byteCharacters();
  tokens.push('ab');
  if (vocabSize < tokens.length + special.length)
    throw new Error(`a byte-level vocabulary has at least ${tokens.length + special.length} tokens`);
  for (let i = 0; tokens.length < vocabSize - special.length; i++) tokens.push(`filler${i}`);
  tokens.push(...special);
  const bosTokenId = vocabSize - 2;
  const eosTokenId = vocabSize - 1;
  const merges: [string, string][] = [['a', 'b']];
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    tokens,
    merges,
    bosTokenId,
    eosTokenId,
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: special.map((content, i) => ({
        id: bosTokenId + i,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      })),
      normalizer: null,
      pre_tokenizer: byteLevel,
      post_processor: null,
      decoder: byteLevel,
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: false,
        vocab: Object.fromEntries(tokens.slice(0, -special.length).map((token, id) => [token, id])),
        merges,
      },
    },
    tokenizerConfig: {
      tokenizer_class: 'Qwen2Tokenizer',
      model_max_length: 32_768,
      eos_token: special[1],
      pad_token: special[0],
      chat_template: chatTemplate,
    },
  };
}

/** The character that stands for each byte in GPT-2's byte-level BPE, in GPT-2's order (printable ones first). */
function byteCharacters(): string[] {
  const printable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  const others = bytes.filter((byte) => !printable(byte));
  return [
    ...bytes.filter(printable).map((byte) => String.fromCodePoint(byte)),
    ...others.map((_, i) => String.fromCodePoint(256 + i)),
  ];
}
