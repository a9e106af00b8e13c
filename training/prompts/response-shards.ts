/**
 * Responses made on several machines. A shard is a folder:
 *
 *   shard.json                which part of how many it is, and what it was made from
 *   responses.teacher.jsonl   responses.student.jsonl
 *
 * Shard i of n has the questions whose hash is i modulo n: each question is in one shard, with all its prompts, whose
 * common beginning is then computed once. Shards of one stage were made from the same inputs and options; what
 * else they hold is refused. Shards lie in `OUT/shards/<stage id>/`, where the stage takes them up.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HaetaeError } from '../../shared/errors.js';
import { writeAtomically } from '../../shared/write-atomically.js';
import { readAllJsonLines, writeJsonLines } from '../formats/json-lines.js';
import { Response } from '../formats/response.js';

export const teacherName = 'responses.teacher.jsonl';
export const studentName = 'responses.student.jsonl';
const shardName = 'shard.json';
const startedName = 'shard.started';

export interface ShardPart {
  /** From 0. */
  index: number;
  count: number;
}

export interface Shard extends ShardPart {
  /** What decides the responses: equal in all shards of a stage. */
  key: string;
}

export interface ShardResponses {
  teacher: Response[];
  student: Response[];
}

/** Where the shards of the stage in `stageFolder` lie. */
export function shardsFolder(stageFolder: string): string {
  return join(dirname(dirname(stageFolder)), 'shards', basename(stageFolder));
}

export function shardFolder(stageFolder: string, { index, count }: ShardPart): string {
  return join(shardsFolder(stageFolder), `${index}-of-${count}`);
}

/** Which shard of `count` a question is in. */
export function shardOf(qaId: string, count: number): number {
  return createHash('sha256').update(qaId).digest().readUInt32BE(0) % count;
}

/** Readies the folder of a shard: what an interrupted start of the same has left stays, anything else goes. */
export async function beginShard(folder: string, { key }: Shard): Promise<void> {
  const path = join(folder, startedName);
  const left = await readFile(path, 'utf8').catch(() => '');
  if (left.trim() === key) return;
  await rm(folder, { recursive: true, force: true });
  await writeAtomically(path, `${key}\n`);
}

/** Whole once `shard.json` is there. */
export async function writeShard(
  folder: string,
  shard: Shard,
  { teacher, student }: ShardResponses,
): Promise<void> {
  await writeJsonLines(join(folder, teacherName), teacher);
  await writeJsonLines(join(folder, studentName), student);
  const { index, count, key } = shard;
  await writeAtomically(join(folder, shardName), `${JSON.stringify({ index, count, key })}\n`);
}

/** @throws HaetaeError TRAINING_DATA_INVALID where the folder holds no whole shard */
export async function readShard(folder: string): Promise<Shard & ShardResponses> {
  const shard = await readFile(join(folder, shardName), 'utf8').then(parseShard, () => undefined);
  if (!shard) {
    throw new HaetaeError(
      'TRAINING_DATA_INVALID',
      `${folder} holds no whole shard: ${shardName} is not there, or not what it should be. Run haetae train respond CONFIG --shard I/N to its end, and copy the folder again.`,
      { folder },
    );
  }
  return {
    ...shard,
    teacher: await readAllJsonLines(join(folder, teacherName), Response),
    student: await readAllJsonLines(join(folder, studentName), Response),
  };
}

/** Folders of whole shards below the place for them. */
export async function findShards(stageFolder: string): Promise<string[]> {
  const root = shardsFolder(stageFolder);
  const names = (await readdir(root).catch((): string[] => [])).sort();
  const folders = names.map((name) => join(root, name));
  const isWhole = await Promise.all(
    folders.map((folder) =>
      stat(join(folder, shardName)).then(
        () => true,
        () => false,
      ),
    ),
  );
  return folders.filter((_, i) => isWhole[i]);
}

/**
 * All shards of a stage as one, written to `to`.
 * @throws HaetaeError TRAINING_DATA_INVALID where one is not whole, missing, given twice, or of something else
 */
export async function mergeShards(
  folders: readonly string[],
  to: string,
): Promise<{ shards: number; teacher: number; student: number }> {
  const shards = await Promise.all(folders.map(async (folder) => ({ folder, ...(await readShard(folder)) })));
  const [first] = shards;
  if (!first) throw new HaetaeError('USAGE', 'No shards are given. Name their folders.');
  const seen = new Map<number, string>();
  for (const { folder, index, count, key } of shards) {
    if (key !== first.key || count !== first.count) {
      throw refused(
        `${folder} is shard ${index}/${count}, ${first.folder} is ${first.index}/${first.count}`,
        count === first.count
          ? 'made from other questions, models or options'
          : 'another number of shards were asked for',
      );
    }
    const other = seen.get(index);
    if (other !== undefined) throw refused(`${folder} and ${other}`, `both are shard ${index}/${count}`);
    seen.set(index, folder);
  }
  const missing = Array.from({ length: first.count }, (_, i) => i).filter((i) => !seen.has(i));
  if (missing.length > 0) {
    throw refused(
      `shards ${missing.map((i) => `${i}/${first.count}`).join(', ')}`,
      'they are missing: name their folders too',
    );
  }
  const merged = {
    teacher: shards.flatMap(({ teacher }) => teacher),
    student: shards.flatMap(({ student }) => student),
  };
  await writeShard(to, { index: 0, count: 1, key: first.key }, merged);
  return { shards: shards.length, teacher: merged.teacher.length, student: merged.student.length };
}

function refused(what: string, why: string): HaetaeError {
  return new HaetaeError('TRAINING_DATA_INVALID', `The shards do not belong together: ${what}: ${why}.`);
}

function parseShard(text: string): Shard | undefined {
  try {
    const { index, count, key } = JSON.parse(text) as Partial<Shard>;
    const fits =
      Number.isInteger(index) && Number.isInteger(count) && typeof key === 'string' && index! < count!;
    return fits ? { index: index!, count: count!, key } : undefined;
  } catch {
    return undefined;
  }
}
