import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Refusals } from '../../../api/engine/refusals.js';
import { HaetaeError } from '../../../shared/errors.js';
import { FakeClock } from '../../fixtures/fake-clock.js';
import { writeFakeBundle } from '../../fixtures/fake-models.js';

const damaged = new HaetaeError('BUNDLE_CHECKSUM', 'It is damaged.');

async function setUp(t: Test) {
  const modelsDir = join(t.testdir({}), 'models');
  await writeFakeBundle(modelsDir, 'a');
  const clock = new FakeClock();
  const refusals = new Refusals({ modelsDir, now: () => new Date(0), clock });
  return { modelsDir, refusals, clock };
}

t.test('a refusal has its code, its reason without places of this machine, and its time', async (t) => {
  const { modelsDir, refusals } = await setUp(t);
  const error = new HaetaeError('BUNDLE_INVALID', `${modelsDir}/a/manifest.json: no; in ${modelsDir}.`);
  t.strictSame(await refusals.add('a', error), {
    bundleId: 'a',
    code: 'BUNDLE_INVALID',
    reason: 'a/manifest.json: no; in models.',
    at: '1970-01-01T00:00:00.000Z',
  });
  t.match(refusals.get('a'), { code: 'BUNDLE_INVALID' });
  t.equal(refusals.get('b'), undefined);
});

t.test('an engine that was killed is said to lack memory, where nobody killed it', async (t) => {
  const { refusals } = await setUp(t);
  const error = new HaetaeError('ENGINE_CRASHED', 'The engine process ended: signal SIGKILL.');
  t.match((await refusals.add('a', error)).reason, /not enough memory\.$/);
  const hung = new HaetaeError(
    'ENGINE_CRASHED',
    'The engine process ended: it was not ready (signal SIGKILL).',
  );
  t.notMatch((await refusals.add('a', hung)).reason, /memory/);
  t.match(await refusals.add('a', new Error('odd')), { code: 'INTERNAL', reason: 'odd' });
  t.strictSame(
    [...refusals.counts()],
    [
      ['ENGINE_CRASHED', 2],
      ['INTERNAL', 1],
    ],
  );
});

t.test('a refusal stands until a file of the bundle changes, comes or goes', async (t) => {
  const { modelsDir, refusals } = await setUp(t);
  const file = join(modelsDir, 'a', 'chunks.jsonl');
  for (const change of [
    () => writeFile(file, 'other text'),
    () => writeFile(join(modelsDir, 'a', 'new'), ''),
    () => rm(file),
    () => rm(join(modelsDir, 'a'), { recursive: true }),
    () => writeFakeBundle(modelsDir, 'a'),
  ]) {
    await refusals.add('a', damaged);
    t.equal(await refusals.stands('a'), true);
    await change();
    t.equal(await refusals.stands('a'), false);
  }
  await refusals.add('a', damaged);
  await chmod(join(modelsDir, 'a', 'chunks.jsonl'), 0o600);
  t.equal(await refusals.stands('a'), true, 'who may read it is no content');
  refusals.forget('a');
  t.equal(await refusals.stands('a'), false);
});

t.test('where the machine may be to blame, a refusal stands for a pause that grows', async (t) => {
  const { modelsDir, refusals, clock } = await setUp(t);
  const crashed = new HaetaeError('ENGINE_CRASHED', 'The engine process ended: signal SIGKILL.');
  const pauseOf = async () => {
    await refusals.add('a', crashed);
    for (let seconds = 0; seconds <= 1_000; seconds += 5) {
      if (!(await refusals.stands('a'))) return seconds;
      await clock.advance(5_000);
    }
    return Infinity;
  };
  const pauses: number[] = [];
  for (let i = 0; i < 9; i++) pauses.push(await pauseOf());
  t.strictSame(pauses, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
  t.match(refusals.get('a'), { code: 'ENGINE_CRASHED' }, 'it is told until it comes up');
  await writeFile(join(modelsDir, 'a', 'chunks.jsonl'), 'other text');
  t.equal(await pauseOf(), 5, 'another content begins anew');
  await refusals.add('a', damaged);
  await clock.advance(24 * 3_600_000);
  t.equal(await refusals.stands('a'), true, 'what is damaged stays so');
});

t.test('what is no id is refused without a look at what it could mean', async (t) => {
  const { refusals } = await setUp(t);
  await refusals.add('../..', new Error('no'));
  t.equal(await refusals.stands('../..'), true);
  refusals.forget();
  t.equal(refusals.get('../..'), undefined);
});
