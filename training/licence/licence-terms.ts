/**
 * What a licence asks of who uses a text or a model, in a few words, and whether its terms are accepted before the
 * files are given out. For people: whether a licence is allowed is decided by lists of names (`licence-name.ts`).
 *
 * Sources: the legal codes of Creative Commons 4.0, 공공누리 types 1 to 4, and the licences that publishers put beside
 * their weights. What is said of a family holds for the strictest of its versions; a person reads the text itself.
 */
import { licenceName } from '../../shared/licence/licence-name.js';

export interface LicenceTerms {
  /** E.g. `attribution`, `share-alike`; none where it is free of conditions. */
  conditions: readonly string[];
  /** The files are handed out only to who has agreed to the terms. */
  gated: boolean;
  /** Whether it says that what a model writes may train another: only of licences that are free of conditions on use. */
  outputTrains: boolean;
}

const attribution = 'attribution';
const nonCommercial = 'non-commercial';
const noDerivatives = 'no derivatives';
const shareAlike = 'share-alike';
const usePolicy = "the publisher's policy of use";
const userLimit = 'a limit of users';
const carriesName = 'models made with it carry its name';

/** In order: the first pattern that fits a name in small letters. */
const known: readonly [pattern: RegExp, terms: LicenceTerms][] = [
  [/^(?:public-domain|cc0(?:-[\d.]+)?|unlicense)$/u, terms([], { outputTrains: true })],
  [/^(?:mit|isc|bsd-[23]-clause)$/u, terms(['the notice stays'], { outputTrains: true })],
  [/^apache-2\.0$/u, terms(['the notices stay', 'changes are stated'], { outputTrains: true })],
  [/^kogl-1$/u, terms([attribution])],
  [/^kogl-2$/u, terms([attribution, nonCommercial])],
  [/^kogl-3$/u, terms([attribution, noDerivatives])],
  [/^kogl-4$/u, terms([attribution, nonCommercial, noDerivatives])],
  [/^(?:mpl|lgpl|a?gpl)-/u, terms(['source', shareAlike])],
  [/exaone|research|non-?commercial|^mrl/u, terms([nonCommercial])],
  [/openrail/u, terms([usePolicy])],
  [/^llama/u, terms([attribution, usePolicy, userLimit, carriesName], { gated: true })],
  [/^gemma/u, terms([usePolicy], { gated: true })],
  [/^(?:tongyi-qianwen|qwen)/u, terms([attribution, userLimit])],
];

/** Of a name, or of names joined by AND; undefined where one of them is not known. */
export function licenceTerms(licence: string): LicenceTerms | undefined {
  const all = licence.split(/\s+AND\s+/u).map(termsOfOne);
  const found = all.filter((each) => each !== undefined);
  if (found.length < all.length) return undefined;
  return {
    conditions: [...new Set(found.flatMap(({ conditions }) => conditions))],
    gated: found.some(({ gated }) => gated),
    outputTrains: found.every(({ outputTrains }) => outputTrains),
  };
}

function termsOfOne(written: string): LicenceTerms | undefined {
  const name = licenceName(written)
    .toLowerCase()
    .replace(/^licenseref-/u, '');
  const parts = /^cc-by((?:-(?:nc|nd|sa))*)(?:-[\d.]+)?$/u.exec(name)?.[1]?.split('-');
  if (parts === undefined) return known.find(([pattern]) => pattern.test(name))?.[1];
  return terms([
    attribution,
    ...(parts.includes('nc') ? [nonCommercial] : []),
    ...(parts.includes('nd') ? [noDerivatives] : []),
    ...(parts.includes('sa') ? [shareAlike] : []),
  ]);
}

function terms(
  conditions: readonly string[],
  { gated = false, outputTrains = false }: Partial<LicenceTerms> = {},
): LicenceTerms {
  return { conditions, gated, outputTrains };
}
