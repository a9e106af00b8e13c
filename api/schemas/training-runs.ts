/** What the routes of training runs take and give. */
import Type, { type Static } from 'typebox';
import { RunRecord, StageRecord } from '../../shared/training-run/run-record.js';

const Stale = Type.Boolean({
  description:
    'The run says that it is running, but was last heard of more than a minute ago and its process is gone: it is ' +
    'given as `interrupted`. The next run of the pipeline goes on where it was stopped',
});

/** A whole record. */
export const TrainingRun = Type.Object(
  { ...RunRecord.properties, stale: Stale },
  { additionalProperties: false },
);

const { stages: _, config: __, pid: ___, ...brief } = RunRecord.properties;

/** A line of the list. */
export const TrainingRunSummary = Type.Object(
  {
    ...brief,
    stage: Type.Union([Type.Pick(StageRecord, ['id', 'progress']), Type.Null()], {
      description: 'The stage at work',
    }),
    stale: Stale,
  },
  { additionalProperties: false },
);
export type TrainingRunSummary = Static<typeof TrainingRunSummary>;

export const TrainingRunList = Type.Object({
  runs: Type.Array(Type.Unsafe<TrainingRunSummary>({ $ref: 'TrainingRunSummary#' })),
  unreadable: Type.Integer({ description: 'Records that could not be read, among those looked at' }),
});

const stage = (description: string) =>
  Type.Optional(
    Type.String({
      pattern: '^[a-z]+(-[0-9]+)?$',
      maxLength: 40,
      description,
      examples: ['distill', 'respond-1'],
    }),
  );

export const StartTrainingRun = Type.Object(
  {
    config: Type.String({
      pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$',
      maxLength: 100,
      description:
        'Name of a pipeline configuration (`.ts`, `.yaml` or `.json`) in the folder HAETAE_TRAINING_CONFIGS, without its ending',
      examples: ['tiny'],
    }),
    from: stage('Earlier stages are left out'),
    to: stage('Later stages are left out'),
    only: stage('Other stages are left out'),
  },
  { additionalProperties: false },
);
export type StartTrainingRun = Static<typeof StartTrainingRun>;
