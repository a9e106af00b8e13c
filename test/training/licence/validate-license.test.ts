import t from 'tap';
import { validateLicense } from '../../../training/licence/validate-license.js';

const entry = (licence: string) => ({
  path: 'a.md',
  title: 'A',
  publisher: 'P',
  licence,
  effective: '',
  url: '',
  domain: 'it',
});

t.test('an allowed licence passes through', async (t) => {
  t.same(validateLicense('a.md', entry('CC-BY-4.0')), entry('CC-BY-4.0'));
});

t.test('a file without a row, or a row without a licence, is refused by name', async (t) => {
  t.throws(() => validateLicense('a.md', undefined), {
    code: 'LICENCE_MISSING',
    message: /a\.md has no row/u,
  });
  t.throws(() => validateLicense('a.md', entry('')), {
    code: 'LICENCE_MISSING',
    message: /a\.md has no licence/u,
  });
});

t.test('a licence outside the list is refused unless it is added', async (t) => {
  t.throws(() => validateLicense('a.md', entry('CC-BY-NC-4.0')), {
    code: 'LICENCE_NOT_ALLOWED',
    message: /a\.md.*CC-BY-NC-4\.0.*--allow/u,
  });
  t.equal(validateLicense('a.md', entry('CC-BY-NC-4.0'), { allow: ['CC-BY-NC'] }).licence, 'CC-BY-NC-4.0');
});

t.test('told otherwise, an unknown licence is taken as unknown, a known bad one is not', async (t) => {
  const taken = validateLicense('x/문서.v2.md', undefined, { allowUnknown: true });
  t.match(taken, { path: 'x/문서.v2.md', title: '문서.v2', licence: 'unknown' });
  t.throws(() => validateLicense('a.md', entry('GPL-3.0'), { allowUnknown: true }), {
    code: 'LICENCE_NOT_ALLOWED',
  });
});
