/**
 * A teacher that was asked before: its log-probabilities come from a cache on disk. Sequences are found by the hash of
 * their tokens, so that packing and order of the batches do not matter. Truncated distributions are made whole inside
 * the student's graph, a chunk at a time: the tail's value everywhere, the kept ones scattered over it.
 */
import type { TensorValue } from '../../shared/onnx/session.js';
import { expand, slice } from '../autodiff/expressions.js';
import type { Tape } from '../autodiff/tape.js';
import type { TeacherLogits } from '../blocks/linear-divergence.js';
import type { TeacherSequence } from '../data/answer-slots.js';
import type { DecoderTeacher } from './decoder-teacher.js';
import { LogProbCache, type LogProbCacheWriter } from './log-prob-cache.js';
import { type CacheHeader, sequenceHash } from './log-prob-record.js';
import { requireSameVocabulary, spanOf, type Teacher, type VocabularyOwner } from './teacher.js';

/** Key of a sequence: the hash of its tokens, and what is kept of it. */
export function sequenceKey(sequence: TeacherSequence): string {
  const { from, positions } = spanOf(sequence);
  return `${sequenceHash(sequence.tokens).toString('hex')}/${from}+${positions}`;
}

/**
 * Asks the teacher for all sequences that the cache has not.
 * @returns sequences that were added
 */
export async function fillCache(
  writer: LogProbCacheWriter,
  teacher: DecoderTeacher,
  sequences: readonly TeacherSequence[],
): Promise<number> {
  let added = 0;
  for (const sequence of sequences) {
    if (sequence.positions.length === 0) continue;
    const key = sequenceKey(sequence);
    if (writer.has(key)) continue;
    const { from, positions } = spanOf(sequence);
    const logits = await teacher.sequenceLogits(sequence.tokens, from, positions);
    await writer.add(key, sequence.tokens, from, logits);
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
  #cache: LogProbCache | undefined;

  /**
   * A cache that need not be there yet: `load` opens it.
   * @throws HaetaeError TRAINING_VOCABULARY
   */
  constructor(
    path: string,
    header: Pick<CacheHeader, 'folder' | 'vocabSize' | 'k'>,
    student: VocabularyOwner,
  ) {
    requireSameVocabulary(student, header);
    this.folder = header.folder;
    this.vocabSize = header.vocabSize;
    this.#path = path;
    this.#k = header.k;
  }

  /** @throws HaetaeError TRAINING_VOCABULARY, TRAINING_CACHE_INVALID */
  static async open(path: string, student: VocabularyOwner): Promise<CachedTeacher> {
    const cache = await LogProbCache.open(path);
    try {
      const teacher = new CachedTeacher(path, cache.header, student);
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
  feedBytes(slots: number): number {
    const k = this.#k;
    return slots * (k === null ? 4 * this.vocabSize : 12 * k + 4);
  }

  logits(tape: Tape, slots: number): TeacherLogits {
    const k = this.#k;
    if (k === null) {
      const given = tape.input('teacher_logits', [slots, this.vocabSize]);
      return (from, to) => tape.withoutGradient(() => slice(tape, given, 0, from, to));
    }
    const ids = tape.input('teacher_ids', [slots, k], 'int64');
    const logProbs = tape.input('teacher_log_probs', [slots, k]);
    const tail = tape.input('teacher_tail', [slots, 1]);
    return (from, to) =>
      tape.withoutGradient(() => {
        const part = (x: typeof ids) => slice(tape, x, 0, from, to);
        const whole = expand(tape, part(tail), [to - from, this.vocabSize]);
        const inputs = [whole, part(ids), part(logProbs)];
        return tape.node('ScatterElements', inputs, { axis: 1 })[0]!;
      });
  }

  /** @throws HaetaeError TRAINING_CACHE_INVALID where a sequence is not in the cache */
  async feeds(sequences: readonly TeacherSequence[], slots: number): Promise<Record<string, TensorValue>> {
    if (!this.#cache) throw new Error(`the cache ${this.#path} is not loaded`);
    const k = this.#k;
    const width = k ?? this.vocabSize;
    const logProbs = new Float32Array(slots * width);
    const ids = new BigInt64Array(k === null ? 0 : slots * k);
    const tail = new Float32Array(k === null ? 0 : slots);
    for (const sequence of sequences) {
      if (sequence.positions.length === 0) continue;
      const record = await this.#cache.read(sequenceKey(sequence), sequence.tokens);
      for (const [i, slot] of sequence.slots.entries()) {
        const row = sequence.positions[i]! - record.from;
        const [from, to] = [row * width, (row + 1) * width];
        logProbs.set(record.logProbs.subarray(from, to), slot * width);
        record.ids?.subarray(from, to).forEach((id, at) => {
          ids[slot * width + at] = BigInt(id);
        });
        if (record.tail) tail[slot] = record.tail[row]!;
      }
    }
    const rows = (columns: number) => [slots, columns];
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
