import { readFile } from 'node:fs/promises';
import t from 'tap';
import { strftime } from '../../../shared/lm/strftime.js';

const date = new Date(2025, 6, 4, 9, 5, 3);

t.test('dates are written as Python writes them in the C locale', async (t) => {
  const { strftime: python } = JSON.parse(
    await readFile(new URL('../../reference/chat_template.json', import.meta.url), 'utf8'),
  );
  t.equal(strftime(date, python.format), python.text);
});

t.test('hours after noon, midnight, and days without their padding', async (t) => {
  t.equal(strftime(new Date(2025, 11, 31, 13, 0, 0), '%I %p %j'), '01 PM 365');
  t.equal(strftime(new Date(2024, 11, 31, 0, 0, 0), '%I %p %H %j'), '12 AM 00 366');
  t.equal(strftime(date, '%-d %-m %-H %-M'), '4 7 9 5');
  t.equal(strftime(new Date(2025, 0, 1, 0, 0, 0), '%-H|%-M'), '0|0');
});

t.test('what is no directive stays', async (t) => {
  t.equal(strftime(date, '100% %q %'), '100% %q %');
  t.equal(strftime(date, ''), '');
});
