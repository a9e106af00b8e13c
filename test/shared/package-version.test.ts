import { readFile } from 'node:fs/promises';
import t from 'tap';
import { packageVersion } from '../../shared/package-version.js';

t.test('the version is that of package.json', async (t) => {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  t.equal(packageVersion(), (JSON.parse(text) as { version: string }).version);
  t.match(packageVersion(), /^\d+\.\d+\.\d+/);
  t.not(packageVersion(), '0.0.0');
});
