/** What quantisation costs: perplexity and picked choices of a folder against the checkpoint it was made from. */
import { join } from 'node:path';
import { HaetaeError } from '../../errors.js';
import { createLanguageModel } from '../lm-engine.js';
import { openDecoder } from '../open-decoder.js';
import { openTokenizer } from '../tokenizer.js';
import { type ChoiceQuestion, compareChoices, pickChoices } from './choice-agreement.js';
import { measurePerplexity, type Perplexity } from './perplexity.js';

export interface QualityOptions {
  text: string;
  /** Tokens of the text that are scored at most; they are taken from its middle. */
  maxTokens: number;
  /** May be empty: then choices are not compared. */
  questions: readonly ChoiceQuestion[];
  threads: number;
  signal?: AbortSignal;
  /** Says what is done now. */
  log?: (line: string) => void;
}

/** Of the checkpoint, computed in float32, and of its quantised form. */
export interface Compared {
  reference: number;
  quantized: number;
}

export interface Quality {
  tokens: number;
  perplexity: Compared & { ratio: number };
  bitsPerByte: Compared;
  choices: { questions: number; agreement: number; accuracy: Compared } | null;
}

interface Measured {
  perplexity: Perplexity;
  picks: (number | null)[];
}

/** One model is open at a time. @throws HaetaeError USAGE where the text is too short; what opening throws */
export async function measureQuality(
  reference: string,
  quantized: string,
  options: QualityOptions,
): Promise<Quality> {
  const before = await measure(reference, options);
  const after = await measure(quantized, options);
  const agreed = compareChoices(options.questions, before.picks, after.picks);
  return {
    tokens: before.perplexity.tokens,
    perplexity: {
      reference: before.perplexity.perplexity,
      quantized: after.perplexity.perplexity,
      ratio: after.perplexity.perplexity / before.perplexity.perplexity,
    },
    bitsPerByte: {
      reference: before.perplexity.bitsPerByte ?? 0,
      quantized: after.perplexity.bitsPerByte ?? 0,
    },
    choices:
      agreed.questions === 0
        ? null
        : {
            questions: agreed.questions,
            agreement: agreed.agreement,
            accuracy: { reference: agreed.accuracy[0], quantized: agreed.accuracy[1] },
          },
  };
}

async function measure(folder: string, options: QualityOptions): Promise<Measured> {
  const { text, maxTokens, questions, threads, log } = options;
  const interruptible = options.signal ? { signal: options.signal } : {};
  const tokenizer = await openTokenizer(join(folder, 'tokenizer.json'));
  const decoder = await openDecoder(folder, { threads });
  const model = createLanguageModel({ decoder, tokenizer, chatTemplate: null });
  try {
    const all = await tokenizer.encode(text, { addSpecialTokens: false });
    if (all.length < 2)
      throw new HaetaeError('USAGE', `The text has ${all.length} tokens; it takes two to predict one.`);
    const start = Math.max(0, Math.floor((all.length - maxTokens) / 2));
    const ids = all.slice(start, start + maxTokens);
    log?.(`perplexity of ${decoder.precision} over ${ids.length} tokens`);
    const bytes = (Buffer.byteLength(text) * ids.length) / all.length;
    const perplexity = await measurePerplexity(decoder, ids, { bytes, ...interruptible });
    if (questions.length > 0) log?.(`choices of ${decoder.precision} on ${questions.length} questions`);
    return { perplexity, picks: await pickChoices(model, questions, interruptible) };
  } finally {
    await model.close();
  }
}
