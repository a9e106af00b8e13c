/** WebAssembly functions made ready to be called from TypeScript, with arguments by name. */
import type { FunctionDefinition } from './define-function.js';
import { encodeModule, MEMORY_IMPORT } from './encode-module.js';

/**
 * A function of the instance. Arguments are numbers: one for an `f32` is rounded to it (`Math.fround`), one for an
 * `i32` is taken modulo 2³², so an address of more than 2 GiB arrives as it is.
 */
export type Callable<F> =
  F extends FunctionDefinition<infer P, infer R>
    ? (named: { readonly [K in keyof P]: number }) => R extends 'nothing' ? void : number
    : never;

export interface Compiled {
  readonly module: WebAssembly.Module;
  /** To make an instance with, here or in another thread. */
  readonly imports: Record<string, Record<string, unknown>>;
}

/** Compiles the functions for a memory, shared or not. Throws where the code is not valid WebAssembly. */
export function compile(
  functions: Readonly<Record<string, FunctionDefinition>>,
  memory: WebAssembly.Memory,
): Compiled {
  const memoryKind = memory.buffer instanceof SharedArrayBuffer ? 'shared' : 'own';
  return {
    module: new WebAssembly.Module(encodeModule(functions, memoryKind)),
    imports: { [MEMORY_IMPORT.module]: { [MEMORY_IMPORT.name]: memory } },
  };
}

/** Functions of an instance, by name. */
export function callables<F extends Readonly<Record<string, FunctionDefinition>>>(
  functions: F,
  { exports }: WebAssembly.Instance,
): { readonly [K in keyof F]: Callable<F[K]> } {
  const callable = Object.entries(functions).map(([name, { parameters }]) => {
    const call = exports[name] as (...numbers: number[]) => unknown;
    const order = Object.keys(parameters);
    return [name, (named: Readonly<Record<string, number>>) => call(...order.map((key) => named[key]!))];
  });
  return Object.fromEntries(callable) as { readonly [K in keyof F]: Callable<F[K]> };
}

/** Compiles the functions and binds them to a memory. Throws where the code is not valid WebAssembly. */
export function instantiate<F extends Readonly<Record<string, FunctionDefinition>>>(
  functions: F,
  memory: WebAssembly.Memory,
): { readonly [K in keyof F]: Callable<F[K]> } {
  const { module, imports } = compile(functions, memory);
  return callables(functions, new WebAssembly.Instance(module, imports));
}
