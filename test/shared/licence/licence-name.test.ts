import t from 'tap';
import {
  defaultAllowedLicences,
  isAllowedLicence,
  licenceName,
} from '../../../shared/licence/licence-name.js';

const names: [written: string, name: string][] = [
  ['public-domain (저작권법 제7조)', 'public-domain'],
  ['Public Domain', 'public-domain'],
  ['CC0-1.0', 'CC0-1.0'],
  ['cc0 1.0', 'CC0-1.0'],
  ['CC BY 4.0', 'CC-BY-4.0'],
  ['CC-BY-SA-4.0', 'CC-BY-SA-4.0'],
  ['cc by-nc-nd 2.0', 'CC-BY-NC-ND-2.0'],
  ['MIT License', 'MIT'],
  ['Apache License, Version 2.0', 'Apache-2.0'],
  ['공공누리 제1유형', 'KOGL-1'],
  ['KOGL Type 1', 'KOGL-1'],
  ['bsd-3-clause', 'BSD-3-Clause'],
  ['BSD 2-Clause License', 'BSD-2-Clause'],
  ['BSD-3-Clause-No-Nuclear-License', 'BSD-3-Clause-No-Nuclear-License'],
  ['isc', 'ISC'],
  ['The Unlicense', 'Unlicense'],
  ['All rights reserved', 'All-rights-reserved'],
  ['  ', ''],
];
for (const [written, name] of names) {
  t.test(`"${written}" is named ${name || 'nothing'}`, async (t) => t.equal(licenceName(written), name));
}

t.test('a family allows its versions and nothing else', async (t) => {
  const allowed = (name: string): boolean => isAllowedLicence(name, defaultAllowedLicences);
  for (const name of [
    'public-domain',
    'CC0-1.0',
    'CC-BY-4.0',
    'CC-BY-3.0',
    'CC-BY-SA-4.0',
    'MIT',
    'Apache-2.0',
    'KOGL-1',
  ]) {
    t.ok(allowed(name), name);
  }
  for (const name of [
    'CC-BY-NC-4.0',
    'CC-BY-ND-4.0',
    'CC-BY-NC-SA-4.0',
    'GPL-3.0',
    'Apache-1.1',
    'KOGL-4',
    'KOGL-1-4',
    'MIT-0',
    'proprietary',
    '',
  ]) {
    t.notOk(allowed(name), name);
  }
});

t.test('--allow adds one licence, or a family', async (t) => {
  t.ok(isAllowedLicence('CC-BY-NC-4.0', ['CC-BY-NC']));
  t.ok(isAllowedLicence('GPL-3.0', ['gpl-3.0']));
  t.notOk(isAllowedLicence('GPL-3.0', ['']));
});
