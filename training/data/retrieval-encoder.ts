/**
 * Token sequences for text encoders: query, positive, negatives, each with the prompt of its role and the tokens of
 * the tokenizer's post-processor, cut at a length, as `openEmbedder` makes them.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { HaetaeError } from '../../shared/errors.js';
import { openTokenizer } from '../../shared/lm/tokenizer.js';
import type { EmbedRole } from '../../shared/retrieval/embedder.js';
import type { SequenceEncoder, SequencePart } from './sequence-encoder.js';

export interface RetrievalEncoderOptions {
  /** Rows of the encoder's table. */
  vocabSize: number;
  /** Longest sequence, ≥ 1; the end of longer texts is cut off. */
  maxTokens: number;
  /** What stands before queries and passages. Default: nothing. */
  prompts?: Readonly<Record<EmbedRole, string>>;
}

/** @throws HaetaeError MODEL_INVALID where the tokenizer cannot be used or knows more entries than the encoder. */
export async function openRetrievalEncoder(
  tokenizerPath: string,
  { vocabSize, maxTokens, prompts = { query: '', passage: '' } }: RetrievalEncoderOptions,
): Promise<SequenceEncoder> {
  const tokenizer = await openTokenizer(tokenizerPath, { maxTokens });
  if (tokenizer.vocabSize > vocabSize) {
    throw new HaetaeError(
      'MODEL_INVALID',
      `${tokenizerPath} has ${tokenizer.vocabSize} entries, the encoder has ${vocabSize}. Take the tokenizer of the encoder.`,
      { tokenizer: tokenizer.vocabSize, model: vocabSize },
    );
  }
  const options = JSON.stringify([1, vocabSize, maxTokens, prompts.query, prompts.passage]);
  const key = createHash('sha256')
    .update(options)
    .update(await readFile(tokenizerPath))
    .digest('hex');
  const part = (role: EmbedRole, text: string): SequencePart[] => [
    { text: prompts[role] + text, isTrained: true },
  ];
  return {
    key,
    kinds: ['retrieval'],
    tokenizer,
    addSpecialTokens: true,
    vocabSize,
    sequences(document) {
      if (document.kind !== 'retrieval')
        throw new TypeError(`${document.where} is a ${document.kind} document, which is for decoders`);
      const { query, positive, negatives } = document;
      return [part('query', query), ...[positive, ...negatives].map((text) => part('passage', text))];
    },
  };
}
