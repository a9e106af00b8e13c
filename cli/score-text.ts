/**
 * What `haetae lm logprobs` does: log-probabilities of continuations of a text, exact, token by token.
 *
 * The text and each continuation are tokenised apart, and no special token is added, so that the tokens are those
 * which choice scoring sees: a word that is cut between text and continuation is not put together again, and a
 * space that belongs before a continuation is to be written in it.
 */
import type { LanguageModel } from '../shared/lm/language-model.js';
import type { Tokenizer } from '../shared/lm/tokenizer.js';

export interface ScoredContinuation {
  text: string;
  tokens: {
    id: number;
    /** What the token adds to the text; '' while a character is incomplete. */
    text: string;
    /** Natural logarithm, given the text and the tokens before. */
    logprob: number;
  }[];
  /** Of the whole continuation. */
  sum: number;
  /** sum / tokens */
  mean: number;
  /** exp(−mean) */
  perplexity: number;
}

export interface ScoredText {
  text: string;
  /** Token ids of the text, the BOS token included where it was asked for. */
  textTokens: number[];
  continuations: ScoredContinuation[];
}

export async function scoreText(
  model: LanguageModel,
  request: { text: string; textTokens: number[]; continuations: readonly string[]; signal?: AbortSignal },
): Promise<ScoredText> {
  const { text, textTokens, continuations, signal } = request;
  const scores = await model.score({ prompt: textTokens, continuations }, signal);
  return {
    text,
    textTokens,
    continuations: await Promise.all(
      scores.map(async ({ tokens, logprobs, sum }, index) => {
        const texts = await addedTexts(model.tokenizer, tokens);
        const mean = sum / tokens.length;
        return {
          text: continuations[index] as string,
          tokens: tokens.map((id, at) => ({
            id,
            text: texts[at] as string,
            logprob: logprobs[at] as number,
          })),
          sum,
          mean,
          perplexity: Math.exp(-mean),
        };
      }),
    ),
  };
}

/** What each token adds to the decoded text: together they are the text. */
async function addedTexts(tokenizer: Tokenizer, ids: readonly number[]): Promise<string[]> {
  const texts: string[] = [];
  let before = '';
  for (let length = 1; length <= ids.length; length++) {
    const decoded = await tokenizer.decode(ids.slice(0, length), { skipSpecialTokens: false });
    // The bytes of a character that is not complete yet are decoded as U+FFFD.
    const certain = length === ids.length ? decoded : decoded.replace(/\uFFFD+$/u, '');
    texts.push(certain.startsWith(before) ? certain.slice(before.length) : '');
    if (certain.startsWith(before)) before = certain;
  }
  return texts;
}
