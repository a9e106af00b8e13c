import t from 'tap';
import { defineFunction } from '../../../../training/optimizer/assembler/define-function.js';
import { instantiate } from '../../../../training/optimizer/assembler/instantiate.js';
import {
  f32x4,
  f64,
  f64x2,
  i32,
  load,
  loadPair,
  store,
  whileNotZero,
} from '../../../../training/optimizer/assembler/instructions.js';

const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
const floats = new Float32Array(memory.buffer);

/** What a function of vectors a (at 0) and b (at 16) leaves, as four singles. */
function lanes(
  operation: (a: ReturnType<typeof load>, b: ReturnType<typeof load>) => ReturnType<typeof load>,
  a: readonly number[],
  b: readonly number[] = [0, 0, 0, 0],
): number[] {
  const zero = i32.constant(0);
  const compute = defineFunction({}, 'nothing', () => ({
    statements: [store(zero, operation(load(zero), load(zero, 16)), 32)],
    result: null,
  }));
  floats.set([...a, ...b]);
  instantiate({ compute }, memory).compute({});
  return [...floats.subarray(8, 12)];
}

t.test('arithmetic of four singles rounds as Math.fround does', async (t) => {
  const a = [1, -3.5, 1e30, 0.1].map(Math.fround);
  const b = [3, 0.7, 1e10, 0.3].map(Math.fround);
  const each = (operation: (x: number, y: number) => number) =>
    a.map((x, i) => Math.fround(operation(x, b[i]!)));
  t.strictSame(
    lanes(f32x4.add, a, b),
    each((x, y) => x + y),
  );
  t.strictSame(
    lanes(f32x4.subtract, a, b),
    each((x, y) => x - y),
  );
  t.strictSame(
    lanes(f32x4.multiply, a, b),
    each((x, y) => x * y),
  );
  t.strictSame(
    lanes(f32x4.divide, a, b),
    each((x, y) => x / y),
  );
  t.strictSame(lanes(f32x4.sqrt, b), b.map(Math.sqrt).map(Math.fround));
  t.strictSame(
    lanes(() => f32x4.constant(-0.1), a),
    Array(4).fill(Math.fround(-0.1)),
  );
  t.strictSame(lanes(f32x4.bitOr, [1, 0, -0, 2], [-0, 5, 0, 2]), [-1, 5, -0, 2]);
});

t.test('a scalar is spread over four singles, a pair is widened to doubles', async (t) => {
  const functions = {
    spread: defineFunction({ x: 'f32' }, 'nothing', ({ x }) => ({
      statements: [store(i32.constant(64), f32x4.splat(x.value))],
      result: null,
    })),
    squaresOfPair: defineFunction({ address: 'i32' }, 'f64', ({ address }, local) => {
      const pair = local('f64x2');
      const widened = f64x2.promoteLow(loadPair(address.value, 8));
      return {
        statements: [pair.set(widened), pair.set(f64x2.add(f64x2.multiply(pair.value, pair.value), widened))],
        result: f64.add(f64x2.lane(pair.value, 0), f64x2.lane(pair.value, 1)),
      };
    }),
  };
  const { spread, squaresOfPair } = instantiate(functions, memory);
  spread({ x: 0.1 });
  t.strictSame([...floats.subarray(16, 20)], Array(4).fill(Math.fround(0.1)));
  const [c, d] = [Math.fround(1e-30), Math.fround(1 / 3)];
  floats.set([9, 9, c, d]);
  t.equal(squaresOfPair({ address: 0 }), c * c + c + (d * d + d), 'in double precision');
});

t.test('a loop looks at its condition first, so it may run no round', async (t) => {
  const countUp = defineFunction({ to: 'i32' }, 'i32', ({ to }, local) => {
    const count = local('i32');
    const next = count.set(i32.add(count.value, i32.constant(1)));
    return {
      statements: [whileNotZero(i32.lessUnsigned(count.value, to.value), [next])],
      result: count.value,
    };
  });
  const isZero = defineFunction({ x: 'i32' }, 'i32', ({ x }) => ({
    statements: [],
    result: i32.isZero(x.value),
  }));
  const functions = instantiate({ countUp, isZero }, memory);
  t.equal(functions.countUp({ to: 0 }), 0);
  t.equal(functions.countUp({ to: 300 }), 300);
  t.equal(functions.isZero({ x: 0 }), 1);
  t.equal(functions.isZero({ x: 2 ** 31 }), 0);
});

t.test('whether any bit is set is told for every lane', async (t) => {
  const any = defineFunction({}, 'i32', () => ({
    statements: [],
    result: f32x4.anyBit(load(i32.constant(0))),
  }));
  const call = instantiate({ any }, memory).any;
  for (const [values, expected] of [
    [[0, 0, 0, 0], 0],
    [[0, 0, 0, 1], 1],
    [[Number.NaN, 0, 0, 0], 1],
    [[0, -0, 0, 0], 1],
  ] as const) {
    floats.set(values);
    t.equal(call({}), expected, values.join(' '));
  }
});

t.test('types of operands and arguments are checked while TypeScript compiles', async (t) => {
  // Each line below must be an error of the type checker: tsc fails on an unused directive.
  // @ts-expect-error a single is not four singles
  t.ok(f32x4.add(load(i32.constant(0)), i32.constant(0)));
  // @ts-expect-error four singles are not two doubles
  t.ok(f64x2.add(load(i32.constant(0)), load(i32.constant(0))));
  const f = defineFunction({ x: 'i32' }, 'i32', ({ x }) => ({ statements: [], result: x.value }));
  // @ts-expect-error x is missing
  t.equal(instantiate({ f }, memory).f({}), 0);
});
