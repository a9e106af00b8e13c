/** The licences of all that a bundle is made from, as a table. */
import type { LicenceRow } from '../../licence/licence-table.js';
import { dataTable, notice } from '../report-parts.js';
import { verdictCell } from './publish-section.js';

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
