/** The licences of all that a bundle is made from, as a table. */
import Type from 'typebox';
import { Check } from 'typebox/value';
import type { LicenceRow } from '../../licence/licence-table.js';
import { type Cell, dataTable, notice } from '../report-parts.js';

const Told = Type.Object({
  licences: Type.Array(
    Type.Object({
      subject: Type.String(),
      kind: Type.Union([Type.Literal('data'), Type.Literal('model'), Type.Literal('teacher')]),
      licence: Type.String(),
      released: Type.String(),
      access: Type.String(),
      restrictions: Type.String(),
      verdict: Type.Union([
        ...[Type.Literal('ok'), Type.Literal('note')],
        ...[Type.Literal('missing'), Type.Literal('broken')],
      ]),
      remedy: Type.Optional(Type.String()),
    }),
  ),
});

/** The table that a bundle was published by, of the details of `publish`; undefined where they have none. */
export function publishedLicences(details: unknown): LicenceRow[] | undefined {
  return Check(Told, details) ? details.licences : undefined;
}

/** @param cutOff day of the rules before which models have to be published; undefined: no rules */
export function licenceSection(rows: readonly LicenceRow[], cutOff: string | undefined): string {
  return (
    notice(
      cutOff === undefined
        ? 'Not held against rules: the configuration names none (publish.rules).'
        : `Held against the rules: models and data published before ${cutOff}, under a licence that allows it.`,
    ) +
    dataTable(
      ['What', 'Kind', 'Licence', 'Released', 'Access', 'Restrictions', 'Verdict', 'What to do'],
      rows.map(({ subject, kind, licence, released, access, restrictions, verdict, remedy }) => [
        ...[subject, kind, licence, released, access, restrictions],
        verdictCell(verdict),
        remedy ?? '',
      ]),
    )
  );
}

/** In colour only what is right or stands in the way. */
function verdictCell(verdict: LicenceRow['verdict']): string | Cell {
  if (verdict === 'ok') return { text: 'ok', kind: 'good' };
  return verdict === 'note' ? 'for you to judge' : { text: verdict, kind: 'bad' };
}
