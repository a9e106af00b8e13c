/**
 * Files with a JSON object on each line, each held to its schema.
 *
 * A journal is such a file that grows while a stage works: a record is appended whole, and synced before more than
 * `syncEveryMs` of work could be lost. What a kill has left of a last line is cut off when it is opened again.
 */
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import { writeAtomically } from '../../shared/write-atomically.js';

/**
 * Records in the order of the file; blank lines are passed over.
 * @throws HaetaeError FILE_NOT_FOUND; TRAINING_DATA_INVALID, naming file, line and field
 */
export async function* readJsonLines<Schema extends TSchema>(
  path: string,
  schema: Schema,
): AsyncGenerator<Static<Schema>> {
  const validator = Compile(schema);
  const stream = createReadStream(path, 'utf8');
  let line = 0;
  try {
    for await (const text of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
      line += 1;
      if (text.trim() === '') continue;
      yield parseRecord(text, validator, `${path}:${line}`);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new HaetaeError('FILE_NOT_FOUND', `${path} is not there.`, { path }, { cause: error });
  } finally {
    stream.destroy();
  }
}

/** As `readJsonLines`, all at once. */
export async function readAllJsonLines<Schema extends TSchema>(
  path: string,
  schema: Schema,
): Promise<Static<Schema>[]> {
  const records: Static<Schema>[] = [];
  for await (const record of readJsonLines(path, schema)) records.push(record);
  return records;
}

/** Writes the whole file, atomically. */
export async function writeJsonLines(path: string, records: Iterable<object>): Promise<void> {
  const lines: string[] = [];
  for (const record of records) lines.push(`${JSON.stringify(record)}\n`);
  await mkdir(dirname(path), { recursive: true });
  await writeAtomically(path, lines.join(''));
}

const syncEveryMs = 1_000;

export interface JournalOptions {
  /** Each append resolves only when the record is on disk: for what cannot be had again. Default false. */
  durable?: boolean;
}

export class Journal<Schema extends TSchema> {
  readonly #handle: Awaited<ReturnType<typeof open>>;
  readonly #records = new Map<string, Static<Schema>>();
  readonly #idOf: (record: Static<Schema>) => string;
  readonly #syncEveryMs: number;
  #lastSync = performance.now();
  #pending: Promise<unknown> = Promise.resolve();

  private constructor(
    handle: Awaited<ReturnType<typeof open>>,
    records: readonly Static<Schema>[],
    idOf: (record: Static<Schema>) => string,
    { durable = false }: JournalOptions,
  ) {
    this.#handle = handle;
    this.#idOf = idOf;
    this.#syncEveryMs = durable ? 0 : syncEveryMs;
    for (const record of records) this.#records.set(idOf(record), record);
  }

  /**
   * Takes up the journal at `path`, or begins it.
   * @throws HaetaeError TRAINING_DATA_INVALID where a line other than a broken last one does not fit the schema
   */
  static async open<Schema extends TSchema>(
    path: string,
    schema: Schema,
    idOf: (record: Static<Schema>) => string,
    options: JournalOptions = {},
  ): Promise<Journal<Schema>> {
    await mkdir(dirname(path), { recursive: true });
    const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return Buffer.alloc(0);
      throw error;
    });
    const whole = bytes.lastIndexOf(0x0a) + 1;
    if (whole < bytes.length) await truncate(path, whole);
    const validator = Compile(schema);
    const records = bytes
      .subarray(0, whole)
      .toString('utf8')
      .split('\n')
      .flatMap((text, i) => (text === '' ? [] : [parseRecord(text, validator, `${path}:${i + 1}`)]));
    return new Journal(await open(path, 'a'), records, idOf, options);
  }

  has(id: string): boolean {
    return this.#records.has(id);
  }

  get(id: string): Static<Schema> | undefined {
    return this.#records.get(id);
  }

  /** In the order they were written; of several with one id the last. */
  records(): Static<Schema>[] {
    return [...this.#records.values()];
  }

  /** Resolves when the record is in the file; one after the other. After one that failed, all that follow fail. */
  append(record: Static<Schema>): Promise<void> {
    this.#records.set(this.#idOf(record), record);
    const write = this.#pending.then(async () => {
      await this.#handle.appendFile(`${JSON.stringify(record)}\n`);
      if (performance.now() - this.#lastSync < this.#syncEveryMs) return;
      await this.#handle.datasync();
      this.#lastSync = performance.now();
    });
    // Behind a line that may be broken nothing is written: only a last one is cut off when it is opened again.
    this.#pending = write;
    write.catch(() => undefined);
    return write;
  }

  async close(): Promise<void> {
    try {
      await this.#pending;
      await this.#handle.datasync();
    } finally {
      await this.#handle.close();
    }
  }
}

type Validator<Schema extends TSchema> = ReturnType<typeof Compile<Schema>>;

function parseRecord<Schema extends TSchema>(
  text: string,
  validator: Validator<Schema>,
  where: string,
): Static<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(where, `the line is not JSON (${messageOf(error)})`);
  }
  if (validator.Check(value)) return value as Static<Schema>;
  const [first] = validator.Errors(value);
  throw invalid(where, `${first?.instancePath || 'the line'} ${first?.message ?? 'does not fit'}`);
}

function invalid(where: string, what: string): HaetaeError {
  return new HaetaeError(
    'TRAINING_DATA_INVALID',
    `${where}: ${what}. Correct or remove the line, or remove the file to make it anew.`,
    { where },
  );
}
