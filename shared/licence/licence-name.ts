/**
 * One spelling for each licence, and families that match their versions.
 *
 * A remark in brackets is dropped (`public-domain (저작권법 제7조)` → `public-domain`), spaces become hyphens,
 * common spellings become SPDX-like names (`CC BY 4.0` → `CC-BY-4.0`, `공공누리 제1유형` → `KOGL-1`). An allowed
 * Creative Commons name without a version allows every version of it and nothing else: `CC-BY` allows
 * `CC-BY-4.0`, not `CC-BY-NC-4.0` nor `CC-BY-SA-4.0`.
 */
export const defaultAllowedLicences: readonly string[] = [
  'public-domain',
  'CC0',
  'CC-BY',
  'CC-BY-SA',
  'MIT',
  'Apache-2.0',
  'KOGL-1',
];

const spellings: readonly [RegExp, string][] = [
  [/^public[- ]?domain$/iu, 'public-domain'],
  [/^mit([- ]licen[cs]e)?$/iu, 'MIT'],
  [/^apache([- ]licen[cs]e)?,?[- ]?(version[- ])?v?2(\.0)?$/iu, 'Apache-2.0'],
  [/^bsd[- ]?([23])[- ]clause([- ]licen[cs]e)?$/iu, 'BSD-$1-Clause'],
  [/^isc([- ]licen[cs]e)?$/iu, 'ISC'],
  [/^(the[- ])?unlicense$/iu, 'Unlicense'],
  [/^(kogl([- ]?type)?[- ]?1|공공누리[- ]?(제?[- ]?1[- ]?유형))$/iu, 'KOGL-1'],
];

/** The name of a licence in its one spelling; '' for an empty one; unknown names stay as written. */
export function licenceName(written: string): string {
  const name = written
    .normalize('NFKC')
    .replace(/\s*\([^)]*\)\s*$/u, '')
    .trim();
  for (const [pattern, canonical] of spellings)
    if (pattern.test(name)) return name.replace(pattern, canonical);
  const creative = /^cc[- ]?(0|by(?:[- ](?:nc|nd|sa))*)(?:[- ]?v?(\d\.\d))?$/iu.exec(name);
  if (creative === null) return name.replace(/\s+/gu, '-');
  const kind = (creative[1] as string).toUpperCase().replace(/\s/gu, '-');
  const stem = kind === '0' ? 'CC0' : `CC-${kind}`;
  return creative[2] === undefined ? stem : `${stem}-${creative[2]}`;
}

/** True where `name` is one of `allowed`, or a version of one that is allowed without naming a version. */
export function isAllowedLicence(name: string, allowed: readonly string[]): boolean {
  const wanted = licenceName(name).toLowerCase();
  return allowed.some((entry) => {
    const family = licenceName(entry).toLowerCase();
    if (family === '') return false;
    if (wanted === family) return true;
    const versioned = /^cc(?:0|-[a-z-]+)$/u.test(family) && wanted.startsWith(`${family}-`);
    return versioned && /^\d+(\.\d+)*$/u.test(wanted.slice(family.length + 1));
  });
}
