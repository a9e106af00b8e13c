/**
 * A WebAssembly function with named, typed parameters, whose body is written over `instructions.ts`:
 *
 *     // y += x, four singles at a time
 *     defineFunction({ y: 'i32', x: 'i32' }, 'nothing', ({ y, x }) => ({
 *       statements: [store(y.value, f32x4.add(load(y.value), load(x.value)))],
 *       result: null,
 *     }))
 */
import type { Bytes } from './binary.js';
import { type Expression, type Statement, type ValueType, Variable } from './instructions.js';

/** Parameters by name, in the order in which the function takes them. */
export type ParameterTypes = Readonly<Record<string, ValueType>>;
export type ResultType = ValueType | 'nothing';

export interface FunctionDefinition<
  P extends ParameterTypes = ParameterTypes,
  R extends ResultType = ResultType,
> {
  readonly parameters: P;
  readonly result: R;
  /** Types of the local variables, whose indices follow those of the parameters. */
  readonly locals: readonly ValueType[];
  readonly code: Bytes;
}

/** Declares one more local variable; it is 0 when the function is called. */
export type DeclareLocal = <T extends ValueType>(type: T) => Variable<T>;

export interface FunctionBody<R extends ResultType> {
  readonly statements: readonly Statement[];
  readonly result: R extends ValueType ? Expression<R> : null;
}

export function defineFunction<const P extends ParameterTypes, const R extends ResultType>(
  parameters: P,
  result: R,
  body: (parameters: { readonly [K in keyof P]: Variable<P[K]> }, local: DeclareLocal) => FunctionBody<R>,
): FunctionDefinition<P, R> {
  const named = Object.entries(parameters);
  const variables = Object.fromEntries(
    named.map(([name, type], index) => [name, new Variable(type, index)]),
  ) as {
    readonly [K in keyof P]: Variable<P[K]>;
  };
  const locals: ValueType[] = [];
  const { statements, result: value } = body(variables, (type) => {
    locals.push(type);
    return new Variable(type, named.length + locals.length - 1);
  });
  const code = [...statements.flatMap((statement) => statement.code), ...(value?.code ?? [])];
  return { parameters, result, locals, code };
}
