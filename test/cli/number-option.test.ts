import t from 'tap';
import { realNumber, wholeNumber } from '../../cli/number-option.js';

t.test('whole numbers of a range, written as numbers', async (t) => {
  const read = wholeNumber(1, 20);
  t.equal(read('1'), 1);
  t.equal(read('20'), 20);
  for (const text of ['0', '21', '1.5', '', ' ', 'many', 'NaN', 'Infinity', '1e9', '-1'])
    t.throws(() => read(text), { message: /whole number from 1 to 20/ }, text);
  t.throws(() => wholeNumber(3)('2'), { message: /whole number ≥ 3/ });
});

t.test('numbers that fit', async (t) => {
  const read = realNumber('above 0, at most 1', (value) => value > 0 && value <= 1);
  t.equal(read('0.5'), 0.5);
  t.equal(read('1'), 1);
  for (const text of ['0', '1.01', '-0.5', '', 'half', 'NaN', 'Infinity'])
    t.throws(() => read(text), { message: /number above 0, at most 1/ }, text);
});
