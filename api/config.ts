/**
 * The configuration of the server: this table, read from the environment once, at start.
 *
 * A value that does not fit is `CONFIG_INVALID` and names the variable, the value, and what is allowed; an
 * empty value counts as absent.
 */
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { HaetaeError } from '../shared/errors.js';
import { readPackageInfo } from '../shared/package-info.js';
import { SecretKey } from './secret-key.js';

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface Config {
  port: number;
  host: string;
  modelsDir: string;
  /** Undefined: the bundle that `current` names. */
  bundleId: string | undefined;
  threads: number;
  logLevel: LogLevel;
  questionDeadlineMs: number;
  batchDeadlineMs: number;
  chatDeadlineMs: number;
  batchConcurrency: number;
  maxBatches: number;
  maxRows: number;
  bodyLimitBytes: number;
  cacheMaxEntries: number;
  cacheTtlMs: number;
  /** Undefined: as many as the bundle says. */
  lmSlots: number | undefined;
  kvCacheMb: number;
  engineStartMs: number;
  engineHangMs: number;
  stopGraceMs: number;
  /** Undefined: nothing can be changed over HTTP. */
  adminKey: SecretKey | undefined;
  trainingDir: string;
  trainingConfigs: string;
}

interface Setting<T> {
  variable: string;
  about: string;
  /** Computed at start where it depends on the machine. */
  fallback: () => T;
  /** What the table in the documentation says of the default. */
  defaultText: string;
  allowed: string;
  /** Its value is never shown. */
  secret?: true;
  /** The value of a non-empty text, or undefined where it is not allowed. */
  parse: (text: string) => T | undefined;
}

/** One row per setting; the documentation's table is checked against it. */
export const settings: { [K in keyof Config]: Setting<Config[K]> } = {
  port: integer('PORT', 'Port to listen on; 0 picks a free one', 8080, 0, 65_535),
  host: text('HOST', 'Address to listen on; 0.0.0.0 opens it to the network', '127.0.0.1'),
  modelsDir: folder('HAETAE_MODELS_DIR', 'Folder that holds the bundles and `current`', 'models'),
  bundleId: {
    variable: 'HAETAE_BUNDLE',
    about: 'Bundle to serve',
    fallback: () => undefined,
    defaultText: 'what `models/current` says',
    allowed: 'the id of a bundle: letters, digits, `.`, `_` and `-`',
    parse: (id) => (/^[\w][\w.-]*$/u.test(id) ? id : undefined),
  },
  threads: {
    ...integer('HAETAE_THREADS', 'Threads of the native work in the engine', 1, 1, 256),
    fallback: () => Math.min(256, availableParallelism()),
    defaultText: 'the number of cores',
  },
  logLevel: {
    variable: 'LOG_LEVEL',
    about: 'Least severe level that is logged',
    fallback: () => 'info',
    defaultText: 'info',
    allowed: logLevels.join(', '),
    parse: (level) => logLevels.find((known) => known === level),
  },
  questionDeadlineMs: integer(
    'HAETAE_QUESTION_DEADLINE_MS',
    'Longest time for one question; then the fallback answers',
    30_000,
    1,
    600_000,
  ),
  batchDeadlineMs: integer(
    'HAETAE_BATCH_DEADLINE_MS',
    'Longest time for one batch; every row is written by then',
    270 * 60_000,
    1,
    24 * 3_600_000,
  ),
  chatDeadlineMs: integer(
    'HAETAE_CHAT_DEADLINE_MS',
    'Longest time for one chat completion, and for the embeddings of one request',
    600_000,
    1,
    3_600_000,
  ),
  batchConcurrency: integer('HAETAE_BATCH_CONCURRENCY', 'Questions of one batch worked on at once', 4, 1, 64),
  maxBatches: integer('HAETAE_MAX_BATCHES', 'Batches served at once; more are refused with 503', 4, 1, 64),
  maxRows: integer('HAETAE_MAX_ROWS', 'Most rows of one question file', 100_000, 1, 10_000_000),
  bodyLimitBytes: integer(
    'HAETAE_BODY_LIMIT',
    'Largest question file, bytes',
    64 * 1024 * 1024,
    1_024,
    1024 ** 3,
  ),
  cacheMaxEntries: integer(
    'HAETAE_CACHE_MAX',
    'Answers kept, and retrievals kept; 0 turns the caches off',
    10_000,
    0,
    1_000_000,
  ),
  cacheTtlMs: integer('HAETAE_CACHE_TTL_MS', 'How long they are kept', 3_600_000, 1, 7 * 24 * 3_600_000),
  lmSlots: {
    ...integer('HAETAE_LM_SLOTS', 'Texts that the language model works on at once', 8, 1, 64),
    fallback: () => undefined,
    defaultText: 'what the bundle says',
  },
  kvCacheMb: integer(
    'HAETAE_KV_CACHE_MB',
    'Memory for keys and values of the language model, MiB',
    512,
    1,
    1_048_576,
  ),
  engineStartMs: integer(
    'HAETAE_ENGINE_START_MS',
    'An engine that is not ready after this long is given up, and its bundle refused',
    120_000,
    100,
    3_600_000,
  ),
  engineHangMs: integer(
    'HAETAE_ENGINE_HANG_MS',
    'An engine that gives no sign of life for this long is replaced',
    10_000,
    100,
    600_000,
  ),
  stopGraceMs: integer(
    'HAETAE_STOP_GRACE_MS',
    'Longest time a stopping server waits for requests in flight',
    10_000,
    0,
    600_000,
  ),
  adminKey: {
    variable: 'HAETAE_ADMIN_KEY',
    about: 'Key that requests carry which change something (`Authorization: Bearer KEY`)',
    fallback: () => undefined,
    defaultText: 'none: nothing can be changed over HTTP',
    allowed: '16 to 512 letters, digits and signs of ASCII, without white space',
    secret: true,
    parse: (key) => (/^[\x21-\x7e]{16,512}$/u.test(key) ? new SecretKey(key) : undefined),
  },
  trainingDir: folder(
    'HAETAE_TRAINING_DIR',
    'Folder of the pipelines, each with its runs; those started over HTTP write there',
    'data/work/training',
  ),
  trainingConfigs: folder(
    'HAETAE_TRAINING_CONFIGS',
    'Folder of the pipeline configurations that can be started over HTTP',
    'training/runs',
  ),
};

