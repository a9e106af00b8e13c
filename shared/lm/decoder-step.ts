/**
 * What a step may be asked for (see `DecoderStep`), checked before anything is computed: a step the contract does not
 * allow would give wrong numbers without a word.
 */
import { HaetaeError } from '../errors.js';
import type { DecoderStep, KvCache } from './decoder.js';
import type { DecoderConfig } from './model-config.js';

/**
 * @throws HaetaeError LM_CONTEXT_EXCEEDED where a row does not fit its slot; RangeError where the step breaks the
 * contract
 */
export function checkStep(step: DecoderStep, config: Pick<DecoderConfig, 'vocabSize'>): void {
  const { cache, rows, branches, wanted, targets } = step;
  const first = rows[0];
  if (!first) {
    throw new RangeError('a step has at least one row');
  }
  const isDecode = rows.every(({ tokens }) => tokens.length === 1);
  for (const [r, { slot, tokens }] of rows.entries()) {
    if (tokens.length === 0) {
      throw new RangeError(`row ${r} has no tokens`);
    }
    checkTokens(tokens, config.vocabSize);
    if (slot !== first.slot + r) {
      throw new RangeError(`rows must be on consecutive ascending slots, got ${rows.map((it) => it.slot)}`);
    }
    if (rows.length > 1 && !isDecode && cache.length(slot) > 0) {
      throw new RangeError(`slot ${slot} is not empty: several rows then take one token each`);
    }
    checkFit(cache, slot, tokens.length);
  }
  if (branches && (rows.length !== 1 || !isPartition(branches, first.tokens.length))) {
    throw new RangeError(`branches [${branches}] do not divide ${first.tokens.length} tokens of one row`);
  }
  for (const [row, index] of wanted ?? []) {
    if (rows[row]?.tokens[index] === undefined) {
      throw new RangeError(`there is no token ${index} in row ${row} whose logits could be wanted`);
    }
  }
  if (targets) {
    checkTokens(targets, config.vocabSize);
    const positions = wanted?.length ?? rows.length;
    if (targets.length !== positions) {
      throw new RangeError(`${targets.length} targets for ${positions} wanted positions`);
    }
  }
}

/** @throws HaetaeError LM_CONTEXT_EXCEEDED where the tokens do not fit behind what the slot holds. */
function checkFit(cache: KvCache, slot: number, tokens: number): void {
  const length = cache.length(slot);
  if (length + tokens > cache.capacity) {
    throw new HaetaeError(
      'LM_CONTEXT_EXCEEDED',
      `${tokens} tokens do not fit behind the ${length} in a slot of ${cache.capacity}.` +
        ' Shorten the prompt or ask for fewer tokens.',
      { slot, length, tokens, capacity: cache.capacity },
    );
  }
}

function isPartition(sizes: readonly number[], total: number): boolean {
  return (
    sizes.every((size) => Number.isInteger(size) && size > 0) &&
    sizes.reduce((sum, size) => sum + size, 0) === total
  );
}

function checkTokens(tokens: readonly number[], vocabSize: number): void {
  for (const token of tokens) {
    if (!(Number.isInteger(token) && token >= 0 && token < vocabSize)) {
      throw new RangeError(`token ${token} is not in a vocabulary of ${vocabSize}`);
    }
  }
}
