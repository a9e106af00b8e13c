import t from 'tap';
import { countTokens } from '../../../shared/text/token-count.js';
import { rowLine, splitTable } from '../../../training/split/split-table.js';

const rows = [
  ['구분', '보존 기간'],
  ...Array.from({ length: 40 }, (_, i) => [`기록 ${i}`, `${i}년 동안 보존한다`]),
];

t.test('a table that fits stays whole', async (t) => {
  t.same(splitTable(rows.slice(0, 3), 200), [
    '구분 | 보존 기간\n기록 0 | 0년 동안 보존한다\n기록 1 | 1년 동안 보존한다',
  ]);
});

t.test('a table that does not fit is cut between rows, each part under the header', async (t) => {
  const parts = splitTable(rows, 100);
  t.ok(parts.length > 1);
  t.ok(parts.every((part) => part.startsWith('구분 | 보존 기간\n') && countTokens(part) <= 100));
  const body = parts.flatMap((part) => part.split('\n').slice(1));
  t.same(body, rows.slice(1).map(rowLine), 'every row once, in order');
});

t.test('a row that does not fit is cut at sentence ends', async (t) => {
  const long = Array.from({ length: 30 }, (_, i) => `${i}번 조치를 한다.`).join(' ');
  const parts = splitTable(
    [
      ['항목', '내용'],
      ['조치', long],
    ],
    60,
  );
  t.ok(parts.every((part) => countTokens(part) <= 60));
  for (let i = 0; i < 30; i += 1) t.ok(parts.join('\n').includes(`${i}번 조치를 한다.`));
});
