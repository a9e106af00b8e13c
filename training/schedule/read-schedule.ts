/** Reads a schedule, with the names of its pipelines and the secrets that it takes from the environment. */
import { join, resolve } from 'node:path';
import { defaultFolder } from '../../shared/default-folder.js';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import { readConfigContent } from '../pipeline/read-config-content.js';
import { readPipelineConfig } from '../pipeline/read-pipeline-config.js';
import { checkAgainstSchema, type FieldSchema, type Problem } from '../run/check-against-schema.js';
import { type Cron, parseCron } from './cron.js';
import { durationMs, parseDuration } from './duration.js';
import { type JobConfig, ScheduleConfig, type WebhookConfig } from './schedule-config.js';
import type { Schedule, ScheduledJob, ScheduledWebhook } from './scheduled-job.js';
import { isTimeZone, systemTimeZone } from './zoned-time.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** `setTimeout`, on which Bree's intervals are built, and people's patience end about here. */
const longestMs = 365 * 86_400_000;

/** As the file has it, with defaults: enough to look at its history. */
export async function readScheduleConfig(path: string): Promise<ScheduleConfig> {
  const content = await readConfigContent(path, 'a schedule');
  const { value, problems } = checkAgainstSchema(ScheduleConfig as FieldSchema, content);
  if (problems.length > 0) throw invalid(path, content, problems);
  return value as ScheduleConfig;
}

/**
 * Relative paths start at the folder the command runs in.
 * @throws HaetaeError FILE_NOT_FOUND; CONFIG_INVALID that names the file, the job, what came and what is allowed
 */
export async function readSchedule(path: string, env: Environment): Promise<Schedule> {
  const config = await readScheduleConfig(path);
  const wrong = [
    ...durationProblem('stopGrace', config.stopGrace, 0),
    ...config.jobs.flatMap((job, i) => jobProblems(job, i, config.jobs, env)),
  ];
  if (wrong.length > 0) throw invalid(path, config, wrong);
  const jobs: ScheduledJob[] = [];
  for (const job of config.jobs) jobs.push(await scheduledJob(path, job, env));
  return { jobs, history: resolve(config.history), stopGraceMs: durationMs(config.stopGrace) };
}

function jobProblems(job: JobConfig, index: number, jobs: readonly JobConfig[], env: Environment): Problem[] {
  const at = (field: string) => `jobs.${index}.${field}`;
  const problems: Problem[] = [];
  const say = (field: string, message: string) => void problems.push({ path: at(field), message });
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$/u.test(job.name)) {
    say('name', `is ${JSON.stringify(job.name)}, allowed are letters, digits, '.', '_' and '-', at most 60`);
  }
  if (jobs.findIndex(({ name }) => name === job.name) < index)
    say('name', `is ${job.name}, as of another job`);
  if (job.cron !== undefined && job.interval !== undefined)
    say('cron', 'and interval are both there: give one');
  if (job.cron === undefined && job.interval === undefined && !job.runOnStart) {
    say('cron', 'is missing: give it, or interval, or runOnStart: true');
  }
  const cron = job.cron === undefined ? null : parseCron(job.cron);
  if (typeof cron === 'string') say('cron', `is ${JSON.stringify(job.cron)}, which ${cron}`);
  if (job.timezone !== undefined && !isTimeZone(job.timezone)) {
    say('timezone', `is ${JSON.stringify(job.timezone)}, allowed is an IANA name, e.g. Asia/Seoul or UTC`);
  } else if (job.timezone !== undefined && job.cron === undefined) {
    say('timezone', 'is there without cron, which alone it is for: remove it');
  }
  problems.push(...durationProblem(at('interval'), job.interval, 1_000));
  problems.push(...durationProblem(at('timeout'), job.timeout, 1));
  problems.push(...durationProblem(at('retry.delay'), job.retry.delay, 0));
  if (job.webhook) problems.push(...webhookProblems(at('webhook'), job.webhook, env));
  return problems;
}

function durationProblem(path: string, value: string | number | undefined, leastMs: number): Problem[] {
  const ms = value === undefined ? leastMs : parseDuration(value);
  if (ms !== undefined && ms >= leastMs && ms <= longestMs) return [];
  const least = leastMs > 1 ? `, at least ${leastMs / 1_000}s` : '';
  return [
    {
      path,
      message: `is ${JSON.stringify(value)}, allowed is a length of time like 90s, 15m, 6h or 7d, or milliseconds${least}, at most 365d`,
    },
  ];
}

