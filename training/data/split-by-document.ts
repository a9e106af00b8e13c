/**
 * Held-out data. A document is for validation where a hash of its id falls below the fraction: whatever else is added
 * or removed, it stays on its side, and all that was made from one source document stays together.
 */
import { createHash } from 'node:crypto';
import { dataError } from './data-error.js';

export interface Split<T> {
  training: T[];
  validation: T[];
}

/**
 * @param validationFraction expected share of the documents, above 0 and below 1.
 * @throws HaetaeError TRAINING_DATA_INVALID where one side would be empty.
 */
export function splitByDocument<T extends { readonly documentId: string }>(
  documents: Iterable<T>,
  validationFraction: number,
  seed: number,
): Split<T> {
  const split: Split<T> = { training: [], validation: [] };
  const isHeldOut = heldOut(validationFraction, seed);
  for (const document of documents) {
    split[isHeldOut(document.documentId) ? 'validation' : 'training'].push(document);
  }
  requireBothSides(split.training.length, split.validation.length, validationFraction);
  return split;
}

/** The rule by itself: true where a document of this id is held out. */
export function heldOut(validationFraction: number, seed: number): (documentId: string) => boolean {
  if (!(validationFraction > 0 && validationFraction < 1)) {
    throw dataError(
      'data',
      `the fraction for validation is ${validationFraction}.`,
      'It lies above 0 and below 1.',
    );
  }
  const known = new Map<string, boolean>();
  return (documentId) => {
    let held = known.get(documentId);
    if (held === undefined) {
      const hash = createHash('sha256').update(`${seed}\n${documentId}`).digest();
      held = hash.readUIntBE(0, 6) / 2 ** 48 < validationFraction;
      known.set(documentId, held);
    }
    return held;
  };
}

export function requireBothSides(training: number, validation: number, fraction: number): void {
  if (training > 0 && validation > 0) return;
  const side = training === 0 ? 'training' : 'validation';
  throw dataError(
    'data',
    `of ${training + validation} examples a fraction of ${fraction} leaves none for ${side}.`,
    'Give more source documents, another fraction or seed, or a validation file; where `source` names the same document on every line, remove it.',
  );
}