/** The configuration in `environment`; `overrides` (the command line, as text) win over it. */
export function readConfig(
  environment: Readonly<Record<string, string | undefined>>,
  overrides: Readonly<Partial<Record<keyof Config, string | undefined>>> = {},
): Config {
  const entries = (Object.keys(settings) as (keyof Config)[]).map((key) => {
    const setting: Setting<Config[keyof Config]> = settings[key];
    return [key, settle(setting, overrides[key] ?? environment[setting.variable])];
  });
  return Object.fromEntries(entries) as Config;
}

function settle<T>(setting: Setting<T>, given: string | undefined): T {
  const trimmed = given?.trim() ?? '';
  if (trimmed === '') return setting.fallback();
  const value = setting.parse(trimmed);
  if (value !== undefined) return value;
  const { variable, allowed, about, secret } = setting;
  const what = secret ? 'does not fit (it is not shown)' : `is ${JSON.stringify(given)}`;
  throw new HaetaeError('CONFIG_INVALID', `${variable} ${what}; allowed: ${allowed}. (${about}.)`, {
    ...{ variable, allowed },
    ...(secret ? {} : { value: given }),
  });
}

function integer(
  variable: string,
  about: string,
  byDefault: number,
  least: number,
  most: number,
): Setting<number> {
  return {
    variable,
    about,
    fallback: () => byDefault,
    defaultText: String(byDefault),
    allowed: `a whole number from ${least} to ${most}`,
    parse: (given) => {
      if (!/^\d{1,15}$/u.test(given)) return undefined;
      const value = Number(given);
      return value >= least && value <= most ? value : undefined;
    },
  };
}

function text(variable: string, about: string, byDefault: string): Setting<string> {
  return {
    variable,
    about,
    fallback: () => byDefault,
    defaultText: byDefault,
    allowed: 'a name or address without white space',
    parse: (given) => (/\s/u.test(given) ? undefined : given),
  };
}

/** `byDefault` is relative to the folder of package.json. */
function folder(variable: string, about: string, byDefault: string): Setting<string> {
  return {
    variable,
    about,
    fallback: () => join(readPackageInfo().root, byDefault),
    defaultText: `\`${byDefault}\` beside package.json`,
    allowed: 'a path',
    parse: (path) => resolve(path),
  };
}
