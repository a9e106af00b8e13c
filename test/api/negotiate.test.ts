import t from 'tap';
import { negotiate } from '../../api/negotiate.js';

const forms = ['text/csv', 'application/x-ndjson'] as const;

t.test('the form that is liked best is taken, the first where none is', async (t) => {
  const table: [string | undefined, string][] = [
    [undefined, 'text/csv'],
    ['*/*', 'text/csv'],
    ['text/*', 'text/csv'],
    ['text/csv', 'text/csv'],
    ['application/x-ndjson', 'application/x-ndjson'],
    ['APPLICATION/X-NDJSON', 'application/x-ndjson'],
    ['application/*', 'application/x-ndjson'],
    ['text/csv;q=0.1, application/x-ndjson;q=0.2', 'application/x-ndjson'],
    ['text/csv;q=0, */*', 'application/x-ndjson'],
    ['text/html, */*;q=0.1', 'text/csv'],
    ['text/csv; charset=utf-8; q=0.9', 'text/csv'],
  ];
  for (const [accept, expected] of table) t.equal(negotiate(accept, forms), expected, String(accept));
});

t.test('a request that likes neither gets neither', async (t) => {
  for (const accept of ['application/json', 'text/html', 'text/csv;q=0', 'text/csv;q=x', '']) {
    t.equal(negotiate(accept, forms), undefined, accept);
  }
});
