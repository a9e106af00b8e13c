import { join } from 'node:path';
import t from 'tap';
import { defaultFolder } from '../../shared/default-folder.js';
import { readPackageInfo } from '../../shared/package-info.js';

const { root } = readPackageInfo();

t.test('a folder of the package is named as seen from where the command runs', async (t) => {
  const before = process.cwd();
  t.teardown(() => process.chdir(before));
  process.chdir(root);
  t.equal(defaultFolder('models'), 'models');
  process.chdir(join(root, 'shared'));
  t.equal(defaultFolder('data/work'), join('..', 'data', 'work'));
  t.equal(defaultFolder('shared'), '.', 'never empty, which would be no folder');
});
