/**
 * The contract of a language model that serves: text in, tokens out, many requests at once over one decoder.
 * `lm-engine.ts` is the real one; tests of what stands above pass a few lines.
 */
import type { ChatTemplate } from './chat-template.js';
import type { DecoderConfig } from './model-config.js';
import type { Tokenizer } from './tokenizer.js';

export interface SamplingOptions {
  /** Tokens to make at most, ≥ 1. Default 64. */
  maxNewTokens?: number;
  /** 0 is greedy. Default 0.3. */
  temperature?: number;
  /** Keep the k likeliest tokens; 0: all. Default 0. */
  topK?: number;
  /** Keep the likeliest tokens that together reach this probability, (0, 1]. Default 1. */
  topP?: number;
  /** Divides the logits of tokens already seen (Keskar et al. 2019), > 0. Default 1. */
  repetitionPenalty?: number;
  /** Ends before any of these texts; they are not part of the output. */
  stop?: readonly string[];
  /** Default 0: equal requests give equal outputs. */
  seed?: number;
  /** Report the log-probability of each token, and of this many likeliest others (0 to 20). */
  topLogprobs?: number;
  /** Go on after an end-of-sequence token: for benchmarks. */
  ignoreEos?: boolean;
}

export interface GenerateRequest extends SamplingOptions {
  /** Text (tokenised without adding special tokens), or token ids. */
  prompt: string | readonly number[];
}

export interface TokenLogprob {
  id: number;
  text: string;
  logprob: number;
}

export type FinishReason = 'stop' | 'length';

export interface GenerationUsage {
  promptTokens: number;
  /** Of the prompt's tokens, those whose keys and values were there already. */
  cachedTokens: number;
  completionTokens: number;
}

export interface GenerationTimings {
  /** From the request to its first piece of work. */
  queueMs: number;
  prefillMs: number;
  decodeMs: number;
  timeToFirstTokenMs: number;
}

export type GenerateEvent =
  | {
      type: 'token';
      id: number;
      /** Text that became certain with this token; may be '' (half a syllable, the possible start of a stop). */
      text: string;
      logprob?: number;
      topLogprobs?: TokenLogprob[];
    }
  | {
      type: 'end';
      finishReason: FinishReason;
      /** The stop text that ended it, or null. */
      stopText: string | null;
      /** The whole output; equal to the tokens' texts put together. */
      text: string;
      usage: GenerationUsage;
      timings: GenerationTimings;
    };

export interface ScoreRequest {
  /** Text (tokenised without adding special tokens), or token ids; at least one token. */
  prompt: string | readonly number[];
  /** Token ids, or texts (tokenised on their own). Each at least one token. */
  continuations: readonly (string | readonly number[])[];
  /** Hears, before the scores come, what they cost: `completionTokens` are those of the continuations. */
  onUsage?: (usage: GenerationUsage) => void;
}

export interface ContinuationScore {
  tokens: number[];
  /** Natural log-probability of each token, given the prompt and the tokens before it. */
  logprobs: number[];
  /** Their sum. */
  sum: number;
}

export interface LanguageModelStats {
  /** Slots of the cache and how many are in use. */
  slots: number;
  slotsInUse: number;
  queued: number;
  kvCacheBytes: number;
  /** Prompt tokens asked for, and those found in the prefix cache, since the start. */
  promptTokens: number;
  cachedTokens: number;
  completionTokens: number;
  /** Steps of the decoder, and rows they held: their ratio is the mean batch. */
  steps: number;
  rows: number;
}

export interface LanguageModel {
  readonly config: DecoderConfig;
  readonly tokenizer: Tokenizer;
  /** Null where the model folder has none. */
  readonly chatTemplate: ChatTemplate | null;
  /** Longest prompt and output together, tokens. */
  readonly contextLength: number;
  readonly precision: string;
  /**
   * Streams tokens, then one `end`. Leaving the loop early, or `signal`, stops the work between two tokens.
   * @throws HaetaeError LM_CONTEXT_EXCEEDED where prompt and output do not fit, LM_REQUEST_INVALID
   */
  generate(request: GenerateRequest, signal?: AbortSignal): AsyncIterable<GenerateEvent>;
  /** Exact log-probabilities of continuations; the prompt is computed once for all. Same errors. */
  score(request: ScoreRequest, signal?: AbortSignal): Promise<ContinuationScore[]>;
  stats(): LanguageModelStats;
  close(): Promise<void>;
}
