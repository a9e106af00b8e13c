import t from 'tap';
import { SingleFlight } from '../../../shared/cache/single-flight.js';
import { settle } from '../../fixtures/fake-clock.js';

/** Computations that the test ends by hand. */
function computations() {
  const started: { resolve: (value: string) => void; reject: (error: Error) => void; signal: AbortSignal }[] =
    [];
  const compute = (signal: AbortSignal) =>
    new Promise<string>((resolve, reject) => {
      started.push({ resolve, reject, signal });
    });
  return { started, compute };
}

t.test('callers of one key share one computation; another key has its own', async (t) => {
  const flights = new SingleFlight<string>();
  const { started, compute } = computations();
  const all = [
    flights.run('a', compute),
    flights.run('a', compute),
    flights.run('b', compute),
    flights.run('a', compute),
  ];
  await settle();
  t.equal(started.length, 2);
  started[0]?.resolve('A');
  started[1]?.resolve('B');
  t.strictSame(await Promise.all(all), [
    { value: 'A', joined: false },
    { value: 'A', joined: true },
    { value: 'B', joined: false },
    { value: 'A', joined: true },
  ]);
  t.equal(flights.size, 0);
});

t.test('the first caller may leave: the others still get the value', async (t) => {
  const flights = new SingleFlight<string>();
  const { started, compute } = computations();
  const leaving = new AbortController();
  const first = flights.run('a', compute, leaving.signal);
  const second = flights.run('a', compute);
  await settle();
  leaving.abort(new Error('left'));
  await t.rejects(first, { message: 'left' });
  t.equal(started[0]?.signal.aborted, false);
  started[0]?.resolve('A');
  t.strictSame(await second, { value: 'A', joined: true });
  t.equal(started.length, 1);
});

t.test('a caller who joined may leave without disturbing the first', async (t) => {
  const flights = new SingleFlight<string>();
  const { started, compute } = computations();
  const leaving = new AbortController();
  const first = flights.run('a', compute);
  const second = flights.run('a', compute, leaving.signal);
  await settle();
  leaving.abort(new Error('left'));
  await t.rejects(second, { message: 'left' });
  t.equal(started.length, 1);
  started[0]?.resolve('A');
  t.strictSame(await first, { value: 'A', joined: false });
});

t.test('when everyone has left, the computation is aborted and forgotten', async (t) => {
  const flights = new SingleFlight<string>();
  const { started, compute } = computations();
  const leaving = new AbortController();
  const callers = [flights.run('a', compute, leaving.signal), flights.run('a', compute, leaving.signal)];
  await settle();
  leaving.abort(new Error('left'));
  for (const caller of callers) await t.rejects(caller, { message: 'left' });
  t.equal(started[0]?.signal.aborted, true);
  const fresh = flights.run('a', compute);
  await settle();
  started[1]?.resolve('A2');
  t.strictSame(await fresh, { value: 'A2', joined: false });
});

t.test('a failure reaches who started it; those who joined try once more, together', async (t) => {
  const flights = new SingleFlight<string>();
  const { started, compute } = computations();
  const first = flights.run('a', compute);
  const others = [flights.run('a', compute), flights.run('a', compute)];
  await settle();
  started[0]?.reject(new Error('no luck'));
  await t.rejects(first, { message: 'no luck' });
  await settle();
  t.equal(started.length, 2);
  started[1]?.resolve('A');
  t.strictSame(
    (await Promise.all(others)).map(({ value }) => value),
    ['A', 'A'],
  );
});

t.test('a second failure is final', async (t) => {
  const flights = new SingleFlight<string>();
  const { started, compute } = computations();
  const all = Promise.allSettled([flights.run('a', compute), flights.run('a', compute)]);
  await settle();
  started[0]?.reject(new Error('one'));
  await settle();
  started[1]?.reject(new Error('two'));
  t.strictSame(
    (await all).map((result) => (result.status === 'rejected' ? (result.reason as Error).message : '')),
    ['one', 'two'],
  );
  t.equal(started.length, 2);
});

t.test('a computation that throws at once rejects and leaves nothing behind', async (t) => {
  const flights = new SingleFlight<string>();
  const broken = () => {
    throw new Error('at once');
  };
  await t.rejects(flights.run('a', broken), { message: 'at once' });
  t.equal(flights.size, 0);
  await t.rejects(
    flights.run('a', async () => 'never', AbortSignal.abort(new Error('gone'))),
    { message: 'gone' },
  );
});
