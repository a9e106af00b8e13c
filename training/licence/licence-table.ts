/**
 * Under which licence everything is that a bundle was made from: documents, models, teachers. One row each: licence,
 * date of release, access, restrictions, and what is to be thought of it.
 *
 *   ok       its licence is known and, where there are rules, they allow it
 *   note     for a person to judge: what a name or a folder cannot tell
 *   missing  the rules ask for something that nobody has said
 *   broken   the rules forbid it
 *
 * Without rules nothing is missing or broken. What a pipeline itself makes (the default embedder, a pretrained
 * student) is as free as what it is made from, which has rows of its own.
 *
 * Not covered: the licences of the programs, and what a model that is asked over the network was trained on.
 */
import {
  contestCutOff,
  contestDataLicences,
  contestLicences,
  isUnrestricted,
} from '../../shared/bundle/contest-rules.js';
import { listed } from '../../shared/bundle/check.js';
import { HaetaeError } from '../../shared/errors.js';
import { isAllowedLicence } from '../../shared/licence/licence-name.js';
import type { ModelCard } from '../../shared/licence/model-card.js';
import type { Chunk } from '../../shared/retrieval/chunk.js';
import { attributions } from './attributions.js';
import { licenceTerms } from './licence-terms.js';

export interface LicenceRow {
  subject: string;
  kind: 'data' | 'model' | 'teacher';
  licence: string;
  /** Of data: the last day that one of the texts takes effect, which is its release or later. */
  released: string;
  access: string;
  restrictions: string;
  verdict: 'ok' | 'note' | 'missing' | 'broken';
  /** What to do, or to find out. */
  remedy?: string;
}

/** The documents of one publisher under one licence; an `Attribution`, or an entry of a manifest, is one. */
export interface DocumentLicence {
  publisher: string;
  licence: string;
  documents: number;
  /** Latest day one of them takes effect, YYYY-MM-DD; '' where none is known. */
  latestEffective?: string;
}

export interface ModelLicence {
  /** Folder or name. */
  name: string;
  kind: 'model' | 'teacher';
  /**
   * folder: weights that were there; its card says what is known · remote: asked over the network · made: by this
   * pipeline, from the documents and models of the other rows · program: no weights at all
   */
  origin: 'folder' | 'remote' | 'made' | 'program';
  card?: Pick<ModelCard, 'licences' | 'released' | 'baseModels'>;
  /** What the user says, where the card is silent or there is none. */
  licence?: string;
  /** What the user says; where the card says something else, one of both is wrong. */
  released?: string;
}

export interface LicenceRules {
  /** Models have to be published before this day, YYYY-MM-DD. */
  cutOff: string;
  licences: readonly string[];
  /** Default: `licences`. */
  dataLicences?: readonly string[];
}

export const contestLicenceRules: LicenceRules = {
  cutOff: contestCutOff,
  licences: contestLicences,
  dataLicences: contestDataLicences,
};

export interface LicenceTableOptions {
  documents: readonly DocumentLicence[];
  models: readonly ModelLicence[];
  rules?: LicenceRules;
}

export function licenceTable({ documents, models, rules }: LicenceTableOptions): LicenceRow[] {
  return [
    ...documents.map((each) => documentRow(each, rules)),
    ...models.map((each) => modelRow(each, rules)),
  ];
}

/** Rows that stand in the way under the rules. */
export function refusedLicences(rows: readonly LicenceRow[]): LicenceRow[] {
  return rows.filter(({ verdict }) => verdict === 'missing' || verdict === 'broken');
}

/** @throws HaetaeError MODEL_REFUSED naming what stands in the way, and what to do about the first of it. */
export function refuseLicences(rows: readonly LicenceRow[]): void {
  const refused = refusedLicences(rows);
  const [first] = refused;
  if (first === undefined) return;
  throw new HaetaeError(
    'MODEL_REFUSED',
    `The rules do not allow ${listed(refused.map(({ subject, licence }) => `${subject} (${licence})`))}. ${first.remedy ?? ''}`.trim(),
    { rows: refused },
  );
}

/** Who published the documents that the chunks are of, under which licence, and until when they changed. */
export function documentLicences(
  chunks: readonly Pick<Chunk, 'source' | 'publisher' | 'licence' | 'url' | 'effective'>[],
): DocumentLicence[] {
  return attributions(chunks).map(({ publisher, licence, documents }) => ({
    ...{ publisher, licence, documents },
    latestEffective: chunks.reduce(
      (last, chunk) =>
        chunk.publisher === publisher && chunk.licence === licence && chunk.effective > last
          ? chunk.effective
          : last,
      '',
    ),
  }));
}

interface Finding {
  verdict: LicenceRow['verdict'];
  remedy?: string;
}
const fine: Finding = { verdict: 'ok' };
const gravity: readonly LicenceRow['verdict'][] = ['ok', 'note', 'missing', 'broken'];

function documentRow(entry: DocumentLicence, rules: LicenceRules | undefined): LicenceRow {
  const { publisher, licence, documents, latestEffective = '' } = entry;
  const terms = licenceTerms(licence);
  const free = isAllowedLicence(licence, ['public-domain', 'CC0']);
  return {
    subject: `${publisher || 'unknown publisher'}, ${documents} document${documents === 1 ? '' : 's'}`,
    kind: 'data',
    licence: known(licence) ? licence : 'not known',
    released: latestEffective === '' ? 'not recorded' : `last effective ${latestEffective}`,
    access: free ? 'public domain' : terms ? 'open' : 'not known',
    restrictions: restrictionsOf(terms?.conditions),
    ...gravest([documentLicence(licence, rules), effectiveDate(latestEffective, rules)]),
  };
}

