import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { followCurrent } from '../../api/follow-current.js';

/** Counts the looks, and waits for one more. */
function looks() {
  const seen = { count: 0 };
  const more = async () => {
    const { count } = seen;
    while (seen.count === count) await sleep(2);
  };
  const look = async () => {
    seen.count += 1;
  };
  return { seen, more, look };
}

t.test('a look is taken at once, and when current is replaced, as the system tells', async (t) => {
  const modelsDir = t.testdir({ current: 'a\n' });
  const { seen, more, look } = looks();
  const end = followCurrent({ modelsDir, look, intervalMs: 3_600_000 });
  t.teardown(end);
  t.equal(seen.count, 1);
  await writeFile(join(modelsDir, 'new'), 'b\n');
  const looked = more();
  await rename(join(modelsDir, 'new'), join(modelsDir, 'current'));
  await looked;
  t.pass('it was seen long before the next look of its own');
});

t.test('a folder that comes later, or is replaced, is looked at all the same', async (t) => {
  const modelsDir = join(t.testdir({}), 'models');
  const { more, look } = looks();
  t.teardown(followCurrent({ modelsDir, look, intervalMs: 5 }));
  await more();
  await mkdir(modelsDir);
  await more();
  await rm(modelsDir, { recursive: true });
  await more();
  await mkdir(modelsDir);
  await more();
});

t.test('no look is taken after the end', async (t) => {
  const modelsDir = t.testdir({ current: 'a\n' });
  const { seen, look } = looks();
  const end = followCurrent({ modelsDir, look, intervalMs: 1 });
  end();
  const { count } = seen;
  await writeFile(join(modelsDir, 'current'), 'b\n');
  await sleep(20);
  t.equal(seen.count, count);
});
