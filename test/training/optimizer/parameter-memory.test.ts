import t from 'tap';
import { ParameterMemory, type ParameterSpec } from '../../../training/optimizer/parameter-memory.js';

const specs: ParameterSpec[] = [
  { name: 'table', shape: [5, 7], decay: true },
  { name: 'scalar', shape: [], decay: false },
  { name: 'norm', shape: [16], decay: false },
];

t.test('every tensor has views of its own, at multiples of 64 bytes, of one memory', async (t) => {
  for (const accumulate of [false, true]) {
    const memory = ParameterMemory.allocate(specs, { accumulate });
    const maps = [memory.parameters, memory.gradients, memory.firstMoments, memory.secondMoments];
    let expected = 1;
    for (const map of maps) {
      t.strictSame(
        [...map].map(([name, view]) => [name, view.length]),
        [
          ['table', 35],
          ['scalar', 1],
          ['norm', 16],
        ],
      );
      for (const view of map.values()) {
        t.equal(view.buffer, memory.memory.buffer);
        t.equal(view.byteOffset % 64, 0);
        t.ok(view.every((x) => x === 0));
        view.fill(expected++);
      }
    }
    t.strictSame(
      maps.flatMap((map) => [...map.values()].map((view) => new Set(view))),
      Array.from({ length: 12 }, (_, i) => new Set([i + 1])),
      'none overlaps another',
    );
    t.equal(memory.regions.accumulator !== null, accumulate);
  }
});

t.test('regions do not begin at the same place of 4 KiB, where they would hinder one another', async (t) => {
  for (const elements of [1, 1_000, 1_024, 2 ** 18, 2 ** 18 + 832 / 4, 999_999]) {
    const large = [{ name: 'x', shape: [elements], decay: true }];
    const memory = ParameterMemory.allocate(large, { accumulate: true });
    const places = Object.values(memory.regions).map((region) => (region?.address ?? 0) % 4_096);
    const distances = places.flatMap((a, i) => places.slice(i + 1).map((b) => Math.abs(a - b)));
    t.ok(Math.min(...distances.map((x) => Math.min(x, 4_096 - x))) > 700, `${elements}: ${places}`);
  }
});

t.test(
  'its size is known beforehand: 16 bytes a parameter, 20 with an accumulator, some between regions, whole pages',
  async (t) => {
    const large = [{ name: 'x', shape: [1024, 1024], decay: true }];
    t.equal(ParameterMemory.bytes(large, { accumulate: false }), 16 * 2 ** 20 + 65_536);
    t.equal(ParameterMemory.bytes(large, { accumulate: true }), 20 * 2 ** 20 + 65_536);
    t.equal(ParameterMemory.bytes([], { accumulate: false }), 65_536);
    for (const accumulate of [false, true]) {
      t.equal(
        ParameterMemory.allocate(specs, { accumulate }).bytes,
        ParameterMemory.bytes(specs, { accumulate }),
      );
    }
  },
);

t.test('above 32-bit addresses it says so before anything is allocated', async (t) => {
  const specsOf = (elements: number) => [{ name: 'x', shape: [elements], decay: true }];
  const limit = 2 ** 32;
  const most = 2 ** 28 - 1_024;
  t.equal(ParameterMemory.bytes(specsOf(most), { accumulate: false }), limit, 'what just fits');
  const before = process.memoryUsage().rss;
  t.throws(() => ParameterMemory.allocate(specsOf(most + 1_024), { accumulate: false }), {
    name: 'HaetaeError',
    code: 'TRAINING_MEMORY',
    message:
      /268,435,456 trained parameters.*4\.00 GiB \(4295032832 bytes\).*4294967296 bytes.*LoRA.*fewer parameters$/,
    data: { bytes: limit + 65_536, limit },
  });
  t.throws(() => ParameterMemory.allocate(specsOf(2 ** 28), { accumulate: true }), {
    code: 'TRAINING_MEMORY',
    message: /without gradient accumulation, which takes 4 bytes of 20/,
    data: { bytes: limit * 1.25 + 65_536, limit },
  });
  // Sizes at which numbers have no whole digits left must not come out small.
  t.throws(() => ParameterMemory.allocate(specsOf(Number.MAX_SAFE_INTEGER), { accumulate: true }), {
    code: 'TRAINING_MEMORY',
  });
  t.ok(process.memoryUsage().rss - before < 2 ** 28);
});

t.test('it says so where the machine does not give the memory', async (t) => {
  // Each memory reserves gigabytes of addresses, though it holds next to nothing, until the process has none left.
  const reserved: WebAssembly.Memory[] = [];
  t.throws(() => {
    for (;;) {
      reserved.push(new WebAssembly.Memory({ initial: 1, maximum: 1 }));
    }
  }, RangeError);
  t.throws(() => ParameterMemory.allocate(specs, { accumulate: false }), {
    code: 'TRAINING_MEMORY',
    message: /52 trained parameters.*\(65536 bytes\); the machine does not give as much.*LoRA/,
    data: { bytes: 65_536 },
    cause: { name: 'RangeError' },
  });
  t.ok(reserved.length > 0);
});

t.test('specs that describe no tensors are refused', async (t) => {
  for (const shape of [[0], [2, -1], [1.5], [Number.NaN]]) {
    t.throws(
      () => ParameterMemory.allocate([{ name: 'odd', shape, decay: true }], { accumulate: false }),
      /parameter odd has the shape/,
    );
  }
  const twice = [specs[0]!, specs[0]!];
  t.throws(() => ParameterMemory.bytes(twice, { accumulate: false }), /two parameters are named table/);
});
