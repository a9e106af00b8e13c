/** Requests as they come, held to their ranges and filled with defaults. */
import { HaetaeError } from '../errors.js';
import type { GenerateRequest, SamplingOptions, ScoreRequest } from './language-model.js';

export type CheckedSampling = Required<Omit<SamplingOptions, 'topLogprobs'>> & {
  /** Null: no log-probabilities are reported. */
  topLogprobs: number | null;
};

const mostTopLogprobs = 20;
const mostStops = 64;
const longestStop = 1000;
const mostContinuations = 1000;

/** @throws HaetaeError LM_REQUEST_INVALID */
export function checkSampling(request: GenerateRequest): CheckedSampling {
  const { maxNewTokens = 64, temperature = 0.3, topK = 0, topP = 1, repetitionPenalty = 1 } = request;
  const { stop = [], seed = 0, topLogprobs = null, ignoreEos = false } = request;
  expect('maxNewTokens', maxNewTokens, 'a whole number of at least 1', isWhole(maxNewTokens, 1));
  expect('temperature', temperature, 'a number of at least 0', isReal(temperature) && temperature >= 0);
  expect('topK', topK, 'a whole number of at least 0', isWhole(topK, 0));
  expect('topP', topP, 'a number above 0 and at most 1', isReal(topP) && topP > 0 && topP <= 1);
  expect(
    'repetitionPenalty',
    repetitionPenalty,
    'a number above 0',
    isReal(repetitionPenalty) && repetitionPenalty > 0,
  );
  expect('seed', seed, 'a whole number', Number.isSafeInteger(seed));
  expect(
    'topLogprobs',
    topLogprobs,
    `a whole number from 0 to ${mostTopLogprobs}`,
    topLogprobs === null || (isWhole(topLogprobs, 0) && topLogprobs <= mostTopLogprobs),
  );
  const stopsFit =
    Array.isArray(stop) &&
    stop.length <= mostStops &&
    stop.every((text) => typeof text === 'string' && text.length > 0 && text.length <= longestStop);
  expect('stop', stop, `at most ${mostStops} texts of 1 to ${longestStop} characters`, stopsFit);
  return { maxNewTokens, temperature, topK, topP, repetitionPenalty, stop, seed, topLogprobs, ignoreEos };
}

/** @throws HaetaeError LM_REQUEST_INVALID */
export function checkContinuations({ continuations }: ScoreRequest): void {
  const fit =
    Array.isArray(continuations) && continuations.length > 0 && continuations.length <= mostContinuations;
  expect('continuations', continuations, `a list of 1 to ${mostContinuations} texts or token lists`, fit);
}

/** @throws HaetaeError LM_REQUEST_INVALID where there is no token, or one that the model does not have. */
export function checkTokens(what: string, tokens: readonly number[], vocabSize: number): void {
  if (tokens.length === 0) {
    throw new HaetaeError('LM_REQUEST_INVALID', `${what} is empty. It has to hold at least one token.`, {
      what,
    });
  }
  const wrong = tokens.find((id) => !(isWhole(id, 0) && id < vocabSize));
  if (wrong !== undefined) {
    throw new HaetaeError(
      'LM_REQUEST_INVALID',
      `${what} holds the token ${wrong}; the model has tokens 0 to ${vocabSize - 1}. Was it tokenised for another model?`,
      { what, token: wrong, vocabSize },
    );
  }
}

/** @throws HaetaeError LM_CONTEXT_EXCEEDED */
export function checkContext(promptTokens: number, outputTokens: number, contextLength: number): void {
  if (promptTokens + outputTokens > contextLength) {
    throw new HaetaeError(
      'LM_CONTEXT_EXCEEDED',
      `The prompt has ${promptTokens} tokens and ${outputTokens} may follow: ${promptTokens + outputTokens} do not ` +
        `fit the context of ${contextLength}. Shorten the prompt, or ask for fewer tokens.`,
      { promptTokens, outputTokens, contextLength },
    );
  }
}

function expect(name: string, value: unknown, expected: string, holds: boolean): void {
  if (!holds) {
    const got = Array.isArray(value) ? `a list of ${value.length}` : (JSON.stringify(value) ?? String(value));
    throw new HaetaeError('LM_REQUEST_INVALID', `${name} must be ${expected}, got ${got}.`, { name });
  }
}

function isReal(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isWhole(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least;
}
