/**
 * What `haetae schedule CONFIG` runs, and when. YAML, JSON, or a TypeScript module with a default export:
 *
 * ```yaml
 * jobs:
 *   - name: nightly
 *     pipeline: training/runs/tiny.ts
 *     cron: '0 3 * * *'
 *     timezone: Asia/Seoul
 *     retry: { attempts: 3, delay: 5m }
 *     webhook: { url: 'https://example.org/hook', on: [published, failed], secretEnv: HOOK_SECRET }
 * ```
 */
import Type, { type Static, type TProperties } from 'typebox';

const section = <T extends TProperties>(properties: T, description: string) =>
  Type.Object(properties, { additionalProperties: false, description });
const text = (description: string) => Type.String({ minLength: 1, description });
const duration = (description: string, value?: string) =>
  Type.Union([Type.String({ minLength: 1 }), Type.Integer({ minimum: 0 })], {
    description: `${description}; like 90s, 15m, 6h, 7d, or milliseconds`,
    ...(value === undefined ? {} : { default: value }),
  });
const choice = <const T extends readonly string[]>(values: T, description: string, value?: T[number]) =>
  Type.Unsafe<T[number]>(
    Type.Enum([...values], { description, ...(value === undefined ? {} : { default: value }) }),
  );

/** What a webhook can be told of. */
export const webhookEvents = [
  'published',
  'finished',
  'rejected',
  'interrupted',
  'failed',
  'skipped',
] as const;
export type WebhookEvent = (typeof webhookEvents)[number];

const Webhook = section(
  {
    url: text('Where a POST with JSON goes'),
    headers: Type.Array(
      section(
        { name: text('Of the header'), env: text('Environment variable that holds its value') },
        'A header whose value is a secret',
      ),
      { default: [], description: 'Sent with it' },
    ),
    secretEnv: Type.Optional(
      text('Environment variable with the key of x-haetae-signature: sha256=HMAC of the body, in hex'),
    ),
    on: Type.Array(choice(webhookEvents, 'An end that a job can take'), {
      minItems: 1,
      default: ['published', 'rejected', 'failed'],
      description: 'Ends of a job that it is told of',
    }),
  },
  'Told when a job has ended; when it cannot be reached that is only logged',
);

const Job = section(
  {
    name: text('Of the job'),
    pipeline: text('Configuration of a pipeline, as haetae train run takes'),
    out: Type.Optional(text('Folder it writes to; default: data/work/training/<name of the pipeline>')),
    cron: Type.Optional(text('Minute, hour, day of the month, month, day of the week')),
    timezone: Type.Optional(text('IANA name of the time zone of cron; default: that of the system')),
    interval: Type.Optional(duration('Time from one start to the next')),
    runOnStart: Type.Boolean({ default: false, description: 'Also when the schedule starts' }),
    overlap: choice(
      ['queue', 'skip'],
      'When it comes due while a run is at work: wait (once), or leave it out',
      'queue',
    ),
    retry: Type.Object(
      {
        attempts: Type.Integer({ minimum: 1, maximum: 100, default: 1, description: 'Runs, with the first' }),
        delay: duration('Before the second', '5m'),
        factor: Type.Number({ minimum: 1, maximum: 10, default: 2, description: 'Growth of the delay' }),
      },
      {
        additionalProperties: false,
        default: {},
        description: 'Of a run that failed; it goes on where that stopped',
      },
    ),
    timeout: Type.Optional(duration('Longest time of one run')),
    webhook: Type.Optional(Webhook),
  },
  'A pipeline, and when it is run',
);

export const ScheduleConfig = section(
  {
    jobs: Type.Array(Job, { minItems: 1, description: 'Run one at a time' }),
    history: Type.String({
      minLength: 1,
      default: 'data/work/schedule',
      description: 'Folder of what became of the runs, and of what they printed',
    }),
    stopGrace: duration('Longest wait for a run that is asked to stop', '2m'),
  },
  'haetae schedule: pipelines by the clock',
);
export type ScheduleConfig = Static<typeof ScheduleConfig>;
export type JobConfig = ScheduleConfig['jobs'][number];
export type WebhookConfig = NonNullable<JobConfig['webhook']>;
