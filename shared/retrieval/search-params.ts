/**
 * The string of search parameters, `nprobe=16,efSearch=64`, checked by the same rules as in
 * native/faiss/search.cc: known names, whole numbers from 1 to 65,536, none twice.
 */
import { HaetaeError } from '../errors.js';

const names = ['nprobe', 'efSearch', 'quantizer_efSearch'] as const;
export type SearchParams = Partial<Record<(typeof names)[number], number>>;

/** Throws RETRIEVAL_PARAMETER. An empty string has no parameters. */
export function checkSearchParams(text: string | undefined): SearchParams {
  const found: SearchParams = {};
  for (const item of text ? text.split(',') : []) {
    const [name = '', value = ''] = item.split(/=(.*)/s);
    const known = names.find((each) => each === name);
    if (known === undefined)
      throw new HaetaeError(
        'RETRIEVAL_PARAMETER',
        `unknown search parameter ${JSON.stringify(item.slice(0, 60))}: use nprobe, efSearch or quantizer_efSearch, as in nprobe=16,efSearch=64`,
      );
    const number = /^[0-9]{1,6}$/.test(value) ? Number(value) : 0;
    if (number < 1 || number > 65_536)
      throw new HaetaeError(
        'RETRIEVAL_PARAMETER',
        `search parameter ${name} must be a whole number from 1 to 65536, got ${JSON.stringify(value.slice(0, 60))}`,
      );
    if (found[known] !== undefined)
      throw new HaetaeError('RETRIEVAL_PARAMETER', `search parameter ${name} is given twice`);
    found[known] = number;
  }
  return found;
}
