import { readdir } from 'node:fs/promises';
import t from 'tap';
import { openSession } from '../../../shared/onnx/session.js';

t.test('the runtime leaves no telemetry in the home of its user, and a bad model is named', async (t) => {
  const home = t.testdir({});
  process.env.HOME = home;
  delete process.env.XDG_CACHE_HOME;
  delete process.env.ORT_DISABLE_TELEMETRY;
  await t.rejects(openSession(new Uint8Array([0]), { threads: 1 }), { code: 'MODEL_INVALID' });
  t.same(await readdir(home), []);
});
