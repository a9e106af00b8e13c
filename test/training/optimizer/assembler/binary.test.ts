import t from 'tap';
import {
  float32,
  list,
  signed,
  sized,
  text,
  unsigned,
} from '../../../../training/optimizer/assembler/binary.js';
import { seededRandom } from '../../../../shared/random.js';

t.test('integers are written as the specification and DWARF write them in LEB128', async (t) => {
  // DWARF Debugging Information Format 4, appendix C, figures 22 and 23
  for (const [value, bytes] of [
    [2, [2]],
    [127, [127]],
    [128, [0x80, 1]],
    [129, [0x81, 1]],
    [12_857, [0xb9, 0x64]],
    [2 ** 32 - 1, [0xff, 0xff, 0xff, 0xff, 0x0f]],
  ] as const) {
    t.strictSame(unsigned(value), bytes, `${value}`);
  }
  for (const [value, bytes] of [
    [2, [2]],
    [-2, [0x7e]],
    [63, [63]],
    [64, [0xc0, 0]],
    [127, [0xff, 0]],
    [-127, [0x81, 0x7f]],
    [128, [0x80, 1]],
    [-128, [0x80, 0x7f]],
    [-(2 ** 31), [0x80, 0x80, 0x80, 0x80, 0x78]],
  ] as const) {
    t.strictSame(signed(value), bytes, `${value}`);
  }
});

t.test('any integer is read back as it was written', async (t) => {
  const random = seededRandom(1);
  for (let i = 0; i < 2_000; i++) {
    const value = Math.floor(random() * 2 ** (1 + (i % 32)));
    const decoded = unsigned(value).reduce((sum, byte, place) => sum + (byte & 0x7f) * 128 ** place, 0);
    t.equal(decoded, value) || t.bailout();
    const bytes = signed(value | 0);
    const raw = bytes.reduce((sum, byte, place) => sum + (byte & 0x7f) * 128 ** place, 0);
    const negative = (bytes.at(-1)! & 0x40) !== 0;
    t.equal(negative ? raw - 128 ** bytes.length : raw, value | 0) || t.bailout();
  }
});

t.test('singles, text and lists follow §5.2 of the specification', async (t) => {
  t.strictSame(float32(1), [0, 0, 0x80, 0x3f]);
  t.strictSame(text('가a'), [4, 0xea, 0xb0, 0x80, 0x61]);
  t.strictSame(list([[1, 2], [3]]), [2, 1, 2, 3]);
  t.strictSame(sized([7, 8, 9]), [3, 7, 8, 9]);
});
