/**
 * What became of every job that came due: `history.jsonl`, to which lines are only ever added.
 *
 * A line is the whole entry as it was at that moment; of several with one id the last counts. So an entry that says
 * `running` and is followed by nothing belongs to a run that is at work, or was lost with its scheduler.
 */
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { RunStatus } from '../../shared/training-run/run-record.js';

const OrNull = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = Type.String({ description: 'ISO 8601' });

export const EntryStatus = Type.Union([
  ...RunStatus.anyOf,
  Type.Literal('skipped'), // another run was at work when it came due
]);
export type EntryStatus = Static<typeof EntryStatus>;

export const HistoryEntry = Type.Object({
  id: Type.String({ description: 'Id of its first run' }),
  job: Type.String(),
  trigger: Type.Union([
    Type.Literal('cron'),
    Type.Literal('interval'),
    Type.Literal('start'), // of the schedule
    Type.Literal('command'), // haetae schedule --run
  ]),
  dueAt: Time,
  startedAt: OrNull(Time),
  endedAt: OrNull(Time),
  durationMs: OrNull(Type.Number()),
  status: EntryStatus,
  attempts: Type.Integer({ minimum: 0 }),
  runId: OrNull(Type.String({ description: 'Of the last attempt' })),
  log: OrNull(Type.String({ description: 'File with what the last attempt printed' })),
  /** Output folder of the pipeline. */
  out: Type.String(),
  process: OrNull(
    Type.Object({ pid: Type.Integer(), startedAt: OrNull(Type.String()) }, { description: 'Of the attempt' }),
  ),
  outcome: OrNull(Type.String()),
  bundleId: OrNull(Type.String()),
  error: OrNull(Type.String()),
});
export type HistoryEntry = Static<typeof HistoryEntry>;

export const historyFileName = 'history.jsonl';
const entries = Compile(HistoryEntry);

/** Several processes may add at once: a line is one write at the end of the file, and on disk when this resolves. */
export async function addToHistory(folder: string, entry: HistoryEntry): Promise<void> {
  await mkdir(folder, { recursive: true });
  const file = await open(join(folder, historyFileName), 'a');
  try {
    // The line break before it ends what a kill may have left unfinished; blank lines are passed over.
    await file.writeFile(`\n${JSON.stringify(entry)}\n`);
    await file.datasync();
  } finally {
    await file.close();
  }
}

export interface History {
  /** In the order they came due. */
  entries: HistoryEntry[];
  /** Lines that hold no entry. */
  unreadable: number;
}

export async function readHistory(folder: string): Promise<History> {
  const text = await readFile(join(folder, historyFileName), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const byId = new Map<string, HistoryEntry>();
  let unreadable = 0;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const entry = parse(line);
    if (entry) byId.set(entry.id, entry);
    else unreadable += 1;
  }
  return { entries: [...byId.values()], unreadable };
}

function parse(line: string): HistoryEntry | null {
  try {
    const value: unknown = JSON.parse(line);
    return entries.Check(value) ? value : null;
  } catch {
    return null;
  }
}
