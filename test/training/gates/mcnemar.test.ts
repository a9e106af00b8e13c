import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { mcnemarExact } from '../../../training/gates/mcnemar.js';

const reference = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../reference/gates/proportions.json'), 'utf8'),
) as { mcnemar: { onlyFirst: number; onlySecond: number; pValue: number }[] };

t.test('p-values are those of the exact test of statsmodels, whichever is the better one', async (t) => {
  for (const { onlyFirst, onlySecond, pValue } of reference.mcnemar) {
    for (const p of [mcnemarExact(onlyFirst, onlySecond), mcnemarExact(onlySecond, onlyFirst)]) {
      // A sum of up to a thousand terms, each through a logarithm.
      t.ok(Math.abs(p - pValue) <= 1e-11 * pValue, `${onlyFirst}, ${onlySecond}: ${p}, ${pValue}`);
    }
  }
});
