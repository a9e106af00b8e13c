import t from 'tap';
import { checkTable } from '../../cli/check-table.js';

t.test('a table of what is required and found, then what to do', async (t) => {
  const text = checkTable([
    { subject: 'weights', required: 'some', found: 'model.safetensors', verdict: 'ok' },
    {
      subject: 'licence',
      required: 'a free one',
      found: 'nothing',
      verdict: 'missing',
      remedy: 'Look for it.',
    },
    { subject: 'base model', required: 'the same', found: 'some/model', verdict: 'note' },
  ]);
  t.equal(
    text,
    [
      '            required    found              verdict',
      'weights     some        model.safetensors  ok',
      'licence     a free one  nothing            MISSING',
      'base model  the same    some/model         for you to judge',
      '',
      'licence: Look for it.',
      '',
    ].join('\n'),
  );
});

t.test("others' words cannot break out of their cell", async (t) => {
  const found = `mit\nlicence  ok\u001b[2K\r${'x'.repeat(500)}`;
  const text = checkTable([
    { subject: 'licence', required: 'a', found, verdict: 'broken', remedy: 'b\u001bc' },
  ]);
  t.equal(text.split('\n').length, 5);
  t.notOk(text.includes('\u001b') || text.includes('\r'));
  t.ok(text.split('\n').every((line) => line.length < 160));
});
