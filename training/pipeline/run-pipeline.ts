/**
 * Runs a pipeline: each stage in a process of its own, those that are unchanged left as they are, those that were
 * interrupted gone on with. What happens stands in the run's record (`run.json`), at the end in its report.
 *
 * A gate that says no ends the run as `rejected`: the stages behind it are left out, nothing is published, and what
 * was made stays with its report.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../shared/clock.js';
import { entryPoint } from '../../shared/entry-point.js';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import {
  lockOwner,
  pipelineLockName,
  type TakenLock,
  takeProcessLock,
} from '../../shared/training-run/process-lock.js';
import {
  heartbeatMs,
  type RunRecord,
  runLogFolder,
  runReportName,
} from '../../shared/training-run/run-record.js';
import { writeAtomically } from '../../shared/write-atomically.js';
import { writeRunReport } from '../report/write-run-report.js';
import { checkInputs } from './check-inputs.js';
import { activeBundle, keepPublished, lastPublished, publishedBundle } from './incumbent.js';
import type { PipelineConfig } from './pipeline-config.js';
import { type PipelinePlace, pipelinePlace, stagePlace } from './pipeline-place.js';
import { pendingStage, RunRecordFile } from './run-record-file.js';
import type { StageDefinition, StagePlace, StageSummary } from './stage-definition.js';
import {
  type StageInstance,
  type StageSelection,
  selectedNames,
  selectStages,
  stageInstances,
} from './stage-instances.js';
import {
  beginStage,
  type FinishedStage,
  finishedStage,
  finishStage,
  isSameIncumbent,
  isSameKey,
  readSummary,
  type StageKey,
  stageKey,
} from './stage-manifest.js';
import { settleKilledRuns } from './settle-killed-runs.js';
import { startStage } from './start-stage.js';

export interface RunPipelineOptions {
  stages: readonly StageDefinition[];
  config: PipelineConfig;
  /** File it was read from, for the record. */
  configPath: string;
  out: string;
  runId: string;
  trigger: RunRecord['trigger'];
  selection: StageSelection;
  /** Run the selected stages even where nothing has changed. */
  force: boolean;
  threads: number;
  signal: AbortSignal;
  /** A line for the person who watches. */
  note: (line: string) => void;
  onProgress: (stage: string, label: string, done: number, total: number) => void;
  /** Of the process, for the keys of teachers. */
  env: NodeJS.ProcessEnv;
  /** Absolute path of the stage program; a parameter for tests. */
  entry?: string;
  clock?: Clock;
  now?: () => Date;
}

export interface PipelineResult {
  record: RunRecord;
  place: PipelinePlace;
  /** Path of the report. */
  report: string;
}

/**
 * Runs to the end, to a gate that says no, or to an interrupt; the record says which.
 * @throws HaetaeError USAGE, CONFIG_INVALID, TRAINING_RUNNING; the error of the stage that failed, after record and report were written
 */
