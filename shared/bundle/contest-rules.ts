/**
 * The rules of the contest that a model folder can break: published before 2025-08-01, under a licence that allows
 * its use without restriction, small enough for the disk that is given.
 *
 * Each rule is a line of a table: what is required, what was found, and whether it holds. What the folder cannot
 * tell (the licence of the model it was made from; when the documents were published) is a note for a person.
 */
import { isAllowedLicence, licenceName } from '../licence/licence-name.js';
import type { ModelCard } from '../licence/model-card.js';
import type { Check } from './check.js';

/** Models and data have to be published before this day. */
export const contestCutOff = '2025-08-01';
/** Bytes that models, data and cache may take together. */
export const contestMaxBytes = 35e9;

/** Licences that let anyone use a model, for any purpose, on no condition but to be named. */
export const contestLicences: readonly string[] = [
  'Apache-2.0',
  'MIT',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'Unlicense',
  'CC0',
  'CC-BY',
  'CC-BY-SA',
  'public-domain',
];
/** Licences that documents may have. */
export const contestDataLicences: readonly string[] = [...contestLicences, 'KOGL-1'];

export interface ContestSubject {
  card: ModelCard;
  /** What the user says of the date, YYYY-MM-DD; only where the folder is silent. */
  released?: string;
  /** Size of the bundle that would be made. */
  bytes: number;
  /** Documents of the knowledge base. */
  documents: {
    licences: readonly string[];
    /** Latest effective date, YYYY-MM-DD, or ''. */
    latestEffective: string;
  };
}

export function checkContestRules(subject: ContestSubject): Check[] {
  return [
    licenceCheck(subject.card),
    releaseCheck(subject.card, subject.released),
    ...subject.card.baseModels.map(baseModelCheck),
    sizeCheck(subject.bytes),
    documentCheck(subject.documents.licences),
    ...effectiveCheck(subject.documents.latestEffective),
  ];
}

function licenceCheck({ licences, problems }: ModelCard): Check {
  const rule = { subject: 'licence', required: 'one that restricts no use' };
  if (licences.length === 0) {
    const found = ['nothing', ...problems].join('; ');
    return {
      ...rule,
      found,
      verdict: 'missing',
      remedy: 'Put the LICENSE file of the model, or its README.md with `license:`, into the folder.',
    };
  }
  const found = licences.map(({ value, from }) => `${value} (${from})`).join(', ');
  if (licences.every(({ value }) => isUnrestricted(value, contestLicences)))
    return { ...rule, found, verdict: 'ok' };
  return { ...rule, found, verdict: 'broken', remedy: `Take a model under ${contestLicences.join(', ')}.` };
}

/** A remark in brackets may take anything back, so a name with one is not on the list. */
export function isUnrestricted(value: string, allowed: readonly string[]): boolean {
  return !/[()]/u.test(value) && isAllowedLicence(licenceName(value), allowed);
}

function releaseCheck({ released, problems }: ModelCard, told: string | undefined): Check {
  const rule = { subject: 'published', required: `before ${contestCutOff}` };
  const said = told === undefined ? released : [...released, { value: told, from: '--released' }];
  if (said.length === 0) {
    const found = ['nothing', ...problems.filter((problem) => /date/u.test(problem))].join('; ');
    return { ...rule, found, verdict: 'missing', remedy: 'Give the date with --released YYYY-MM-DD.' };
  }
  const found = said.map(({ value, from }) => `${value} (${from})`).join(', ');
  if (said.some(({ value }) => value >= contestCutOff))
    return { ...rule, found, verdict: 'broken', remedy: `Take a model published before ${contestCutOff}.` };
  if (new Set(said.map(({ value }) => value)).size > 1)
    return { ...rule, found, verdict: 'broken', remedy: 'Find out which date is right; keep that one.' };
  return { ...rule, found, verdict: 'ok' };
}

function baseModelCheck(name: string): Check {
  return {
    subject: 'base model',
    required: 'allowed by the same rules',
    found: `${name.slice(0, 100)}, whose licence and date this folder does not hold`,
    verdict: 'note',
  };
}

function sizeCheck(bytes: number): Check {
  const required = `at most ${contestMaxBytes / 1e9} GB of disk with the documents`;
  const found = `${(bytes / 1e9).toFixed(bytes < 1e9 ? 3 : 1)} GB`;
  if (bytes <= contestMaxBytes) return { subject: 'size', required, found, verdict: 'ok' };
  return { subject: 'size', required, found, verdict: 'broken', remedy: 'Quantise it: haetae quantize.' };
}

function documentCheck(licences: readonly string[]): Check {
  const rule = { subject: 'documents', required: 'licences that allow their use' };
  const others = licences.filter((licence) => !isAllowedLicence(licence, contestDataLicences));
  if (others.length === 0)
    return { ...rule, found: [...new Set(licences)].sort().join(', ') || 'none', verdict: 'ok' };
  return {
    ...rule,
    found: `${[...new Set(others)].sort().join(', ')} among them`,
    verdict: 'broken',
    remedy: 'Name another bundle with --base, or build one without those documents: haetae train prepare.',
  };
}

/** A rule is published before it takes effect, so that a later effective date breaks nothing by itself. */
function effectiveCheck(latest: string): Check[] {
  if (latest < contestCutOff) return [];
  return [
    {
      subject: 'documents',
      required: `published before ${contestCutOff}`,
      found: `some take effect as late as ${latest}; when they were published is not recorded`,
      verdict: 'note',
    },
  ];
}
