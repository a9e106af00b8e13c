import t from 'tap';
import { CurrentFollower } from '../../api/follow-current.js';

/** A server whose bundles load when the test says so. */
function followed(served: string) {
  const state = { wanted: served, served: served as string | undefined };
  const loads: { id: string; up: () => void; down: () => void }[] = [];
  const log: string[] = [];
  const follower = new CurrentFollower({
    wanted: async () => state.wanted,
    served: () => state.served,
    reload: (signal) =>
      new Promise<void>((resolve, reject) => {
        const id = state.wanted;
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        loads.push({
          id,
          up: () => {
            if (!signal.aborted) state.served = id;
            resolve();
          },
          down: () => reject(new Error('it did not come up')),
        });
      }),
    log: { info: (_, message) => log.push(message), error: (_, message) => log.push(message) },
  });
  const want = (id: string): Promise<void> => {
    state.wanted = id;
    return follower.look();
  };
  const turns = () => new Promise<void>((resolve) => setImmediate(resolve));
  return { follower, state, loads, log, want, turns };
}

t.test('another bundle is loaded once, however often it is asked for', async (t) => {
  const { state, loads, want, turns } = followed('a');
  const swapped = want('b');
  await turns();
  await want('b');
  loads[0]!.up();
  await swapped;
  await want('b');
  t.equal(loads.length, 1);
  t.equal(state.served, 'b');
});

t.test('a roll-back while the other bundle loads gives that one up', async (t) => {
  const { state, loads, log, want, turns } = followed('a');
  const swapped = want('b');
  await turns();
  await want('a');
  loads[0]!.up();
  await swapped;
  t.equal(state.served, 'a');
  t.match(log, ['reloading', /given up/]);
});

t.test('a bundle that loads slowly does not replace one that was wanted later', async (t) => {
  const { state, loads, want, turns } = followed('a');
  const first = want('slow');
  await turns();
  const second = want('fast');
  await turns();
  loads[1]!.up();
  loads[0]!.up();
  await Promise.all([first, second]);
  t.equal(state.served, 'fast');
});

t.test('a reload of the served bundle goes on when the same is wanted again', async (t) => {
  const { follower, loads, log, want, turns } = followed('a');
  const reloaded = follower.reload('SIGHUP');
  await turns();
  await want('a');
  loads[0]!.up();
  await reloaded;
  t.strictSame(log, ['reloading']);
});

t.test('a bundle that does not come up is told of, and can be asked for again', async (t) => {
  const { state, loads, log, want, turns } = followed('a');
  const failed = want('b');
  await turns();
  loads[0]!.down();
  await failed;
  t.match(log, ['reloading', /failed; nothing changed/]);
  const again = want('b');
  await turns();
  loads[1]!.up();
  await again;
  t.equal(state.served, 'b');
});

t.test('without a wish nothing happens', async (t) => {
  const { loads, want } = followed('a');
  await want('');
  t.equal(loads.length, 0);
});
