import { readdir } from 'node:fs/promises';
import t from 'tap';
import { GraphBuilder } from '../../../shared/onnx/onnx-model.js';
import { openSession } from '../../../shared/onnx/session.js';

t.test('the runtime leaves no telemetry in the home of its user, and a bad model is named', async (t) => {
  const home = t.testdir({});
  process.env.HOME = home;
  delete process.env.XDG_CACHE_HOME;
  delete process.env.ORT_DISABLE_TELEMETRY;
  await t.rejects(openSession(new Uint8Array([0]), { threads: 1 }), { code: 'MODEL_INVALID' });
  t.same(await readdir(home), []);
});

t.test('without an arena, what a run needed is given back when it ends', async (t) => {
  const bytes = 2 ** 27;
  const graph = new GraphBuilder('large');
  const count = graph.input('count', 'int64', [1]);
  const seed = graph.input('seed', 'float32', [1]);
  const wide = graph.node('Exp', [graph.node('Expand', [seed, count])]);
  graph.node('ReduceSum', [wide], { outputs: ['sum'] });
  graph.output('sum', 'float32', [1]);
  const held = async (arena: boolean) => {
    const session = await openSession(graph.build(), { threads: 1, arena });
    const before = process.memoryUsage.rss();
    await session.run({
      count: { type: 'int64', shape: [1], data: BigInt64Array.of(BigInt(bytes / 4)) },
      seed: { type: 'float32', shape: [1], data: Float32Array.of(0) },
    });
    const grown = process.memoryUsage.rss() - before;
    await session.close();
    return grown;
  };
  t.ok((await held(false)) < bytes / 4);
  t.ok((await held(true)) > bytes / 2, 'an arena keeps it for the next run');
});
