import { execFileSync } from 'node:child_process';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { BundleSwitch } from '../../../api/engine/bundle-switch.js';
import { Refusals } from '../../../api/engine/refusals.js';
import type { ReloadOptions, Swap } from '../../../api/engine/supervisor.js';
import { activateBundle, manifestHash, readBundle } from '../../../shared/bundle/bundle-store.js';
import { readCurrent } from '../../../shared/bundle/current-file.js';
import type { RuntimeInfo } from '../../../shared/bundle/runtime.js';
import { type ErrorCode, HaetaeError } from '../../../shared/errors.js';
import { FakeClock } from '../../fixtures/fake-clock.js';
import { writeFakeBundle } from '../../fixtures/fake-models.js';
import { fakeInfo } from '../../fixtures/fake-results.js';

/** `whileEnding`: an engine that is given up ends after it. */
type Gate = 'beforeCommit' | 'beforeServing' | 'whileEnding';

/** Engines that come up when the test says so. */
class FakeEngines {
  bundleId: string | undefined;
  startingId: string | undefined;
  info: RuntimeInfo | null = null;
  /** Loads that have not ended. */
  readonly loads: { id: string; up: () => void; down: (code?: ErrorCode) => void }[] = [];
  /** Every bundle that was loaded, in order. */
  readonly tried: string[] = [];
  /** What the bundle that is ready waits for before it is committed, and once it is, before it serves. */
  readonly gates = new Map<string, Partial<Record<Gate, Promise<void>>>>();
  /** The engine ends after it was ready, before it serves. */
  dieAfterCommit = false;
  readonly #modelsDir: string;
  readonly #listeners: ((info: RuntimeInfo) => void)[] = [];

  constructor(modelsDir: string) {
    this.#modelsDir = modelsDir;
  }

  onBundle(listener: (info: RuntimeInfo) => void): void {
    this.#listeners.push(listener);
  }

  health() {
    return { info: this.info } as never;
  }

