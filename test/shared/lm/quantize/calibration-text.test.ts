import t from 'tap';
import { calibrationSequences } from '../../../../shared/lm/quantize/calibration-text.js';
import type { Tokenizer } from '../../../../shared/lm/tokenizer.js';

/** A token for each character: its code. */
const tokenizer = {
  encodeBatch: async (texts: readonly string[]) =>
    texts.map((text) => Array.from(text, (letter) => letter.codePointAt(0)!)),
} as unknown as Tokenizer;

/** Character i is i, so a token says where it came from. */
const textOf = (length: number) => Array.from({ length }, (_, i) => String.fromCharCode(i % 50_000)).join('');

t.test('sequences are consecutive pieces spread over the text', async (t) => {
  const sequences = await calibrationSequences(textOf(10_000), tokenizer, { length: 100, count: 10 });
  t.strictSame(
    sequences.map((ids) => ids[0]),
    [0, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000],
  );
  t.ok(sequences.every((ids) => ids.length === 100 && ids.every((id, i) => id === ids[0]! + i)));
});

t.test('a short text gives what it has; one that says nothing is refused', async (t) => {
  t.strictSame(
    (await calibrationSequences(textOf(250), tokenizer, { length: 100, count: 10 })).map((ids) => ids.length),
    [100, 100],
  );
  const [whole, ...more] = await calibrationSequences(textOf(200), tokenizer);
  t.strictSame([whole!.length, more.length], [200, 0]);
  await t.rejects(calibrationSequences(textOf(127), tokenizer), { code: 'USAGE', message: /127 tokens/ });
  await t.rejects(calibrationSequences('', tokenizer), { code: 'USAGE' });
});

t.test('of a text too long to tokenise, slices from its start to its end are read', async (t) => {
  const sequences = await calibrationSequences('a'.repeat(3e6) + 'z'.repeat(3e6), tokenizer);
  t.equal(sequences.length, 64);
  t.strictSame([sequences[0]![0], sequences[63]![511]], [97, 122]);
});
