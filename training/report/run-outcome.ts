/** What came of a run, in a sentence: for its report and for the terminal. */
import type { RunRecord, RunStatus } from '../../shared/training-run/run-record.js';

const begin: Record<RunStatus, string> = {
  running: 'At work',
  published: 'Published',
  finished: 'Finished',
  rejected: 'Not published',
  interrupted: 'Interrupted',
  failed: 'Failed',
};

/** The record's own sentence where it has one, else what its status says; with the error of a run that failed. */
export function runOutcome({ status, outcome, bundleId, error, stages }: RunRecord): string {
  const error_ = error === null ? '' : ` (${error.code}: ${error.message})`;
  if (outcome !== null && outcome !== '') return `${capital(outcome)}${error_}`;
  const at = stages.find((stage) => stage.status === status)?.id;
  const what = bundleId === null ? (at === undefined ? '' : ` in ${at}`) : ` ${bundleId}`;
  return `${begin[status]}${what}${error_}`;
}

export function outcomeKind({ status }: Pick<RunRecord, 'status'>): 'good' | 'bad' | 'plain' {
  if (status === 'published') return 'good';
  return status === 'failed' || status === 'rejected' ? 'bad' : 'plain';
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
