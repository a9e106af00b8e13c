/**
 * What a manifest says of a licence: an SPDX expression. Names that SPDX has not are `LicenseRef-…`; where
 * something was found that no name stands for, or nothing, it is `NOASSERTION`.
 *
 * Source: SPDX specification 2.3, annex D.
 */
import { licenceName } from './licence-name.js';

const spdxNames =
  /^(?:MIT|Apache-2\.0|BSD-[23]-Clause|ISC|Unlicense|CC0-1\.0|CC-BY(?:-NC)?(?:-SA|-ND)?-\d\.\d|(?:A?GPL|LGPL)-\d\.\d-(?:only|or-later)|MPL-2\.0)$/u;

/** @param written licences that hold at once, as they were found. */
export function licenceExpression(written: readonly string[]): string {
  const names = [...new Set(written.map(licenceName))].sort();
  if (names.length === 0 || names.some((name) => !/[\p{L}\p{N}]/u.test(name) || /^"|[()]/u.test(name)))
    return 'NOASSERTION';
  return names
    .map((name) => (spdxNames.test(name) ? name : `LicenseRef-${name.replace(/[^A-Za-z0-9.-]+/gu, '-')}`))
    .join(' AND ');
}
