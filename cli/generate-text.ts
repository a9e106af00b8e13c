/** What `haetae lm generate` does: a prompt through a language model, with what it took. */
import type {
  FinishReason,
  GenerateEvent,
  GenerationTimings,
  GenerationUsage,
  LanguageModel,
  SamplingOptions,
  TokenLogprob,
} from '../shared/lm/language-model.js';

export interface GenerateTextOptions {
  model: LanguageModel;
  prompt: string | readonly number[];
  sampling: SamplingOptions;
  signal: AbortSignal;
  /** Hears each piece of text as it becomes certain. */
  onText?: (text: string) => void;
}

export interface GeneratedText {
  text: string;
  /** `interrupted`: the signal came before the end. */
  finishReason: FinishReason | 'interrupted';
  stopText: string | null;
  usage: GenerationUsage;
  timings: GenerationTimings & {
    /** Prompt tokens that were computed, by prefill time; null where there was nothing to measure. */
    prefillTokensPerSecond: number | null;
    /** Tokens after the first, by decode time. */
    decodeTokensPerSecond: number | null;
  };
  /** With `topLogprobs`: every token with the likeliest in its place. */
  tokens?: (TokenLogprob & { topLogprobs: TokenLogprob[] })[];
}

/** Stops between two tokens where the signal comes, and returns what there is. */
export async function generateText(options: GenerateTextOptions): Promise<GeneratedText> {
  const { model, prompt, sampling, signal, onText } = options;
  const started = performance.now();
  const tokens: Extract<GenerateEvent, { type: 'token' }>[] = [];
  let firstTokenMs = 0;
  let end: Extract<GenerateEvent, { type: 'end' }> | undefined;
  try {
    for await (const event of model.generate({ ...sampling, prompt }, signal)) {
      if (event.type === 'end') {
        end = event;
        continue;
      }
      if (tokens.length === 0) firstTokenMs = performance.now() - started;
      tokens.push(event);
      if (event.text !== '') onText?.(event.text);
      if (signal.aborted) break;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  const { text, finishReason, stopText, usage, timings } = end ?? (await unfinished());
  const computed = usage.promptTokens - usage.cachedTokens;
  return {
    text,
    finishReason,
    stopText,
    usage,
    timings: {
      ...timings,
      prefillTokensPerSecond: perSecond(computed, timings.prefillMs),
      decodeTokensPerSecond: perSecond(usage.completionTokens - 1, timings.decodeMs),
    },
    ...(sampling.topLogprobs === undefined ? {} : { tokens: await withTexts(model, tokens) }),
  };

  /** What is known without the last event: measured here, so queue and prefill are one. */
  async function unfinished(): Promise<Omit<GeneratedText, 'timings'> & { timings: GenerationTimings }> {
    const totalMs = performance.now() - started;
    const promptTokens =
      typeof prompt === 'string'
        ? (await model.tokenizer.encode(prompt, { addSpecialTokens: false })).length
        : prompt.length;
    const reached = tokens.length === 0 ? totalMs : firstTokenMs;
    return {
      text: tokens.map((token) => token.text).join(''),
      finishReason: 'interrupted',
      stopText: null,
      usage: { promptTokens, cachedTokens: 0, completionTokens: tokens.length },
      timings: { queueMs: 0, prefillMs: reached, decodeMs: totalMs - reached, timeToFirstTokenMs: reached },
    };
  }
}

function perSecond(tokens: number, ms: number): number | null {
  return tokens > 0 && ms > 0 ? (1000 * tokens) / ms : null;
}

async function withTexts(
  model: LanguageModel,
  tokens: readonly Extract<GenerateEvent, { type: 'token' }>[],
): Promise<NonNullable<GeneratedText['tokens']>> {
  return Promise.all(
    tokens.map(async ({ id, logprob = Number.NaN, topLogprobs = [] }) => ({
      id,
      text: await model.tokenizer.decode([id], { skipSpecialTokens: false }),
      logprob,
      topLogprobs,
    })),
  );
}
