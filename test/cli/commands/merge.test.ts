import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { runHaetae } from '../../fixtures/run-haetae.js';
import { writeTinyCheckpoint } from '../../fixtures/tiny-checkpoint.js';

const adapter = fileURLToPath(new URL('../../reference/peft/adapter', import.meta.url));

t.test('an adapter is merged into a new folder, once', async (t) => {
  const folder = t.testdir({});
  const base = await writeTinyCheckpoint(join(folder, 'base'));
  const out = join(folder, 'out');
  const args = ['merge', '--base', base, '--adapter', adapter, '--out', out];
  const first = await runHaetae({ args });
  t.equal(first.code, 0, first.err);
  t.equal(first.out, `${out}: 8 of 26 tensors changed by the adapter (r 4, alpha 6)\n`);
  t.same((await readdir(out)).sort(), (await readdir(base)).sort());

  const again = await runHaetae({ args });
  t.equal(again.code, 2);
  t.match(again.err, /USAGE: .*out exists already/);
});

t.test('a folder without an adapter is named, and nothing is made', async (t) => {
  const folder = t.testdir({ empty: {} });
  const base = await writeTinyCheckpoint(join(folder, 'base'));
  const out = join(folder, 'out');
  const { code, err } = await runHaetae({
    args: ['merge', '--base', base, '--adapter', join(folder, 'empty'), '--out', out],
  });
  t.equal(code, 1);
  t.match(err, /MODEL_INVALID: The adapter .*empty cannot be used: it has no adapter_config\.json/);
  t.same((await readdir(folder)).sort(), ['base', 'empty']);
  const missing = await runHaetae({ args: ['merge', '--base', base] });
  t.equal(missing.code, 2);
  t.match(missing.err, /required option '--adapter/);
});
