import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const program = fileURLToPath(new URL('../../cli/haetae.ts', import.meta.url));

interface Run {
  args: string[];
  env?: Record<string, string>;
  /** Close the reading end of stdout at once, as `| head -0` does. */
  closeOut?: boolean;
}

async function run({ args, env = {}, closeOut = false }: Run) {
  const child = spawn(process.execPath, ['--import=tsx', program, ...args], {
    env: { ...process.env, ...env },
  });
  let out = '';
  let err = '';
  if (closeOut) child.stdout.destroy();
  child.stdout.on('data', (data) => {
    out += data;
  });
  child.stderr.on('data', (data) => {
    err += data;
  });
  const [code] = await once(child, 'close');
  return { code: code as number | null, out, err };
}

t.test('help is no error; wrong usage exits with 2, at every level', async (t) => {
  const [help, number, none] = await Promise.all([
    run({ args: ['train', '--help'] }),
    run({ args: ['train', 'index', '--threads', 'many'] }),
    run({ args: [] }),
  ]);
  t.match(help, { code: 0, out: /Usage: haetae train/ });
  t.equal(help.err, '');
  t.match(number, { code: 2, err: /--threads.*'many' is invalid.*whole number ≥ 1/ });
  t.match(none, { code: 2, err: /Usage: haetae/ });
  t.strictSame([number.out, none.out], ['', '']);
});

t.test('failures exit with 1 and their code; HAETAE_MODELS_DIR names the bundles', async (t) => {
  const models = join(t.testdir({}), 'elsewhere');
  const env = { HAETAE_MODELS_DIR: models };
  const [list, show] = await Promise.all([
    run({ args: ['models', 'list'], env }),
    run({ args: ['models', 'show', 'nosuch'], env }),
  ]);
  t.strictSame([list.code, list.err, show.out], [0, '', '']);
  t.ok(list.out.includes(models), list.out);
  t.match(show, { code: 1, err: /^haetae: BUNDLE_NOT_FOUND: There is no bundle 'nosuch'/ });
  t.ok(show.err.includes(models), show.err);
  t.notMatch(show.err, /\n\s+at /, 'no stack');
});

t.test('a reader that goes early is no error', async (t) => {
  const gone = await run({ args: ['models', 'list', '--models-dir', t.testdir({})], closeOut: true });
  t.strictSame(gone, { code: 0, out: '', err: '' });
});
