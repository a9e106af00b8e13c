/**
 * A teacher that was asked before: its log-probabilities come from a cache on disk. Sequences are found by the hash of
 * their tokens, so that packing and order of the batches do not matter. Truncated distributions are made whole inside
 * the student's graph, a chunk at a time: the tail's value everywhere, the kept ones scattered over it.
 */
import type { TensorValue } from '../../shared/onnx/session.js';
import { expand, slice } from '../autodiff/expressions.js';
import type { Tape } from '../autodiff/tape.js';
import type { TeacherLogits } from '../blocks/linear-divergence.js';
import { type Segment, segmentsOf } from './batch-segments.js';
import type { DecoderTeacher } from './decoder-teacher.js';
import { LogProbCache, type LogProbCacheWriter } from './log-prob-cache.js';
import { type CacheHeader, sequenceHash } from './log-prob-record.js';
import { requireSameVocabulary, type Teacher, type TeacherBatch, type VocabularyOwner } from './teacher.js';

export interface CachedTeacherOptions {
  student: VocabularyOwner;
  rows: number;
  /** Positions of a row. */
  length: number;
}

/** Key of a sequence: the hash of its tokens, and what is kept of it. */
export function segmentKey({ tokens, from, positions }: Segment): string {
  return `${sequenceHash(tokens).toString('hex')}/${from}+${positions}`;
}

/**
 * Asks the teacher for all sequences of a batch that the cache has not.
 * @returns sequences that were added
 */
export async function fillCache(
  writer: LogProbCacheWriter,
  teacher: DecoderTeacher,
  batch: TeacherBatch,
  length: number,
): Promise<number> {
  let added = 0;
  for (const segment of segmentsOf(batch, length)) {
    const key = segmentKey(segment);
    if (writer.has(key)) continue;
    const logits = await teacher.sequenceLogits(segment.tokens, segment.from, segment.positions);
    await writer.add(key, segment.tokens, segment.from, logits);
    added++;
  }
  return added;
}

export class CachedTeacher implements Teacher {
  readonly folder: string;
  readonly vocabSize: number;
  readonly #path: string;
  /** Tokens kept of each distribution; null: all. */
  readonly #k: number | null;
  readonly #shape: { rows: number; length: number };
  #cache: LogProbCache | undefined;

  /**
   * A cache that need not be there yet: `load` opens it.
   * @throws HaetaeError TRAINING_VOCABULARY
   */
  constructor(
    path: string,
    header: Pick<CacheHeader, 'folder' | 'vocabSize' | 'k'>,
    { student, rows, length }: CachedTeacherOptions,
  ) {
    requireSameVocabulary(student, header);
    this.folder = header.folder;
    this.vocabSize = header.vocabSize;
    this.#path = path;
    this.#k = header.k;
    this.#shape = { rows, length };
  }

  /** @throws HaetaeError TRAINING_VOCABULARY, TRAINING_CACHE_INVALID */
  static async open(path: string, options: CachedTeacherOptions): Promise<CachedTeacher> {
    const cache = await LogProbCache.open(path);
    try {
      const teacher = new CachedTeacher(path, cache.header, options);
      teacher.#cache = cache;
      return teacher;
    } catch (error) {
      await cache.close();
      throw error;
    }
  }

  /** Opens the cache. @throws HaetaeError TRAINING_CACHE_INVALID */
  async load(): Promise<void> {
    this.#cache ??= await LogProbCache.open(this.#path);
  }

  /** Bytes of the inputs of a batch: of all tokens, or of each kept one its id and log-probability, and the tail. */
  get feedBytes(): number {
    const tokens = this.#shape.rows * this.#shape.length;
    const k = this.#k;
    return tokens * (k === null ? 4 * this.vocabSize : 12 * k + 4);
  }

  logits(tape: Tape): TeacherLogits {
    const tokens = this.#shape.rows * this.#shape.length;
    const k = this.#k;
    if (k === null) {
      const given = tape.input('teacher_logits', [tokens, this.vocabSize]);
      return (from, to) => tape.withoutGradient(() => slice(tape, given, 0, from, to));
    }
    const ids = tape.input('teacher_ids', [tokens, k], 'int64');
    const logProbs = tape.input('teacher_log_probs', [tokens, k]);
    const tail = tape.input('teacher_tail', [tokens, 1]);
    return (from, to) =>
      tape.withoutGradient(() => {
        const part = (x: typeof ids) => slice(tape, x, 0, from, to);
        const whole = expand(tape, part(tail), [to - from, this.vocabSize]);
        const inputs = [whole, part(ids), part(logProbs)];
        return tape.node('ScatterElements', inputs, { axis: 1 })[0]!;
      });
  }

  /** @throws HaetaeError TRAINING_CACHE_INVALID where a sequence of the batch is not in the cache */
  async feeds(batch: TeacherBatch): Promise<Record<string, TensorValue>> {
    const tokens = this.#shape.rows * this.#shape.length;
    if (!this.#cache) throw new Error(`the cache ${this.#path} is not loaded`);
    const k = this.#k;
    const width = k ?? this.vocabSize;
    const logProbs = new Float32Array(tokens * width);
    const ids = new BigInt64Array(k === null ? 0 : tokens * k);
    const tail = new Float32Array(k === null ? 0 : tokens);
    for (const segment of segmentsOf(batch, this.#shape.length)) {
      const record = await this.#cache.read(segmentKey(segment), segment.tokens);
      const at = segment.start + record.from;
      logProbs.set(record.logProbs, at * width);
      record.ids?.forEach((id, i) => {
        ids[at * width + i] = BigInt(id);
      });
      if (record.tail) tail.set(record.tail, at);
    }
    const rows = (columns: number) => [tokens, columns];
    if (k === null) {
      return { teacher_logits: { type: 'float32', shape: rows(width), data: logProbs } };
    }
    return {
      teacher_ids: { type: 'int64', shape: rows(k), data: ids },
      teacher_log_probs: { type: 'float32', shape: rows(k), data: logProbs },
      teacher_tail: { type: 'float32', shape: rows(1), data: tail },
    };
  }

  async close(): Promise<void> {
    await this.#cache?.close();
  }
}
