/**
 * What is known of a run of the training pipeline: `<output>/runs/<runId>/run.json`, written by the run itself at every
 * change and with each heartbeat, read by whoever shows runs (the API, the schedule, a person).
 */
import Type, { type Static } from 'typebox';

export const RunStatus = Type.Union([
  Type.Literal('running'),
  Type.Literal('published'), // finished, and there is a new bundle
  Type.Literal('finished'), // finished, and was not asked to publish (--to, --only)
  Type.Literal('rejected'), // finished, and a gate kept the student from being published
  Type.Literal('interrupted'), // stopped by a person or the system; it can be resumed
  Type.Literal('failed'),
]);
export type RunStatus = Static<typeof RunStatus>;

export const StageStatus = Type.Union([
  Type.Literal('pending'),
  Type.Literal('running'),
  Type.Literal('unchanged'), // skipped: nothing it depends on has changed
  Type.Literal('done'),
  Type.Literal('rejected'), // done, and its gate says no
  Type.Literal('left-out'), // not wanted (--from, --to, --only), or after a gate that said no
  Type.Literal('interrupted'),
  Type.Literal('failed'),
]);
export type StageStatus = Static<typeof StageStatus>;

const Failure = Type.Object({ code: Type.String(), message: Type.String() }, { additionalProperties: false });
const Time = Type.String({ description: 'ISO 8601' });

export const StageRecord = Type.Object(
  {
    id: Type.String({
      description: 'Name of the stage; of a repeated one with its number, e.g. `respond-2`',
    }),
    status: StageStatus,
    startedAt: Type.Union([Time, Type.Null()]),
    seconds: Type.Union([Type.Number(), Type.Null()]),
    progress: Type.Union([
      Type.Object(
        { label: Type.String(), done: Type.Integer(), total: Type.Integer() },
        { additionalProperties: false },
      ),
      Type.Null(),
    ]),
    /** Figures of the stage by name, for people: the whole is in its `summary.json`. */
    figures: Type.Record(Type.String(), Type.Union([Type.Number(), Type.String()])),
    error: Type.Union([Failure, Type.Null()]),
  },
  { additionalProperties: false },
);
export type StageRecord = Static<typeof StageRecord>;

export const RunRecord = Type.Object(
  {
    runId: Type.String({
      pattern: '^[0-9]{8}T[0-9]{6}Z-[0-9a-z]{4}$',
      description: 'When it began, and four letters',
    }),
    pipeline: Type.String({ description: 'Name in its configuration' }),
    config: Type.String({ description: 'File it was read from' }),
    trigger: Type.Union([Type.Literal('command'), Type.Literal('schedule'), Type.Literal('api')]),
    status: RunStatus,
    startedAt: Time,
    /** When the run last said that it lives. A `running` one that is silent for minutes was killed. */
    heartbeatAt: Time,
    finishedAt: Type.Union([Time, Type.Null()]),
    pid: Type.Integer(),
    stages: Type.Array(StageRecord),
    /** Bundle it published. */
    bundleId: Type.Union([Type.String(), Type.Null()]),
    /** In a sentence: what came of it. */
    outcome: Type.Union([Type.String(), Type.Null()]),
    error: Type.Union([Failure, Type.Null()]),
  },
  { additionalProperties: false },
);
export type RunRecord = Static<typeof RunRecord>;

export const runFileName = 'run.json';
export const runReportName = 'report.html';
/** Folder of a run's logs, `<stage id>.log` each. */
export const runLogFolder = 'logs';
export const heartbeatMs = 5_000;
