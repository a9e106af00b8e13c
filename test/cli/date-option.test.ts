import t from 'tap';
import { dateOption } from '../../cli/date-option.js';

t.test('a day that is in the calendar', async (t) => {
  for (const day of ['2025-07-31', '2024-02-29', '1999-12-31']) t.equal(dateOption(day), day);
  for (const text of [
    '2025-02-29',
    '2025-13-01',
    '2025-7-1',
    '2025-07',
    '20250731',
    'today',
    '',
    '2025-07-31 ',
  ])
    t.throws(() => dateOption(text), { message: /YYYY-MM-DD/ }, text);
});
