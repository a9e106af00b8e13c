import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { GraphBuilder } from '../../../shared/onnx/onnx-model.js';
import { readSafetensorsHeader, writeSafetensors } from '../../../shared/onnx/safetensors.js';
import { openSession } from '../../../shared/onnx/session.js';

t.test('ONNX Runtime runs a built model: inputs, constants, attributes of every kind', async (t) => {
  const graph = new GraphBuilder('kinds');
  const x = graph.input('x', 'float32', ['n', 3]);
  const w = graph.initializer('w', 'float32', [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6));
  const product = graph.node('Gemm', [x, w], { attributes: { transB: 1, alpha: { float: 0.5 } } });
  const swapped = graph.node('Transpose', [product], { attributes: { perm: [1, 0] } });
  const gelu = graph.node('QuickGelu', [swapped], {
    domain: 'com.microsoft',
    attributes: { alpha: { float: 0 } },
  });
  const clipped = graph.node('Clip', [
    gelu,
    '',
    graph.initializer('max', 'float32', [], Float32Array.of(10)),
  ]);
  const levels = graph.node('Constant', [], { attributes: { value_floats: { floats: [100, 200] } } });
  const column = graph.node('Reshape', [
    levels,
    graph.initializer('to', 'int64', [2], BigInt64Array.of(-1n, 1n)),
  ]);
  graph.node('Add', [clipped, column], { outputs: ['y'], name: 'last' });
  graph.output('y', 'float32', [2, 'n']);

  const session = await openSession(graph.build(), { threads: 1 });
  t.teardown(() => session.close());
  t.match(session.inputs, [{ name: 'x', type: 'float32', shape: ['n', 3] }]);
  t.match(session.outputs, [{ name: 'y', type: 'float32', shape: [2, 'n'] }]);
  const feed = { type: 'float32', shape: [2, 3], data: Float32Array.of(1, 0, 0, 1, 1, 1) } as const;
  const { y } = await session.run({ x: feed });
  // Gemm: [[.5, 2], [3, 7.5]]; transposed, halved by QuickGelu(α = 0), clipped at 10, plus the levels.
  t.same(y!.shape, [2, 2]);
  t.same([...y!.data], [100.25, 101.5, 201, 203.75]);
});

t.test('a branch of If sees the graph around it, and names stay unique in both', async (t) => {
  const graph = new GraphBuilder('branching');
  const x = graph.input('x', 'float32', ['n']);
  const isWanted = graph.node('Cast', [graph.node('Size', [x])], { attributes: { to: 9 } });
  const [whole, none] = [graph.subgraph('then'), graph.subgraph('else')];
  const doubled = whole.node('FusedMatMul', [x, x], {
    domain: 'com.microsoft',
    attributes: { alpha: { float: 2 } },
  });
  whole.output(doubled, 'float32', []);
  const constant = none.initializer('nothing', 'float32', [], Float32Array.of(-1));
  none.node('Identity', [constant], { outputs: ['constant'] });
  none.output('constant', 'float32', []);
  t.throws(() => whole.node('Neg', [x], { outputs: ['x'] }), /defined twice/);
  t.throws(() => whole.node('Neg', ['constant']), /before it is defined/);
  t.throws(() => graph.node('Neg', [doubled]), /before it is defined/);
  graph.node('If', [isWanted], {
    outputs: ['y'],
    attributes: { then_branch: { graph: whole }, else_branch: { graph: none } },
  });
  graph.output('y', 'float32', []);

  const session = await openSession(graph.build(), { threads: 1 });
  t.teardown(() => session.close());
  for (const [values, expected] of [
    [[1, 2, 3], 28],
    [[], -1],
  ] as const) {
    const feed = { type: 'float32', shape: [values.length], data: Float32Array.from(values) } as const;
    t.same([...(await session.run({ x: feed })).y!.data], [expected]);
  }
});

t.test('an external initializer points into a safetensors file beside the model', async (t) => {
  const folder = t.testdir();
  await writeSafetensors(join(folder, 'weights.safetensors'), [
    { name: 'other', type: 'float32', shape: [5], data: new Float32Array(5).fill(9) },
    { name: 'w', type: 'float32', shape: [3], data: Float32Array.of(10, 20, 30) },
  ]);
  const entry = (await readSafetensorsHeader(join(folder, 'weights.safetensors'))).tensors.get('w')!;
  const graph = new GraphBuilder('external');
  const x = graph.input('x', 'float32', [3]);
  const w = graph.externalInitializer('w', 'float32', [3], { location: 'weights.safetensors', ...entry });
  graph.node('Add', [x, w], { outputs: ['y'] });
  graph.output('y', 'float32', [3]);
  await writeFile(join(folder, 'model.onnx'), graph.build());

  const session = await openSession(join(folder, 'model.onnx'), { threads: 1 });
  t.teardown(() => session.close());
  const { y } = await session.run({ x: { type: 'float32', shape: [3], data: Float32Array.of(1, 2, 3) } });
  t.same([...y!.data], [11, 22, 33]);
});

t.test('the builder refuses names and sizes that cannot be right', async (t) => {
  const graph = new GraphBuilder('wrong');
  graph.input('x', 'float32', [1]);
  t.throws(() => graph.input('x', 'float32', [1]), /"x" is empty or defined twice/);
  t.throws(() => graph.node('Neg', ['y']), /"y" is used before it is defined/);
  t.throws(() => graph.output('y', 'float32', [1]), /"y" is used before/);
  t.throws(() => graph.initializer('w', 'int64', [2], new Float32Array(2)), /takes 16 bytes, got 8/);
  t.throws(
    () => graph.externalInitializer('w', 'float16', [2], { location: 'w', offset: 0, length: 8 }),
    /takes 4 bytes, got 8/,
  );
});

t.test('a model that ONNX Runtime refuses is MODEL_INVALID', async (t) => {
  const noise = Uint8Array.from({ length: 64 }, (_, i) => (i * 37) & 255);
  await t.rejects(openSession(noise, { threads: 1 }), { code: 'MODEL_INVALID' });
  await t.rejects(openSession(join(t.testdir(), 'gone.onnx'), { threads: 1 }), {
    code: 'MODEL_INVALID',
    message: /gone\.onnx/,
  });
  const graph = new GraphBuilder('no-such-operator');
  graph.node('Frobnicate', [graph.input('x', 'float32', [1])], { outputs: ['y'] });
  graph.output('y', 'float32', [1]);
  await t.rejects(openSession(graph.build(), { threads: 1 }), {
    code: 'MODEL_INVALID',
    message: /Frobnicate/,
  });
});

t.test('what is described is held against what a node makes', async (t) => {
  const model = (described: 'float32' | 'int64' | undefined) => {
    const graph = new GraphBuilder('described');
    const negated = graph.node('Neg', [graph.input('x', 'float32', [3])]);
    if (described) graph.describe(negated, described, [3]);
    graph.node('Neg', [negated], { outputs: ['y'] });
    graph.output('y', 'float32', [3]);
    t.throws(() => graph.describe('z', 'float32', [3]), /before it is defined/);
    return graph.build();
  };
  t.ok(model('float32').length > model(undefined).length);
  await (await openSession(model('float32'), { threads: 1 })).close();
  await t.rejects(openSession(model('int64'), { threads: 1 }), /int64/);
});