  async serve(id: string): Promise<void> {
    const bundle = await readBundle(this.#modelsDir, id);
    this.bundleId = id;
    this.info = { ...fakeInfo(id), manifestHash: manifestHash(bundle) };
    for (const listener of this.#listeners) listener(this.info);
  }

  async reload(id = '', { signal, commit }: ReloadOptions = {}): Promise<Swap> {
    this.tried.push(id);
    await new Promise<void>((resolve, reject) => {
      const end = (settle: () => void) => {
        this.loads.splice(this.loads.indexOf(load), 1);
        settle();
      };
      const load = {
        id,
        up: () => end(resolve),
        down: (code: ErrorCode = 'BUNDLE_CHECKSUM') =>
          end(() => reject(new HaetaeError(code, 'It is damaged.'))),
      };
      this.loads.push(load);
      const giveUp = async () => {
        await this.gates.get(id)?.whileEnding;
        end(() => reject(signal?.reason));
      };
      signal?.addEventListener('abort', giveUp, { once: true });
    });
    const info = fakeInfo(id);
    const gate = this.gates.get(id);
    await gate?.beforeCommit;
    await commit?.(info);
    await gate?.beforeServing;
    if (this.dieAfterCommit) throw new HaetaeError('ENGINE_CRASHED', 'It ended.');
    const previousId = this.bundleId ?? null;
    await this.serve(id);
    return { info, previousId, drained: Promise.resolve() };
  }

  /** Waits until this bundle is being loaded. */
  async loading(id: string) {
    for (;;) {
      const found = this.loads.find((load) => load.id === id);
      if (found !== undefined) return found;
      await turn();
    }
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Bundles a to d, of which `a` is active and served. */
async function setUp(t: Test, { pinnedId }: { pinnedId?: string } = {}) {
  const modelsDir = join(t.testdir({}), 'models');
  for (const id of ['a', 'b', 'c', 'd']) await writeFakeBundle(modelsDir, id);
  await activateBundle(modelsDir, 'a');
  const engines = new FakeEngines(modelsDir);
  await engines.serve(pinnedId ?? 'a');
  const log: string[] = [];
  const note = (_: object, message: string) => log.push(message);
  const clock = new FakeClock();
  const bundles = new BundleSwitch({
    modelsDir,
    pinnedId,
    engines,
    refusals: new Refusals({ modelsDir, clock }),
    clock,
    log: { info: note, warn: note, error: note },
  });
  await bundles.look();
  const current = () => readCurrent(modelsDir);
  /** As `activate`, and the engine comes up. */
  const change = async (id: string) => {
    const changed = bundles.activate(id);
    (await engines.loading(id)).up();
    return changed;
  };
  return { modelsDir, engines, bundles, clock, log, current, change };
}

t.test('a bundle is activated when its engine is up, and current names it from then on', async (t) => {
  const { engines, bundles, current } = await setUp(t);
  const changed = bundles.activate('b');
  const load = await engines.loading('b');
  t.match(await bundles.status(), { servedId: 'a', wantedId: 'b', loadingId: 'b' });
  t.equal(await current(), 'a');
  load.up();
  t.match(await changed, { bundleId: 'b', previousId: 'a' });
  t.equal(await current(), 'b');
  t.match(await bundles.status(), { servedId: 'b', wantedId: 'b', loadingId: null, swaps: 1 });
  t.match(await bundles.activate('b'), { previousId: 'b', swapMs: 0 }, 'once more is nothing to do');
  t.strictSame(engines.tried, ['b']);
});

t.test('a bundle that is refused leaves current and what serves, and the reason is known', async (t) => {
  const { engines, bundles, current } = await setUp(t);
  const changed = bundles.activate('b');
  (await engines.loading('b')).down();
  await t.rejects(changed, {
    code: 'BUNDLE_REFUSED',
    message: /'b' was refused \(BUNDLE_CHECKSUM\): It is damaged\. 'a' serves on/,
    data: { bundleId: 'b', cause: 'BUNDLE_CHECKSUM', served: 'a' },
  });
  t.equal(await current(), 'a');
  t.match(bundles.refusalOf('b'), { code: 'BUNDLE_CHECKSUM', reason: 'It is damaged.' });
  t.strictSame([...bundles.refusalCounts()], [['BUNDLE_CHECKSUM', 1]]);
  const again = bundles.activate('b');
  (await engines.loading('b')).up();
  await again;
  t.equal(bundles.refusalOf('b'), undefined, 'what serves is refused no more');
});

t.test('what is not there, or is a path, is not found', async (t) => {
  const { bundles } = await setUp(t);
  for (const id of ['none', '../models/a', '']) await t.rejects(bundles.activate(id), { code: 'NOT_FOUND' });
});

t.test('an engine that ends in the last moment takes the line in current back', async (t) => {
  const { engines, bundles, current, change } = await setUp(t);
  engines.dieAfterCommit = true;
  await t.rejects(change('b'), { code: 'BUNDLE_REFUSED', message: /ENGINE_CRASHED/ });
  t.equal(await current(), 'a');
  await t.rejects(bundles.rollback(), { message: /no earlier bundle/ }, 'it never was the active one');
});

t.test(
  'a current that cannot be written leaves what serves, and is not held against the bundle',
  async (t) => {
    const { modelsDir, bundles, change } = await setUp(t);
    await rm(join(modelsDir, 'current'));
    await mkdir(join(modelsDir, 'current'));
    await t.rejects(change('b'), { code: 'BUNDLE_REFUSED', message: /current cannot be written/ });
    t.match(await bundles.status(), { servedId: 'a' });
    t.equal(bundles.refusalOf('b'), undefined);
  },
);

t.test('another id in current is followed once, however often it is looked at', async (t) => {
  const { modelsDir, engines, bundles } = await setUp(t);
  await activateBundle(modelsDir, 'b');
  const followed = bundles.look();
  (await engines.loading('b')).up();
  await Promise.all([followed, bundles.look()]);
  await bundles.look();
  t.strictSame(engines.tried, ['b']);
  t.match(await bundles.status(), { servedId: 'b', wantedId: 'b' });
});

t.test('a current that goes back while the other bundle loads gives that one up', async (t) => {
  const { modelsDir, engines, bundles, log } = await setUp(t);
  await activateBundle(modelsDir, 'b');
  const followed = bundles.look();
  await engines.loading('b');
  await activateBundle(modelsDir, 'a');
  await bundles.look();
  await followed;
  t.match(await bundles.status(), { servedId: 'a', wantedId: 'a', loadingId: null, swaps: 0 });
  t.match(log.at(-1), /given up/);
});

t.test('the newest wish wins, wherever it comes from, and the older ones are told', async (t) => {
  const { modelsDir, engines, bundles, current } = await setUp(t);
  const first = bundles.activate('b');
  await engines.loading('b');
  const second = bundles.activate('c');
  await t.rejects(first, { code: 'BUNDLE_REFUSED', message: /'b' was given up.*wanted later/ });
  await engines.loading('c');
  await activateBundle(modelsDir, 'd');
  const third = bundles.look();
  await t.rejects(second, { message: /'c' was given up/ });
  (await engines.loading('d')).up();
  await third;
  t.match(await bundles.status(), { servedId: 'd', wantedId: 'd' });
  t.equal(await current(), 'd');
  t.equal(bundles.refusalOf('b'), undefined, 'to be given up is no refusal');
});

t.test('of two wishes at once the later one wins', async (t) => {
  const { engines, bundles } = await setUp(t);
  const both = Promise.allSettled([bundles.activate('b'), bundles.activate('c')]);
  (await engines.loading('c')).up();
  t.match(await both, [{ status: 'rejected' }, { value: { bundleId: 'c' } }]);
});

for (const gate of ['beforeCommit', 'beforeServing'] as const) {
  t.test(`a wish that comes when an older one is past giving up (${gate}) is served after it`, async (t) => {
    const { engines, bundles, current } = await setUp(t);
    let release = (): void => undefined;
    engines.gates.set('b', { [gate]: new Promise<void>((resolve) => (release = resolve)) });
    const first = bundles.activate('b');
    (await engines.loading('b')).up();
    if (gate === 'beforeServing') while ((await current()) !== 'b') await turn();
    const second = bundles.activate('c');
    const load = await engines.loading('c');
    if (gate === 'beforeServing') load.up();
    // Time enough for the later one to serve first, were nothing in its way.
    for (let i = 0; i < 500 && engines.bundleId !== 'c'; i++) await current();
    release();
    t.match(await first, { bundleId: 'b', previousId: 'a' });
    if (gate === 'beforeCommit') load.up();
    t.match(await second, { bundleId: 'c', previousId: 'b' });
    t.match(await bundles.status(), { servedId: 'c', wantedId: 'c' });
    t.equal(await current(), 'c');
  });
}

t.test('two wishes for one bundle are one load', async (t) => {
  const { engines, bundles } = await setUp(t);
  const one = bundles.activate('b');
  const load = await engines.loading('b');
  const other = bundles.activate('b');
  await turn();
  load.up();
  t.match(await Promise.all([one, other]), [{ bundleId: 'b' }, { bundleId: 'b' }]);
  t.strictSame(engines.tried, ['b']);
});

t.test('what current says while a wish over HTTP loads is only news where it changes', async (t) => {
  const { engines, bundles } = await setUp(t);
  const changed = bundles.activate('b');
  const load = await engines.loading('b');
  await bundles.look();
  load.up();
  await changed;
  t.match(await bundles.status(), { servedId: 'b' });
});

t.test('a current that was written in the last moment is not written over', async (t) => {
  const { modelsDir, engines, bundles, current } = await setUp(t);
  const changed = bundles.activate('b');
  const load = await engines.loading('b');
  await writeFile(join(modelsDir, 'current'), 'c\n');
  load.up();
  await t.rejects(changed, { message: /given up/ });
  t.equal(await current(), 'c');
});

t.test('a refused bundle is tried again when current or its folder changes, and not before', async (t) => {
  const { modelsDir, engines, bundles } = await setUp(t);
  await activateBundle(modelsDir, 'b');
  const followed = bundles.look();
  (await engines.loading('b')).down();
  await followed;
  for (let i = 0; i < 3; i++) await bundles.look();
  t.strictSame(engines.tried, ['b']);
  t.match(await bundles.status(), { servedId: 'a', wantedId: 'b', loadingId: null });

  await rm(join(modelsDir, 'b'), { recursive: true });
  await writeFakeBundle(modelsDir, 'b', 'repaired');
  const again = bundles.look();
  (await engines.loading('b')).down();
  await again;
  await bundles.look();
  t.strictSame(engines.tried, ['b', 'b'], 'its folder was another');

  await activateBundle(modelsDir, 'b');
  const third = bundles.look();
  (await engines.loading('b')).down();
  await third;
  const asked = bundles.reload('SIGHUP');
  (await engines.loading('b')).up();
  await asked;
  t.strictSame(engines.tried, ['b', 'b', 'b', 'b']);
  t.match(await bundles.status(), { servedId: 'b' });
});

t.test('a bundle whose engine could not start is tried again by itself, after a pause', async (t) => {
  const { modelsDir, engines, bundles, clock } = await setUp(t);
  await activateBundle(modelsDir, 'b');
  const followed = bundles.look();
  (await engines.loading('b')).down('ENGINE_CRASHED');
  await followed;
  await bundles.look();
  t.strictSame(engines.tried, ['b']);
  t.match(bundles.refusalOf('b'), { code: 'ENGINE_CRASHED' });
  await clock.advance(5_000);
  const again = bundles.look();
  (await engines.loading('b')).up();
  await again;
  t.match(await bundles.status(), { servedId: 'b', wantedId: 'b' });
  t.equal(bundles.refusalOf('b'), undefined);

  await rm(join(modelsDir, 'b'), { recursive: true });
  await writeFakeBundle(modelsDir, 'b', 'other content');
  await activateBundle(modelsDir, 'b');
  const anew = bundles.look();
  (await engines.loading('b')).down('ENGINE_CRASHED');
  await anew;
  await bundles.look();
  await clock.advance(5_000);
  const anewAgain = bundles.look();
  (await engines.loading('b')).up();
  await anewAgain;
  await bundles.look();
  t.strictSame(engines.tried, ['b', 'b', 'b', 'b'], 'so is one that was published anew under the served id');
});

t.test('a look that began before a change was made does not undo it', async (t) => {
  const { modelsDir, engines, bundles } = await setUp(t);
  let serve = (): void => undefined;
  engines.gates.set('b', { beforeServing: new Promise<void>((resolve) => (serve = resolve)) });
  const changed = bundles.activate('b');
  (await engines.loading('b')).up();
  while (engines.loads.length > 0 || (await readCurrent(modelsDir)) !== 'b') await turn();
  // Read from a pipe, `current` says what it said before, and says it late.
  const path = join(modelsDir, 'current');
  await rename(path, join(modelsDir, 'aside'));
  execFileSync('mkfifo', [path]);
  const looked = bundles.look();
  const pipe = await open(path, 'w');
  await rename(join(modelsDir, 'aside'), path);
  serve();
  await changed;
  await pipe.writeFile('a\n');
  await pipe.close();
  await looked;
  t.strictSame(engines.tried, ['b']);
  t.match(await bundles.status(), { servedId: 'b', wantedId: 'b' });
});

t.test('a bundle that is wanted again while it is being given up is loaded anew', async (t) => {
  const { engines, bundles, current } = await setUp(t);
  let release = (): void => undefined;
  engines.gates.set('b', { whileEnding: new Promise<void>((resolve) => (release = resolve)) });
  const first = t.rejects(bundles.activate('b'), { message: /given up/ });
  await engines.loading('b');
  const back = t.rejects(bundles.activate('a'), { message: /given up/ });
  while ((await bundles.status()).loadingId !== null) await turn();
  const second = bundles.activate('b');
  while (engines.tried.length < 2) await turn();
  release();
  await Promise.all([first, back]);
  (await engines.loading('b')).up();
  t.match(await second, { bundleId: 'b', previousId: 'a' });
  t.equal(await current(), 'b');
});

t.test('what is wanted back after it was too late to give the other up serves in the end', async (t) => {
  const { engines, bundles, current } = await setUp(t);
  let release = (): void => undefined;
  engines.gates.set('b', { beforeServing: new Promise<void>((resolve) => (release = resolve)) });
  const first = bundles.activate('b');
  (await engines.loading('b')).up();
  while ((await current()) !== 'b') await turn();
  const back = bundles.activate('a');
  while ((await bundles.status()).loadingId !== null) await turn();
  release();
  t.match(await first, { bundleId: 'b' });
  (await engines.loading('a')).up();
  t.match(await back, { bundleId: 'a', previousId: 'b' });
  t.match(await bundles.status(), { servedId: 'a', wantedId: 'a' });
  t.equal(await current(), 'a');
});

t.test('a bundle that is published anew under the served id is loaded when current is written', async (t) => {
  const { modelsDir, engines, bundles } = await setUp(t);
  await rm(join(modelsDir, 'a'), { recursive: true });
  await writeFakeBundle(modelsDir, 'a', 'other content');
  await bundles.look();
  t.strictSame(engines.tried, []);
  await activateBundle(modelsDir, 'a');
  const followed = bundles.look();
  (await engines.loading('a')).up();
  await followed;
  await rm(join(modelsDir, 'a'), { recursive: true });
  await writeFakeBundle(modelsDir, 'a', 'and another');
  const activated = bundles.activate('a');
  (await engines.loading('a')).up();
  t.match(await activated, { bundleId: 'a', previousId: 'a' });
});

t.test('a reload loads what serves anew, and goes on when the same is looked at', async (t) => {
  const { engines, bundles } = await setUp(t);
  const reloaded = bundles.reload('SIGHUP');
  const load = await engines.loading('a');
  await bundles.look();
  load.up();
  await reloaded;
  t.strictSame(engines.tried, ['a']);
});

t.test('rollbacks go back further and further, and an activation begins anew', async (t) => {
  const { engines, bundles, change, current } = await setUp(t);
  for (const id of ['b', 'c', 'd']) await change(id);
  const back = async (id: string) => {
    const rolled = bundles.rollback();
    (await engines.loading(id)).up();
    t.match(await rolled, { bundleId: id, passedOver: [] });
    t.equal(await current(), id);
  };
  await back('c');
  await back('b');
  await change('d');
  await back('b');
  await back('a');
  await t.rejects(bundles.rollback(), { code: 'BUNDLE_REFUSED', message: /no earlier bundle/ });
});

t.test('a rollback passes over bundles that have gone or are refused, and says so', async (t) => {
  const { modelsDir, engines, bundles, change } = await setUp(t);
  for (const id of ['b', 'c', 'd']) await change(id);
  await rm(join(modelsDir, 'c'), { recursive: true });
  const rolled = bundles.rollback();
  (await engines.loading('b')).down();
  (await engines.loading('a')).up();
  t.match(await rolled, {
    bundleId: 'a',
    previousId: 'd',
    passedOver: [
      { bundleId: 'c', code: 'BUNDLE_NOT_FOUND' },
      { bundleId: 'b', code: 'BUNDLE_CHECKSUM' },
    ],
  });
});

t.test('a rollback first takes back what is being loaded; another one goes further', async (t) => {
  const { engines, bundles, change } = await setUp(t);
  for (const id of ['b', 'c']) await change(id);
  const givenUp = { message: /given up/ };
  const changed = t.rejects(bundles.activate('d'), givenUp);
  await engines.loading('d');
  t.match(await bundles.rollback(), { bundleId: 'c', swapMs: 0 });
  await changed;

  const first = t.rejects(bundles.rollback(), givenUp);
  await engines.loading('b');
  const second = bundles.rollback();
  await first;
  (await engines.loading('a')).up();
  t.match(await second, { bundleId: 'a' });
});

t.test('what was refused is what a rollback takes back', async (t) => {
  const { modelsDir, engines, bundles, current } = await setUp(t);
  await activateBundle(modelsDir, 'b');
  const followed = bundles.look();
  (await engines.loading('b')).down();
  await followed;
  t.match(await bundles.rollback(), { bundleId: 'a', swapMs: 0 });
  t.equal(await current(), 'a');
});

t.test('a server that is pinned to a bundle follows nothing, and refuses to change', async (t) => {
  const { engines, bundles, modelsDir } = await setUp(t, { pinnedId: 'c' });
  await activateBundle(modelsDir, 'b');
  await bundles.look();
  await t.rejects(bundles.activate('b'), { code: 'BUNDLE_REFUSED', message: /HAETAE_BUNDLE/ });
  await t.rejects(bundles.rollback(), { code: 'BUNDLE_REFUSED' });
  t.match(await bundles.status(), { servedId: 'c', wantedId: 'c', isPinned: true });
  const reloaded = bundles.reload('SIGHUP');
  (await engines.loading('c')).up();
  await reloaded;
  t.strictSame(engines.tried, ['c']);
  t.equal(await readFile(join(modelsDir, 'current'), 'utf8'), 'b\n');
});

t.test('without a wish nothing happens, and what is being started is left alone', async (t) => {
  const { modelsDir, engines, bundles } = await setUp(t);
  await rm(join(modelsDir, 'current'));
  await bundles.look();
  await bundles.reload('SIGHUP');
  engines.bundleId = undefined;
  engines.startingId = 'b';
  await activateBundle(modelsDir, 'b');
  await bundles.look();
  t.strictSame(engines.tried, []);
  t.match(await bundles.status(), { servedId: null, wantedId: 'b', loadingId: 'b' });
});

t.test('each change is told with its time', async (t) => {
  const { bundles, change } = await setUp(t);
  const heard: number[] = [];
  bundles.onSwap((swapMs) => heard.push(swapMs));
  await change('b');
  t.strictSame(heard, [0]);
});
