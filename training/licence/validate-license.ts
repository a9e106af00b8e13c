/** The gate of the knowledge base: a document enters with a known and allowed licence, or is refused by name. */
import { HaetaeError } from '../../shared/errors.js';
import type { SourceEntry } from '../documents/document.js';
import { defaultAllowedLicences, isAllowedLicence } from '../../shared/licence/licence-name.js';

export interface LicensePolicy {
  /** Licences allowed besides the default ones. */
  allow?: readonly string[];
  /** Take documents without a known licence; their chunks carry `unknown`. */
  allowUnknown?: boolean;
}

/**
 * Checks the licence of one file against its row of `sources.csv` (undefined: it has none) and returns the
 * entry to use. Throws `LICENCE_MISSING` or `LICENCE_NOT_ALLOWED`, naming the file.
 */
export function validateLicense(
  path: string,
  entry: SourceEntry | undefined,
  policy: LicensePolicy = {},
): SourceEntry {
  if (entry === undefined || entry.licence === '') {
    if (policy.allowUnknown) return { ...(entry ?? bareEntry(path)), licence: 'unknown' };
    const lack = entry === undefined ? 'has no row in sources.csv' : 'has no licence in sources.csv';
    throw new HaetaeError(
      'LICENCE_MISSING',
      `${path} ${lack}. Add its licence there, or allow unknown ones with --allow-unknown.`,
      { path },
    );
  }
  const allowed = [...defaultAllowedLicences, ...(policy.allow ?? [])];
  if (!isAllowedLicence(entry.licence, allowed)) {
    throw new HaetaeError(
      'LICENCE_NOT_ALLOWED',
      `${path} has the licence ${entry.licence}; allowed are ${allowed.join(', ')}. Use --allow ${entry.licence} to take it.`,
      { path, licence: entry.licence },
    );
  }
  return entry;
}

function bareEntry(path: string): SourceEntry {
  const title = (path.split('/').at(-1) ?? path).replace(/\.[^.]+$/u, '');
  return { path, title, publisher: '', licence: '', effective: '', url: '', domain: 'general' };
}
