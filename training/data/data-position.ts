/** Where a run stands in its data: JSON that a checkpoint keeps. */
import { dataError } from './data-error.js';

export interface DataPosition {
  /** Passes that are complete, from 0. */
  readonly epoch: number;
  /** Rows (or batches, for retrieval) of this pass that are dealt. */
  readonly dealt: number;
  /** Of data and settings: a position means nothing in others. */
  readonly fingerprint: string;
}

export const startOf = (fingerprint: string): DataPosition => ({ epoch: 0, dealt: 0, fingerprint });

/** @throws HaetaeError TRAINING_DATA_INVALID where `value` is no position in these data. */
export function checkPosition(value: unknown, fingerprint: string): DataPosition {
  const { epoch, dealt, fingerprint: found } = (value ?? {}) as Partial<Record<keyof DataPosition, unknown>>;
  const isCount = (count: unknown): count is number => Number.isSafeInteger(count) && (count as number) >= 0;
  if (!isCount(epoch) || !isCount(dealt))
    throw dataError(
      'data',
      'the position kept by the checkpoint is none.',
      'Resume from another checkpoint.',
    );
  if (found !== fingerprint) {
    throw dataError(
      'data',
      'the data, their tokenizer or the settings of batches are not those of the checkpoint.',
      'Put them back, or start anew.',
    );
  }
  return { epoch, dealt, fingerprint };
}
