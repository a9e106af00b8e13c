import { readFile } from 'node:fs/promises';
import t from 'tap';
import { readPackageInfo } from '../../shared/package-info.js';

t.test('the version is that of package.json', async (t) => {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  t.equal(readPackageInfo().version, (JSON.parse(text) as { version: string }).version);
  t.match(readPackageInfo().version, /^\d+\.\d+\.\d+/);
  t.not(readPackageInfo().version, '0.0.0');
});
