import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Refusals } from '../../../api/engine/refusals.js';
import { StartChoice } from '../../../api/engine/start-choice.js';
import { HaetaeError } from '../../../shared/errors.js';

const damaged = new HaetaeError('BUNDLE_CHECKSUM', 'It is damaged.');
const crashed = new HaetaeError('ENGINE_CRASHED', 'It ended.');

function setUp(t: Test, wanted: string, earlier: string[]) {
  const refusals = new Refusals({ modelsDir: join(t.testdir({}), 'models') });
  const log: object[] = [];
  const starts = new StartChoice({
    wanted: async () => wanted,
    earlier: async () => earlier,
    refusals,
    log: { error: (data) => log.push(data) },
  });
  return { starts, refusals, log };
}

t.test(
  'the wanted bundle is started; one that was served is started again, whatever is wanted',
  async (t) => {
    const { starts } = setUp(t, 'b', ['a']);
    t.equal(await starts.next(undefined), 'b');
    t.equal(await starts.next('a'), 'a');
  },
);

t.test('a damaged bundle gives way to the last good one, loudly', async (t) => {
  const { starts, log } = setUp(t, 'c', ['b', 'a']);
  await starts.failed('c', damaged);
  t.equal(await starts.next(undefined), 'b');
  await starts.failed('b', damaged);
  t.equal(await starts.next(undefined), 'a');
  t.match(log, [
    { bundleId: 'c', code: 'BUNDLE_CHECKSUM' },
    { wanted: 'c', bundleId: 'b' },
    { bundleId: 'b' },
    { wanted: 'c', bundleId: 'a' },
  ]);
});

t.test('with nothing else to serve the wanted one is tried again and again, and refused once', async (t) => {
  const { starts, refusals } = setUp(t, 'b', ['a']);
  await starts.failed('b', damaged);
  await starts.failed('a', damaged);
  for (let i = 0; i < 3; i++) {
    t.equal(await starts.next(undefined), 'b');
    await starts.failed('b', damaged);
  }
  t.strictSame([...refusals.counts()], [['BUNDLE_CHECKSUM', 2]]);
});

t.test('a bundle whose engine crashes has a second start', async (t) => {
  const { starts } = setUp(t, 'b', ['a']);
  await starts.failed('b', crashed);
  t.equal(await starts.next(undefined), 'b');
  await starts.failed('b', crashed);
  t.equal(await starts.next(undefined), 'a');
});

t.test(
  'where current says nothing, the last active bundle is started, or what the engine finds',
  async (t) => {
    t.equal(await setUp(t, '', ['b', 'a']).starts.next(undefined), 'b');
    const { starts, refusals } = setUp(t, '', []);
    t.equal(await starts.next(undefined), undefined);
    await starts.failed(undefined, damaged);
    t.equal(refusals.counts().size, 0);
  },
);
