/**
 * WebAssembly instructions, written as expressions.
 *
 * WebAssembly computes on a stack: `a + b` is the code that leaves a, the code that leaves b, then the opcode of
 * the addition, which takes both and leaves the sum. So an expression tree becomes code by concatenation, operands
 * first, and that is all that the functions below do. What an expression leaves is part of its TypeScript type:
 * `f32x4.add` of an `i32` does not compile.
 *
 * Opcodes: WebAssembly Core Specification 2.0, §5.4; those of SIMD are the byte 0xfd and then a number in LEB128.
 * Only the instructions that kernels use are here; a new one is one line in the table of its type.
 */
import { type Bytes, float32, signed, unsigned } from './binary.js';

/** `f32x4` and `f64x2` are both the 128-bit `v128` of WebAssembly; here they are kept apart. */
export type ValueType = 'i32' | 'f32' | 'f64' | 'f32x4' | 'f64x2';

/** The byte that stands for a type in a module. */
export const valueTypeCode: Readonly<Record<ValueType, number>> = {
  i32: 0x7f,
  f32: 0x7d,
  f64: 0x7c,
  f32x4: 0x7b,
  f64x2: 0x7b,
};

/** Code that leaves one value of the type `T` on the stack. */
export interface Expression<T extends ValueType> {
  readonly leaves: T;
  readonly code: Bytes;
}

/** Code that leaves the stack as it was. */
export interface Statement {
  readonly leaves: 'nothing';
  readonly code: Bytes;
}

type Unary<A extends ValueType, R extends ValueType> = (a: Expression<A>) => Expression<R>;
type Binary<A extends ValueType, R extends ValueType> = (a: Expression<A>, b: Expression<A>) => Expression<R>;

function expression<T extends ValueType>(leaves: T, ...code: Bytes[]): Expression<T> {
  return { leaves, code: code.flat() };
}

function statement(...code: Bytes[]): Statement {
  return { leaves: 'nothing', code: code.flat() };
}

function unary<A extends ValueType, R extends ValueType>(
  _operand: A,
  result: R,
  ...opcode: number[]
): Unary<A, R> {
  return (a) => expression(result, a.code, opcode);
}

function binary<A extends ValueType, R extends ValueType>(
  _operands: A,
  result: R,
  ...opcode: number[]
): Binary<A, R> {
  return (a, b) => expression(result, a.code, b.code, opcode);
}

const simd = (opcode: number): number[] => [0xfd, ...unsigned(opcode)];

export const i32 = {
  constant: (value: number): Expression<'i32'> => expression('i32', [0x41], signed(value)),
  /** 1 where it is 0, else 0. */
  isZero: unary('i32', 'i32', 0x45),
  /** 1 where a < b as unsigned numbers, as addresses are, else 0. */
  lessUnsigned: binary('i32', 'i32', 0x49),
  add: binary('i32', 'i32', 0x6a),
};

export const f64 = {
  add: binary('f64', 'f64', 0xa0),
};

/** Four singles. Every operation rounds as `Math.fround` does. */
export const f32x4 = {
  constant: (value: number): Expression<'f32x4'> =>
    expression('f32x4', simd(0x0c), float32(value), float32(value), float32(value), float32(value)),
  /** The same number four times. */
  splat: unary('f32', 'f32x4', ...simd(0x13)),
  sqrt: unary('f32x4', 'f32x4', ...simd(0xe3)),
  add: binary('f32x4', 'f32x4', ...simd(0xe4)),
  subtract: binary('f32x4', 'f32x4', ...simd(0xe5)),
  multiply: binary('f32x4', 'f32x4', ...simd(0xe6)),
  divide: binary('f32x4', 'f32x4', ...simd(0xe7)),
  /** Bit by bit: set where either is. */
  bitOr: binary('f32x4', 'f32x4', ...simd(0x50)),
  /** 1 where any bit is set, else 0. */
  anyBit: unary('f32x4', 'i32', ...simd(0x53)),
};

/** Two doubles. Every operation rounds as JavaScript's own do. */
export const f64x2 = {
  /** The first two of four singles, exactly. */
  promoteLow: unary('f32x4', 'f64x2', ...simd(0x5f)),
  add: binary('f64x2', 'f64x2', ...simd(0xf0)),
  multiply: binary('f64x2', 'f64x2', ...simd(0xf2)),
  lane: (a: Expression<'f64x2'>, lane: 0 | 1): Expression<'f64'> =>
    expression('f64', a.code, simd(0x21), [lane]),
};

/**
 * The 16 bytes at `address + offset`. The address is unsigned, so all of 4 GiB can be reached. The instruction also
 * holds the alignment to expect, as a power of two; that is a hint and changes no result.
 */
export function load(address: Expression<'i32'>, offset = 0): Expression<'f32x4'> {
  return expression('f32x4', address.code, simd(0x00), unsigned(4), unsigned(offset));
}

/** The 8 bytes at `address + offset` as the first two singles; the others are 0. */
export function loadPair(address: Expression<'i32'>, offset = 0): Expression<'f32x4'> {
  return expression('f32x4', address.code, simd(0x5d), unsigned(3), unsigned(offset));
}

/** Writes 16 bytes at `address + offset`. */
export function store(address: Expression<'i32'>, value: Expression<'f32x4'>, offset = 0): Statement {
  return statement(address.code, value.code, simd(0x0b), unsigned(4), unsigned(offset));
}

/** A parameter or a local variable of a function, by its index; parameters come first. Locals begin as 0. */
export class Variable<T extends ValueType> {
  constructor(
    readonly type: T,
    readonly index: number,
  ) {}

  get value(): Expression<T> {
    return expression(this.type, [0x20], unsigned(this.index));
  }

  set(value: Expression<T>): Statement {
    return statement(value.code, [0x21], unsigned(this.index));
  }
}

const NO_RESULT = 0x40;
const END = 0x0b;

/**
 * Repeats the statements while the condition, looked at before each round, is not 0.
 *
 * A branch names the construct it leaves or repeats by depth, 0 the innermost: to a `block` it goes to the end, to a
 * `loop` back to the start. Hence `block loop (condition = 0 → leave 1) … (→ repeat 0) end end`.
 */
export function whileNotZero(condition: Expression<'i32'>, statements: readonly Statement[]): Statement {
  const leave = [...i32.isZero(condition).code, 0x0d, 1];
  const repeat = [0x0c, 0];
  const body = statements.flatMap(({ code }) => code);
  return statement([0x02, NO_RESULT, 0x03, NO_RESULT], leave, body, repeat, [END, END]);
}
