/** The loop that every kernel is: over tensors of float32, 64 bytes a round, four vectors of four. */
import type { DeclareLocal } from './assembler/define-function.js';
import {
  type Expression,
  i32,
  load,
  loadPair,
  type Statement,
  store,
  type Variable,
  whileNotZero,
} from './assembler/instructions.js';

/** Tensors begin at a multiple of this many bytes and are as long, so that no kernel has a remainder to treat. */
export const ROUND_BYTES = 64;
export const VECTOR_BYTES = 16;
export const VECTORS_PER_ROUND = ROUND_BYTES / VECTOR_BYTES;

/** One vector of the round. Pointers are variables that hold where a tensor begins. */
export interface Vector {
  /** Which of the round's vectors, 0 to 3. */
  readonly index: number;
  load(pointer: Variable<'i32'>): Expression<'f32x4'>;
  /** Its first (0) or last (1) two numbers, at the front of a vector. */
  loadPair(pointer: Variable<'i32'>, pair: 0 | 1): Expression<'f32x4'>;
  store(pointer: Variable<'i32'>, value: Expression<'f32x4'>): Statement;
}

/**
 * `for (offset = 0; offset < bytes; offset += 64)` with the work for each of the four vectors in its body. The
 * place within the round is part of the instructions, so a tensor costs one addition a round.
 *
 * @param bytes of each tensor, a multiple of 64 (else the loop goes past the end, up to the next one), less than 4 GiB
 * @param work what is done with a vector; called four times, while the code is written
 */
export function overVectors(
  bytes: Variable<'i32'>,
  local: DeclareLocal,
  work: (vector: Vector) => readonly Statement[],
): Statement {
  const offset = local('i32');
  const round = Array.from({ length: VECTORS_PER_ROUND }, (_, index) => {
    const place = index * VECTOR_BYTES;
    const address = (pointer: Variable<'i32'>): Expression<'i32'> => i32.add(pointer.value, offset.value);
    return work({
      index,
      load: (pointer) => load(address(pointer), place),
      loadPair: (pointer, pair) => loadPair(address(pointer), place + (pair * VECTOR_BYTES) / 2),
      store: (pointer, value) => store(address(pointer), value, place),
    });
  });
  const next = offset.set(i32.add(offset.value, i32.constant(ROUND_BYTES)));
  return whileNotZero(i32.lessUnsigned(offset.value, bytes.value), [...round.flat(), next]);
}
