import { createHash } from 'node:crypto';
import t from 'tap';
import { seededNumbers } from '../../../training/model/seeded-numbers.js';

const mask = 0xffffffffn;
const rotl = (x: bigint, k: bigint) => ((x << k) | (x >> (32n - k))) & mask;

/** xoshiro128++ as its authors write it, on 32-bit words in BigInt. */
function* xoshiro(state: readonly bigint[]): Generator<number> {
  const s = [...state] as [bigint, bigint, bigint, bigint];
  for (;;) {
    yield Number((rotl((s[0] + s[3]) & mask, 7n) + s[0]) & mask);
    const shifted = (s[1] << 9n) & mask;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotl(s[3], 11n);
  }
}

const take = <T>(count: number, next: () => T) => Array.from({ length: count }, next);

t.test('uniform numbers are those of xoshiro128++ from the hash of seed and name', async (t) => {
  const known = xoshiro([1n, 2n, 3n, 4n]);
  t.same(
    take(6, () => known.next().value),
    [641, 1573767, 3222811527, 3517856514, 836907274, 4247214768],
    'the test vector of the reference implementation',
  );
  for (const [seed, name] of [
    [0, ''],
    [7, 'model.embed_tokens.weight'],
    [-1, '한국'],
  ] as const) {
    const digest = createHash('sha256').update(`${seed}:${name}`).digest();
    const words = xoshiro([0, 4, 8, 12].map((at) => BigInt(digest.readUInt32LE(at))));
    const { uniform } = seededNumbers(seed, name);
    t.same(
      take(200, uniform),
      take(200, () => (words.next().value as number) * 2 ** -32 + 2 ** -33),
    );
  }
});

t.test('normal numbers have the moments of a normal distribution', async (t) => {
  const count = 200_000;
  const { normal } = seededNumbers(3, 'moments');
  const values = take(count, normal);
  const moment = (power: number) => values.reduce((sum, x) => sum + x ** power, 0) / count;
  // Five standard errors of each: sqrt((E[x^2k] − E[x^k]²) / count).
  for (const [power, expected, variance] of [
    [1, 0, 1],
    [2, 1, 2],
    [3, 0, 15],
    [4, 3, 96],
  ] as const) {
    const error = Math.abs(moment(power) - expected);
    t.ok(error < 5 * Math.sqrt(variance / count), `moment ${power}: off by ${error}`);
  }
  const within = values.filter((x) => Math.abs(x) < 1).length / count;
  t.ok(Math.abs(within - 0.682689) < 0.006, `${within} lie within one deviation`);
});

t.test('streams of neighbouring seeds and names have nothing in common', async (t) => {
  const streams = [
    seededNumbers(1, 'a'),
    seededNumbers(2, 'a'),
    seededNumbers(1, 'b'),
    seededNumbers(11, ''),
  ].map(({ uniform }) => new Set(take(2000, uniform)));
  const all = new Set(streams.flatMap((stream) => [...stream]));
  t.equal(all.size, 8000);
});