function documentLicence(licence: string, rules: LicenceRules | undefined): Finding {
  if (!known(licence))
    return {
      verdict: rules ? 'missing' : 'note',
      remedy: 'Write the licence of these documents into sources.csv, or leave them out.',
    };
  const allowed = rules?.dataLicences ?? rules?.licences;
  if (allowed !== undefined && !isAllowedLicence(licence, allowed))
    return { verdict: 'broken', remedy: `Leave out these documents; allowed are ${allowed.join(', ')}.` };
  if (licenceTerms(licence) === undefined)
    return { verdict: 'note', remedy: 'Read what this licence asks; it is none that is known here.' };
  return fine;
}

/** A rule is published before it takes effect, so that a later day breaks nothing by itself. */
function effectiveDate(latest: string, rules: LicenceRules | undefined): Finding {
  if (rules === undefined || latest < rules.cutOff) return fine;
  return { verdict: 'note', remedy: `Find out whether all of them were published before ${rules.cutOff}.` };
}

function modelRow(model: ModelLicence, rules: LicenceRules | undefined): LicenceRow {
  const { name, kind, origin, card } = model;
  const onCard = (card?.licences ?? []).map(({ value }) => value);
  const told = model.licence !== undefined && known(model.licence) ? [model.licence] : [];
  const written = [...new Set(onCard.length > 0 ? onCard : told)];
  const dates = [
    ...new Set([
      ...(card?.released ?? []).map(({ value }) => value),
      ...(model.released ? [model.released] : []),
    ]),
  ].sort();
  const terms = written.length === 0 ? undefined : licenceTerms(written.join(' AND '));
  const own = origin === 'made' || origin === 'program';
  const notes: Finding[] = own
    ? []
    : [
        modelLicence(written, origin, rules),
        modelDate(dates, origin, rules),
        ...(card?.baseModels ?? []).map(baseModel),
      ];
  if (kind === 'teacher' && !own && terms?.outputTrains !== true)
    notes.push({ verdict: 'note', remedy: 'Read whether its terms let its output train another model.' });
  return {
    subject: name,
    kind,
    licence: written.join(' AND ') || (own ? 'that of what it is made from' : 'not known'),
    released: dates.join(', ') || (own ? 'not published' : 'not known'),
    access: own
      ? 'made here'
      : origin === 'remote'
        ? 'over the network'
        : terms
          ? terms.gated
            ? 'gated'
            : 'open'
          : 'not known',
    restrictions: own && terms === undefined ? 'none of its own' : restrictionsOf(terms?.conditions),
    ...gravest(notes),
  };
}

function modelLicence(
  written: readonly string[],
  origin: ModelLicence['origin'],
  rules: LicenceRules | undefined,
): Finding {
  if (written.length === 0)
    return {
      // The terms of a service are nowhere to be read by a program.
      verdict: rules && origin === 'folder' ? 'missing' : 'note',
      remedy:
        origin === 'folder'
          ? 'Put the LICENSE file of the model, or its README.md with `license:`, into the folder.'
          : 'Find out under which licence the model behind the address is.',
    };
  if (rules !== undefined && !written.every((each) => isUnrestricted(each, rules.licences)))
    return { verdict: 'broken', remedy: `Take a model under ${rules.licences.join(', ')}.` };
  if (licenceTerms(written.join(' AND ')) === undefined)
    return { verdict: 'note', remedy: 'Read what its licence asks; it is none that is known here.' };
  return fine;
}

function modelDate(
  dates: readonly string[],
  origin: ModelLicence['origin'],
  rules: LicenceRules | undefined,
): Finding {
  if (rules === undefined) return fine;
  const [latest] = dates.toReversed();
  if (latest === undefined)
    return {
      verdict: origin === 'folder' ? 'missing' : 'note',
      remedy: 'Find out when it was published; of the student: student.released of the configuration.',
    };
  if (latest >= rules.cutOff)
    return { verdict: 'broken', remedy: `Take a model published before ${rules.cutOff}.` };
  if (dates.length > 1) return { verdict: 'broken', remedy: 'Find out which date is right; keep that one.' };
  return fine;
}

function baseModel(name: string): Finding {
  return {
    verdict: 'note',
    remedy: `Find out licence and date of ${name.slice(0, 100)}, which it was made from.`,
  };
}

/** The worst verdict, and what is to be done about all that is not right. */
function gravest(findings: readonly Finding[]): Finding {
  const worst = findings.reduce(
    (found, each) => (gravity.indexOf(each.verdict) > gravity.indexOf(found.verdict) ? each : found),
    fine,
  );
  const remedies = [...new Set(findings.flatMap(({ remedy }) => remedy ?? []))];
  return { verdict: worst.verdict, ...(remedies.length > 0 ? { remedy: remedies.join(' ') } : {}) };
}

function restrictionsOf(conditions: readonly string[] | undefined): string {
  if (conditions === undefined) return 'not known';
  return conditions.join(', ') || 'none';
}

/** `prepare` writes `unknown` where such documents were allowed. */
function known(licence: string): boolean {
  return !/^(?:|unknown|noassertion)$/iu.test(licence.trim());
}
