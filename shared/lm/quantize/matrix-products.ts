/** The matrix products that calibration is made of, on ONNX Runtime: two hundred times what a loop here would do. */
import { GraphBuilder } from '../../onnx/onnx-model.js';
import { openSession, type TensorValue } from '../../onnx/session.js';

export interface MatrixProducts {
  /** A Bᵀ of A `[m, k]` and B `[n, k]`: `[m, n]`. */
  timesTransposed(a: Float32Array, b: Float32Array, k: number): Promise<Float32Array>;
  /** Aᵀ B of A `[k, m]` and B `[k, n]`: `[m, n]`. */
  transposedTimes(a: Float32Array, b: Float32Array, k: number): Promise<Float32Array>;
  /** Rows `from` to `to` of Xᵀ X of X `[t, n]`, columns 0 to `to`: `[to − from, to]`. */
  gram(x: Float32Array, n: number, from: number, to: number): Promise<Float32Array>;
  close(): Promise<void>;
}

export async function openMatrixProducts(threads: number): Promise<MatrixProducts> {
  const options = { threads, arena: false };
  const [timesTransposed, transposedTimes, gram] = await Promise.all([
    openSession(gemm(0, 1), options),
    openSession(gemm(1, 0), options),
    openSession(gramGraph(), options),
  ]);
  return {
    async timesTransposed(a, b, k) {
      return result(await timesTransposed.run({ a: matrix(a, k), b: matrix(b, k) }));
    },
    async transposedTimes(a, b, k) {
      const feeds = { a: matrix(a, a.length / k), b: matrix(b, b.length / k) };
      return result(await transposedTimes.run(feeds));
    },
    async gram(x, n, from, to) {
      const ends = [from, to].map((end) => BigInt(end));
      return result(
        await gram.run({
          x: matrix(x, n),
          from: integers(ends[0]!),
          to: integers(ends[1]!),
        }),
      );
    },
    async close() {
      await Promise.all([timesTransposed.close(), transposedTimes.close(), gram.close()]);
    },
  };
}

function gemm(transA: number, transB: number): Uint8Array {
  const graph = new GraphBuilder('product');
  const a = graph.input('a', 'float32', ['a_rows', 'a_columns']);
  const b = graph.input('b', 'float32', ['b_rows', 'b_columns']);
  graph.node('Gemm', [a, b], { outputs: ['product'], attributes: { transA, transB } });
  graph.output('product', 'float32', ['rows', 'columns']);
  return graph.build();
}

function gramGraph(): Uint8Array {
  const graph = new GraphBuilder('gram');
  const x = graph.input('x', 'float32', ['t', 'n']);
  const from = graph.input('from', 'int64', [1]);
  const to = graph.input('to', 'int64', [1]);
  const zero = graph.initializer('zero', 'int64', [1], new BigInt64Array(1));
  const axis = graph.initializer('axis', 'int64', [1], BigInt64Array.of(1n));
  const left = graph.node('Slice', [x, from, to, axis]);
  const right = graph.node('Slice', [x, zero, to, axis]);
  graph.node('Gemm', [left, right], { outputs: ['product'], attributes: { transA: 1 } });
  graph.output('product', 'float32', ['rows', 'columns']);
  return graph.build();
}

function matrix(data: Float32Array, columns: number): TensorValue {
  return { type: 'float32', shape: [data.length / columns, columns], data };
}

function integers(value: bigint): TensorValue {
  return { type: 'int64', shape: [1], data: BigInt64Array.of(value) };
}

function result(outputs: Record<string, TensorValue>): Float32Array {
  return outputs.product!.data as Float32Array;
}
