/** Keeps `run.json` of a run at work up to date: written whole at every change, and with each heartbeat. */
import { join } from 'node:path';
import { type RunRecord, runFileName, type StageRecord } from '../../shared/training-run/run-record.js';
import { writeAtomically } from '../../shared/write-atomically.js';

export class RunRecordFile {
  readonly record: RunRecord;
  readonly #folder: string;
  readonly #now: () => Date;
  #writing: Promise<void> = Promise.resolve();

  constructor(folder: string, record: RunRecord, now: () => Date) {
    this.#folder = folder;
    this.record = record;
    this.#now = now;
  }

  stage(id: string): StageRecord {
    const found = this.record.stages.find((stage) => stage.id === id);
    if (!found) throw new Error(`the run has no stage ${id}`);
    return found;
  }

  /** Writes what the record says now; one after the other. */
  save(): Promise<void> {
    this.record.heartbeatAt = this.#now().toISOString();
    const text = `${JSON.stringify(this.record, null, 2)}\n`;
    const write = this.#writing.then(() => writeAtomically(join(this.#folder, runFileName), text));
    this.#writing = write.catch(() => undefined);
    return write;
  }
}

/** A stage of which nothing has happened yet. */
export function pendingStage(id: string): StageRecord {
  return {
    ...{ id, status: 'pending', startedAt: null, seconds: null },
    ...{ progress: null, figures: {}, error: null },
  };
}