function webhookProblems(
  path: string,
  { url, headers, secretEnv }: WebhookConfig,
  env: Environment,
): Problem[] {
  const problems: Problem[] = [];
  if (!/^https?:$/u.test(URL.canParse(url) ? new URL(url).protocol : '')) {
    problems.push({
      path: `${path}.url`,
      message: `is ${JSON.stringify(url)}, allowed is a http or https URL`,
    });
  }
  const variables = [
    ...headers.map((header, i) => ({ field: `headers.${i}.env`, variable: header.env })),
    ...(secretEnv === undefined ? [] : [{ field: 'secretEnv', variable: secretEnv }]),
  ];
  for (const { field, variable } of variables) {
    if (!env[variable]) {
      problems.push({
        path: `${path}.${field}`,
        message: `is ${variable}, which is not set in the environment`,
      });
    }
  }
  for (const [i, { name, env: variable }] of headers.entries()) {
    try {
      new Headers({ [name]: env[variable] ?? '' });
    } catch {
      problems.push({
        path: `${path}.headers.${i}`,
        message: `is no header: its name is ${JSON.stringify(name)}, its value (${variable}, not shown) must be one line of Latin-1`,
      });
    }
  }
  return problems;
}

async function scheduledJob(path: string, job: JobConfig, env: Environment): Promise<ScheduledJob> {
  const { name } = await readPipelineConfig(job.pipeline).catch((error: unknown) => {
    const code = error instanceof HaetaeError ? error.code : 'CONFIG_INVALID';
    throw new HaetaeError(code, `${path}: job ${job.name}: pipeline: ${messageOf(error)}`, { job: job.name });
  });
  return {
    name: job.name,
    pipeline: resolve(job.pipeline),
    out: resolve(job.out ?? join(defaultFolder('data/work/training'), name)),
    when: whenOf(job),
    cron: job.cron === undefined ? null : (parseCron(job.cron) as Cron),
    timeZone: job.timezone ?? systemTimeZone(),
    intervalMs: job.interval === undefined ? null : durationMs(job.interval),
    runOnStart: job.runOnStart,
    overlap: job.overlap,
    retry: {
      ...{ attempts: job.retry.attempts, factor: job.retry.factor },
      delayMs: durationMs(job.retry.delay),
    },
    timeoutMs: job.timeout === undefined ? null : durationMs(job.timeout),
    webhook: job.webhook ? webhookOf(job.webhook, env) : null,
  };
}

function whenOf({ cron, timezone = systemTimeZone(), interval, runOnStart }: JobConfig): string {
  const times = [
    ...(runOnStart ? ['at the start'] : []),
    ...(cron === undefined ? [] : [`${cron} (${timezone})`]),
    ...(interval === undefined
      ? []
      : [`every ${typeof interval === 'number' ? `${interval} ms` : interval}`]),
  ];
  return times.join(', ');
}

function webhookOf({ url, headers, secretEnv, on }: WebhookConfig, env: Environment): ScheduledWebhook {
  return {
    ...{ url, on },
    headers: Object.fromEntries(headers.map((header) => [header.name, env[header.env] ?? ''])),
    secret: secretEnv === undefined ? null : (env[secretEnv] ?? null),
  };
}

/** Problems of a job are told by its name, where it has one. */
function invalid(path: string, content: unknown, problems: readonly Problem[]): HaetaeError {
  const { jobs } = (content ?? {}) as { jobs?: readonly ({ name?: unknown } | null)[] };
  const lines = problems.slice(0, 10).map(({ path: field, message }) => {
    const [, index, rest = ''] = /^jobs\.(\d+)\.?(.*)$/u.exec(field) ?? [];
    const name = index === undefined ? undefined : jobs?.[Number(index)]?.name;
    const place = typeof name === 'string' && rest !== 'name' ? `job ${name}: ${rest}` : field;
    return `${path}: ${place || 'the file'} ${message}`;
  });
  if (problems.length > 10) lines.push(`and ${problems.length - 10} more`);
  return new HaetaeError('CONFIG_INVALID', lines.join('\n  '), { problems });
}