export async function runPipeline(options: RunPipelineOptions): Promise<PipelineResult> {
  const { config, stages, now = () => new Date(), clock = systemClock } = options;
  const instances = stageInstances(stages, config);
  const selected = selectStages(instances, options.selection);
  await checkInputs(config, selectedNames(instances, selected), options.env);
  const place = pipelinePlace(options.out, config);
  await mkdir(place.work, { recursive: true });
  const lock = await lockPipeline(place, config);
  await settleKilledRuns(place.runs);
  const folder = join(place.runs, options.runId);
  const beganAt = now().toISOString();
  const record = new RunRecordFile(
    folder,
    {
      ...{ runId: options.runId, pipeline: config.name, config: options.configPath },
      ...{ trigger: options.trigger, status: 'running', pid: process.pid },
      ...{ startedAt: beganAt, heartbeatAt: beganAt, finishedAt: null },
      stages: instances.map(({ id }) => pendingStage(id)),
      ...{ bundleId: null, outcome: null, error: null },
    },
    now,
  );
  let stopBeating = (): void => undefined;
  const beat = (): void => {
    stopBeating = clock.after(heartbeatMs, () => {
      void record.save().catch(() => undefined);
      void lock.beat().catch(() => undefined);
      beat();
    });
  };
  try {
    await mkdir(join(folder, runLogFolder), { recursive: true });
    await writeAtomically(join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
    await record.save();
    beat();
    const run = new Run(options, place, folder, record, await activeBundle(place.models), now);
    await settle(record, run, () => run.all(instances, selected), place, now);
    return { record: record.record, place, report: join(folder, runReportName) };
  } finally {
    stopBeating();
    await record.save();
    await writeRunReport(folder, { record: record.record, config, workFolder: place.work }).catch(
      (error: unknown) => options.note(`the report could not be written: ${messageOf(error)}`),
    );
    await lock.release();
  }
}

async function lockPipeline(place: PipelinePlace, { name }: PipelineConfig): Promise<TakenLock> {
  const lock = await takeProcessLock(join(place.out, pipelineLockName));
  if ('release' in lock) return lock;
  throw new HaetaeError(
    'TRAINING_RUNNING',
    `A run of the pipeline ${name} is at work in ${place.out} (process ${lock.pid}). Wait for it, stop it, or choose another --out.`,
    { pid: lock.pid },
  );
}

/** Runs `work` and writes down how it ended. */
async function settle(
  { record }: RunRecordFile,
  run: Run,
  work: () => Promise<'finished' | 'rejected' | 'interrupted'>,
  place: PipelinePlace,
  now: () => Date,
): Promise<void> {
  try {
    const end = await work();
    const published = end === 'finished' && run.hasPublished ? await lastPublished(place) : null;
    record.bundleId = published?.bundleId ?? null;
    record.status = published === null ? end : 'published';
    const waits = published !== null && !published.activated;
    record.outcome = `${outcomeOf(record, run)}${waits ? ', which is not active: see the log of publish' : ''}`;
  } catch (error) {
    record.status = 'failed';
    record.error = {
      code: error instanceof HaetaeError ? error.code : 'INTERNAL',
      message: messageOf(error),
    };
    record.outcome = `failed in ${record.stages.find(({ status }) => status === 'failed')?.id ?? 'the preparation'}`;
    throw error;
  } finally {
    record.finishedAt = now().toISOString();
  }
}

function outcomeOf(record: RunRecord, run: Run): string {
  const stage = (status: string) => record.stages.find((it) => it.status === status)?.id;
  switch (record.status) {
    case 'published':
      return run.worked === 0
        ? `nothing has changed: ${record.bundleId} is what these inputs give`
        : `published ${record.bundleId}`;
    case 'rejected':
      return `not published: ${run.rejection}`;
    case 'interrupted':
      return `interrupted in ${stage('interrupted') ?? 'the first stage'}`;
    default:
      return run.worked === 0
        ? 'nothing has changed'
        : `${run.worked} ${run.worked === 1 ? 'stage' : 'stages'} done, not asked to publish`;
  }
}

/** How long the process of an earlier run, whose pipeline was killed, is given to notice that. */
const orphanWaitMs = 120_000;

class Run {
  /** Stages that were not unchanged. */
  worked = 0;
  hasPublished = false;
  rejection = '';
  readonly #options: RunPipelineOptions;
  readonly #place: PipelinePlace;
  readonly #folder: string;
  readonly #record: RunRecordFile;
  readonly #incumbentId: string | null;
  readonly #now: () => Date;

  constructor(
    options: RunPipelineOptions,
    place: PipelinePlace,
    folder: string,
    record: RunRecordFile,
    incumbentId: string | null,
    now: () => Date,
  ) {
    this.#options = options;
    this.#place = place;
    this.#folder = folder;
    this.#record = record;
    this.#incumbentId = incumbentId;
    this.#now = now;
  }

  async all(
    instances: readonly StageInstance[],
    selected: ReadonlySet<string>,
  ): Promise<'finished' | 'rejected' | 'interrupted'> {
    for (const [index, instance] of instances.entries()) {
      const stage = this.#record.stage(instance.id);
      if (!selected.has(instance.id)) {
        stage.status = 'left-out';
        continue;
      }
      if (this.#options.signal.aborted) return 'interrupted';
      const objection =
        instance.definition.name === 'publish' ? await this.#objection(instances, selected) : undefined;
      const end = objection === undefined ? await this.#one(instance) : 'rejected';
      if (objection !== undefined) this.#reject(instance.id, objection);
      await this.#record.save();
      if (end === 'interrupted') return 'interrupted';
      if (end === 'rejected') {
        const rest = objection === undefined ? index + 1 : index;
        for (const { id } of instances.slice(rest)) this.#record.stage(id).status = 'left-out';
        return 'rejected';
      }
    }
    return 'finished';
  }

  async #one(instance: StageInstance): Promise<'done' | 'rejected' | 'interrupted'> {
    const stage = this.#record.stage(instance.id);
    const started = performance.now();
    try {
      const summary = await this.#summaryOf(instance, started);
      if (summary === 'interrupted') {
        stage.status = 'interrupted';
        return 'interrupted';
      }
      stage.figures = summary.figures;
      if (instance.definition.name === 'publish') this.hasPublished = true;
      if (summary.rejected === undefined) return 'done';
      stage.status = 'rejected';
      this.#reject(instance.id, summary.rejected);
      return 'rejected';
    } catch (error) {
      stage.status = 'failed';
      stage.error = {
        code: error instanceof HaetaeError ? error.code : 'INTERNAL',
        message: messageOf(error),
      };
      throw error;
    } finally {
      stage.progress = null;
      stage.seconds = (performance.now() - started) / 1000;
    }
  }

  #reject(id: string, why: string): void {
    this.rejection = why;
    this.#options.note(`${id}: ${why}`);
  }

  /** Why nothing may be published: a gate that this run leaves out has said no, or nothing of what is there now. */
  async #objection(
    instances: readonly StageInstance[],
    selected: ReadonlySet<string>,
  ): Promise<string | undefined> {
    for (const instance of instances) {
      const { id, definition } = instance;
      if (!definition.isGate || selected.has(id)) continue;
      const place = stagePlace(this.#place, this.#options.config, instance, this.#incumbentId);
      const finished = await this.#finished(definition, place, await stageKey(definition, place));
      const summary = finished && (await readSummary(place.folder));
      if (!summary) return `${id} has not judged what is there now. Run it as well: --from ${id}`;
      if (summary.rejected !== undefined) return summary.rejected;
    }
    return undefined;
  }

  /** What the stage has finished, if it was made from `key` and is whole. */
  async #finished(
    definition: StageDefinition,
    { folder }: StagePlace,
    key: StageKey,
  ): Promise<FinishedStage | undefined> {
    const finished = await finishedStage(folder);
    if (!finished || !isSameKey(finished, key)) return undefined;
    const published = await publishedBundle(this.#place);
    return isSameIncumbent(finished, definition, this.#incumbentId, published) ? finished : undefined;
  }

  /** What the stage has made already, or makes now. */
  async #summaryOf(instance: StageInstance, started: number): Promise<StageSummary | 'interrupted'> {
    const { config, force, note, onProgress, signal, threads } = this.#options;
    const { id, definition, iteration } = instance;
    const stage = this.#record.stage(id);
    const place = stagePlace(this.#place, config, instance, this.#incumbentId);
    stage.startedAt = this.#now().toISOString();
    stage.status = 'running';
    await this.#record.save();
    const key = await stageKey(definition, place);
    const finished = await this.#finished(definition, place, key);
    const made = finished && !force ? await readSummary(place.folder) : undefined;
    if (made) {
      stage.status = 'unchanged';
      note(`${id}: unchanged`);
      return made;
    }
    // Done once more, it compares with what it did: not with what has come of it and is active now.
    const against = finished ? finished.incumbentId : this.#incumbentId;
    const incumbentId = definition.readsIncumbent ? against : null;
    this.worked += 1;
    note(`${id}: ${definition.about}`);
    await this.#waitForOrphan(id);
    if (definition.name === 'publish') await keepPublished(this.#place);
    await beginStage(place.folder, key, incumbentId);
    const end = await startStage({
      entry: this.#options.entry ?? entryPoint(import.meta.url, './stage-main'),
      order: {
        ...{ out: this.#place.out, config, stage: definition.name, id, iteration, threads },
        incumbentId,
      },
      log: join(this.#folder, runLogFolder, `${id}.log`),
      signal,
      onProgress: (label, done, total) => {
        stage.progress = { label, done, total };
        onProgress(id, label, done, total);
      },
      onLine: (line) => note(`  ${line}`),
    });
    if (end === 'interrupted') return 'interrupted';
    const seconds = (performance.now() - started) / 1000;
    await finishStage(place.folder, definition, key, {
      ...{ incumbentId, seconds, now: this.#now(), summary: end.summary },
    });
    stage.status = 'done';
    note(`${id}: done in ${seconds.toFixed(1)} s${figureText(end.summary)}`);
    return end.summary;
  }

  /** The stage process of a run that was killed ends as soon as it notices; two must not work in one folder. */
  async #waitForOrphan(id: string): Promise<void> {
    const path = join(this.#place.work, `${id}.lock`);
    const until = performance.now() + orphanWaitMs;
    for (let owner = await lockOwner(path); owner; owner = await lockOwner(path)) {
      if (performance.now() > until) {
        throw new HaetaeError(
          'TRAINING_RUNNING',
          `Process ${owner.pid} of an earlier run still works at ${id}. Wait for it, or end it.`,
          { pid: owner.pid },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

function figureText({ figures }: StageSummary): string {
  const text = Object.entries(figures).map(
    ([name, value]) =>
      `${name} ${typeof value === 'string' ? value : value.toLocaleString('en-US', { maximumSignificantDigits: Number.isInteger(value) ? 15 : 4 })}`,
  );
  return text.length === 0 ? '' : ` (${text.join(', ')})`;
}
